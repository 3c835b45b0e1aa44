-- The search by names, addresses, tags and ends of ids, and the names of things by id.
--
-- On PostgreSQL the planner may estimate an account as empty when the account is younger than the statistics. The odd forms
-- leave the planner one index to use (docs/decisions/0012): see senders.sql.

-- name: names.tag
-- rows: a JSON array of [id, slot, tag or null].
-- dialect: sqlite
INSERT INTO tagged (account_id, id, slot, tag)
SELECT :account_id, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
FROM json_each(:rows) WHERE TRUE
ON CONFLICT (account_id, id, slot) DO UPDATE SET tag = excluded.tag;

-- name: names.tag
-- dialect: postgres
INSERT INTO tagged (account_id, id, slot, tag)
SELECT :account_id, value ->> 0, CAST(value ->> 1 AS int), value ->> 2
FROM json_array_elements(CAST(:rows AS json)) AS r (value)
ON CONFLICT (account_id, id, slot) DO UPDATE SET tag = excluded.tag;

-- name: names.untag
DELETE FROM tagged WHERE account_id = :account_id AND id = :id;

-- name: names.pools_by_name
-- From (after_key, after_id), exclusive, to the names before until.
SELECT id, name, tags, created_at, updated_at, name_key
FROM sender_pools
WHERE account_id = :account_id AND (name_key, id) > (:after_key, :after_id) AND name_key < :until
ORDER BY name_key, id LIMIT :limit;

-- name: names.senders_by_name
SELECT id, display_name, address, channel, status, tags, updated_at, created_at, region, name_key
FROM senders
WHERE account_id = :account_id AND name_key IS NOT NULL AND (name_key, id) > (:after_key, :after_id)
    AND name_key < :until
ORDER BY name_key, id LIMIT :limit;

-- name: names.senders_by_address
-- The channels in the order of their names; in a channel from (after_key, after_id), exclusive, to the addresses before until.
SELECT id, display_name, address, channel, status, tags, updated_at, created_at, region, address AS key
FROM (
    /*each channel in SMS RCS EMAIL WHATSAPP PUSH:
    SELECT * FROM (
        SELECT id, display_name, address, channel, status, tags, updated_at, created_at, region
        FROM senders
        WHERE account_id = :account_id AND channel = <channel> AND <channel> >= :after_channel
            AND (address, id) > (
                CASE WHEN <channel> = :after_channel THEN :after_key ELSE :prefix END,
                CASE WHEN <channel> = :after_channel THEN :after_id ELSE '' END)
            AND address < :until
        ORDER BY address, id LIMIT :limit) AS one */
) AS found
ORDER BY channel, address, id LIMIT :limit;

-- name: names.pools_by_ending
-- The rows of which the id ends with these four characters: one id in a million, on the average. SQLite would otherwise read
-- the account along its primary key.
SELECT id, name, tags, created_at, updated_at, id
FROM sender_pools /*sqlite: INDEXED BY sender_pools_by_ending */
WHERE account_id = :account_id AND /*pg: right(id, 4) */ /*sqlite: substr(id, -4) */ = :ending LIMIT :limit;

-- name: names.senders_by_ending
SELECT id, display_name, address, channel, status, tags, updated_at, created_at, region, id
FROM senders /*sqlite: INDEXED BY senders_by_ending */
WHERE account_id = :account_id AND /*pg: right(id, 4) */ /*sqlite: substr(id, -4) */ = :ending LIMIT :limit;

-- name: names.pools_by_tag
SELECT p.id, p.name, p.tags, p.created_at, p.updated_at, page.id
FROM (
    SELECT id FROM tagged
    WHERE account_id = :account_id AND tag >= :tag AND tag <= :tag AND id > :after_id AND id < :until
    ORDER BY tag, id LIMIT :limit
) AS page
/*sqlite: JOIN sender_pools AS p ON p.account_id = :account_id AND p.id = page.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM sender_pools
    WHERE account_id = :account_id AND id >= page.id AND id <= page.id ORDER BY id LIMIT 1) AS p */
ORDER BY page.id;

-- name: names.senders_by_tag
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at, s.region, page.id
FROM (
    SELECT id FROM tagged
    WHERE account_id = :account_id AND tag >= :tag AND tag <= :tag AND id > :after_id AND id < :until
    ORDER BY tag, id LIMIT :limit
) AS page
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = page.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= page.id AND id <= page.id ORDER BY id LIMIT 1) AS s */
ORDER BY page.id;

-- name: names.of_pools
-- ids: the pools. A row for each channel of a pool; a pool without members has one row with a null channel.
SELECT p.id, p.name, c.channel, c.number
FROM /*sqlite: json_each(:ids) AS r JOIN sender_pools AS p ON p.account_id = :account_id AND p.id = r.value */
/*pg: unnest(CAST(:ids AS text[])) AS r (value) CROSS JOIN LATERAL (
    SELECT id, name FROM sender_pools
    WHERE account_id = :account_id AND id >= r.value AND id <= r.value ORDER BY id LIMIT 1) AS p */
LEFT JOIN /*sqlite: sender_pool_counts AS c ON c.account_id = :account_id AND c.pool_id = p.id AND c.number > 0 */
/*pg: LATERAL (
    SELECT channel, number FROM sender_pool_counts
    WHERE account_id = :account_id AND pool_id >= p.id AND pool_id <= p.id AND number > 0 ORDER BY pool_id) AS c ON TRUE */
ORDER BY p.id, c.number DESC, c.channel;

-- name: names.of_senders
-- ids: the senders. A row for each of at most :pools pools of a sender; a sender in no pool has one row with a null pool.
-- dialect: sqlite
SELECT s.id, s.display_name, s.address, s.channel, p.id, p.name
FROM json_each(:ids) AS r JOIN senders AS s ON s.account_id = :account_id AND s.id = r.value
LEFT JOIN sender_pools AS p ON p.account_id = :account_id AND p.id IN (
    SELECT pool_id FROM sender_pool_members WHERE account_id = :account_id AND sender_id = s.id LIMIT :pools)
ORDER BY s.id, p.id;

-- name: names.of_senders
-- dialect: postgres
SELECT s.id, s.display_name, s.address, s.channel, p.id, p.name
FROM unnest(CAST(:ids AS text[])) AS r (value) CROSS JOIN LATERAL (
    SELECT id, display_name, address, channel FROM senders
    WHERE account_id = :account_id AND id >= r.value AND id <= r.value AND created_at >= 0 ORDER BY id LIMIT 1) AS s
LEFT JOIN LATERAL (
    SELECT pool_id FROM sender_pool_members
    WHERE account_id = :account_id AND sender_id >= s.id AND sender_id <= s.id
    ORDER BY sender_id LIMIT :pools) AS m ON TRUE
LEFT JOIN LATERAL (
    SELECT id, name FROM sender_pools
    WHERE account_id = :account_id AND id >= m.pool_id AND id <= m.pool_id ORDER BY id LIMIT 1) AS p ON TRUE
ORDER BY s.id, p.id;

-- name: names.of_operations
-- ids: the operations. The first item of an operation that created its pool has no sender.
-- dialect: sqlite
SELECT o.id, o.total, o.pool_id, p.name, i.item_index IS NOT NULL AND i.sender_id IS NULL
FROM json_each(:ids) AS r JOIN operations AS o ON o.account_id = :account_id AND o.id = r.value
LEFT JOIN sender_pools AS p ON p.account_id = :account_id AND p.id = o.pool_id
LEFT JOIN operation_items AS i ON i.account_id = :account_id AND i.operation_id = o.id AND i.item_index = 0;

-- name: names.of_operations
-- dialect: postgres
SELECT o.id, o.total, o.pool_id, p.name, CAST(i.item_index IS NOT NULL AND i.sender_id IS NULL AS int)
FROM unnest(CAST(:ids AS text[])) AS r (value) CROSS JOIN LATERAL (
    SELECT id, total, pool_id FROM operations
    WHERE account_id = :account_id AND id >= r.value AND id <= r.value ORDER BY id LIMIT 1) AS o
LEFT JOIN LATERAL (
    SELECT name FROM sender_pools
    WHERE account_id = :account_id AND id >= o.pool_id AND id <= o.pool_id ORDER BY id LIMIT 1) AS p ON TRUE
LEFT JOIN LATERAL (
    SELECT item_index, sender_id FROM operation_items
    WHERE account_id = :account_id AND operation_id >= o.id AND operation_id <= o.id AND item_index = 0
    ORDER BY operation_id LIMIT 1) AS i ON TRUE;
