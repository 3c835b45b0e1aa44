-- name: templates.put
INSERT INTO templates (account_id, content_id, id, name, content, defaults, created_at, updated_at)
VALUES (:account_id, :content_id, :id, :name, :content, :defaults, :now, :now)
ON CONFLICT (account_id, content_id) DO UPDATE
SET name = excluded.name, content = excluded.content, defaults = excluded.defaults,
    updated_at = CASE WHEN excluded.updated_at > templates.updated_at
        THEN excluded.updated_at ELSE templates.updated_at + 1 END
RETURNING id, content_id, name, content, defaults, created_at, updated_at;

-- name: templates.newest
SELECT id FROM templates WHERE account_id = :account_id ORDER BY id DESC LIMIT 1;

-- name: templates.fetch
SELECT id, content_id, name, content, defaults, created_at, updated_at
FROM templates WHERE account_id = :account_id AND content_id = :content_id;

-- name: templates.lock
SELECT id, content_id, name, content, defaults, created_at, updated_at
FROM templates WHERE account_id = :account_id AND content_id = :content_id /*pg: FOR UPDATE */;

-- name: templates.list_page
SELECT id, content_id, name, content, defaults, created_at, updated_at
FROM templates
WHERE account_id = :account_id AND id < :before AND id >= :not_before
ORDER BY id DESC LIMIT :limit;

-- name: templates.delete
DELETE FROM templates WHERE account_id = :account_id AND content_id = :content_id;
