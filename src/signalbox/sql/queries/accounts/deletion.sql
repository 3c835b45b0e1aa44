-- The deletion of an account. Each statement deletes a bounded number of rows. The rows are one range of the primary key, from
-- the account's first row to the row at the limit, because PostgreSQL may estimate an account as empty when the account is
-- younger than the statistics. This form leaves the planner one index to use. deletion.py has the same order of tables.

-- name: deletion.begin
-- across accounts: the operator names the account
UPDATE accounts SET status = 'DELETING', deleting_at = COALESCE(deleting_at, :now) WHERE sid = :sid
RETURNING id, name;

-- name: deletion.fetch
-- across accounts: a reference table
SELECT deleting_at FROM accounts WHERE id = :account_id AND status = 'DELETING';

-- name: deletion.operations
DELETE FROM operations
WHERE account_id = :account_id AND id <= (
    SELECT MAX(id) FROM (
        SELECT id FROM operations WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS first);

-- name: deletion.operation_items
-- Items of one operation at a time. item_index has no gaps, so first index + limit is the end of the range.
DELETE FROM operation_items
WHERE account_id = :account_id AND operation_id = (
        SELECT operation_id FROM operation_items WHERE account_id = :account_id ORDER BY operation_id LIMIT 1)
    AND item_index < :limit + (
        SELECT item_index FROM operation_items
        WHERE account_id = :account_id ORDER BY operation_id, item_index LIMIT 1);

-- name: deletion.sender_pool_removals
DELETE FROM sender_pool_removals
WHERE account_id = :account_id AND pool_id <= (
    SELECT MAX(pool_id) FROM (
        SELECT pool_id FROM sender_pool_removals WHERE account_id = :account_id ORDER BY pool_id LIMIT :limit) AS first);

-- name: deletion.sender_pool_members
-- Members of one pool at a time.
DELETE FROM sender_pool_members
WHERE account_id = :account_id AND pool_id = (
        SELECT pool_id FROM sender_pool_members WHERE account_id = :account_id ORDER BY pool_id LIMIT 1)
    AND sender_id <= (
        SELECT MAX(sender_id) FROM (
            SELECT sender_id FROM sender_pool_members
            WHERE account_id = :account_id AND pool_id = (
                SELECT pool_id FROM sender_pool_members WHERE account_id = :account_id ORDER BY pool_id LIMIT 1)
            ORDER BY sender_id LIMIT :limit) AS first);

-- name: deletion.sender_pools
DELETE FROM sender_pools
WHERE account_id = :account_id AND id <= (
    SELECT MAX(id) FROM (
        SELECT id FROM sender_pools WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS first);

-- name: deletion.senders
DELETE FROM senders
WHERE account_id = :account_id AND id <= (
    SELECT MAX(id) FROM (
        SELECT id FROM senders WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS first);

-- name: deletion.sender_counts
-- An account has ten rows at most, so one statement deletes all of them.
DELETE FROM sender_counts WHERE account_id = :account_id AND :limit > 0;

-- name: deletion.sender_pool_counts
-- A pool has five rows at most, so the rows after the limit of the last pool are few.
DELETE FROM sender_pool_counts
WHERE account_id = :account_id AND pool_id <= (
    SELECT MAX(pool_id) FROM (
        SELECT pool_id FROM sender_pool_counts WHERE account_id = :account_id ORDER BY pool_id LIMIT :limit) AS first);

-- name: deletion.tagged
-- A sender or pool has ten rows at most, so the rows after the limit of the last one are few.
DELETE FROM tagged
WHERE account_id = :account_id AND id <= (
    SELECT MAX(id) FROM (
        SELECT id FROM tagged WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS first);

-- name: deletion.templates
DELETE FROM templates
WHERE account_id = :account_id AND content_id <= (
    SELECT MAX(content_id) FROM (
        SELECT content_id FROM templates WHERE account_id = :account_id ORDER BY content_id LIMIT :limit) AS first);

-- name: deletion.idempotency_keys
DELETE FROM idempotency_keys
WHERE account_id = :account_id AND key <= (
    SELECT MAX(key) FROM (
        SELECT key FROM idempotency_keys WHERE account_id = :account_id ORDER BY key LIMIT :limit) AS first);

-- name: deletion.other_work
-- One row for each other kind of work. deletion.queue deletes the row of the deletion itself, at the end.
DELETE FROM queue WHERE account_id = :account_id AND kind <> :kind;

-- name: deletion.defer
UPDATE queue SET due_at = :due_at WHERE account_id = :account_id AND kind = :kind;

-- name: deletion.queue
DELETE FROM queue WHERE account_id = :account_id;

-- name: deletion.api_keys
DELETE FROM api_keys WHERE account_id = :account_id;

-- name: deletion.account
-- across accounts: a reference table
DELETE FROM accounts WHERE id = :account_id AND status = 'DELETING';
