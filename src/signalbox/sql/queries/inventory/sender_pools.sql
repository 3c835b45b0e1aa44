-- On PostgreSQL the planner may estimate an account as empty when the account is younger than the statistics. The odd forms
-- leave the planner one index to use (docs/decisions/0012):
-- * `id >= x AND id <= x ORDER BY id LIMIT 1` in LATERAL: one lookup in the primary key of senders for each row.
-- * not_before is compared outside the subquery of the page: for a range with two bounds the planner estimates too few rows.

-- name: sender_pools.fetch
SELECT id, name, tags, created_at, updated_at
FROM sender_pools WHERE account_id = :account_id AND id = :pool_id;

-- name: sender_pools.lock
SELECT id, name, tags, created_at, updated_at
FROM sender_pools WHERE account_id = :account_id AND id = :pool_id /*pg: FOR UPDATE */;

-- name: sender_pools.list_page
SELECT id, name, tags, created_at, updated_at
FROM sender_pools
WHERE account_id = :account_id AND id < :before AND id >= :not_before
ORDER BY id DESC LIMIT :limit;

-- name: sender_pools.list_page_by_operation
-- At most one row. Only sender_pools_by_operation has the order of operation_id, so the planner uses this index.
SELECT id, name, tags, created_at, updated_at
FROM sender_pools
WHERE account_id = :account_id AND operation_id >= :operation_id AND operation_id <= :operation_id
    AND id < :before AND id >= :not_before
ORDER BY operation_id LIMIT :limit;

-- name: sender_pools.update
UPDATE sender_pools
SET name = :name, name_key = :name_key, tags = :tags,
    updated_at = CASE WHEN :now > updated_at THEN :now ELSE updated_at + 1 END
WHERE account_id = :account_id AND id = :pool_id;

-- name: sender_pools.delete
DELETE FROM sender_pools WHERE account_id = :account_id AND id = :pool_id;

-- name: sender_pools.add_removal
INSERT INTO sender_pool_removals (account_id, pool_id) VALUES (:account_id, :pool_id);

-- name: sender_pools.claim_removal
SELECT pool_id FROM sender_pool_removals
WHERE account_id = :account_id ORDER BY pool_id LIMIT 1 /*pg: FOR UPDATE SKIP LOCKED */;

-- name: sender_pools.any_removal
SELECT pool_id FROM sender_pool_removals WHERE account_id = :account_id ORDER BY pool_id LIMIT 1;

-- name: sender_pools.remove_some_members
-- dialect: sqlite
DELETE FROM sender_pool_members
WHERE account_id = :account_id AND pool_id = :pool_id AND sender_id IN (
    SELECT sender_id FROM sender_pool_members
    WHERE account_id = :account_id AND pool_id = :pool_id ORDER BY sender_id LIMIT :limit);

-- name: sender_pools.remove_some_members
-- Deletes the first :limit rows in the order of sender_pool_members_by_filter. MATERIALIZED finds the last of these rows once;
-- the DELETE is then one range of this index.
-- dialect: postgres
WITH last_one AS MATERIALIZED (
    SELECT channel, status, sender_id FROM (
        SELECT channel, status, sender_id FROM sender_pool_members
        WHERE account_id = :account_id AND pool_id = :pool_id
        ORDER BY channel, status, sender_id LIMIT :limit) AS first_ones
    ORDER BY channel DESC, status DESC, sender_id DESC LIMIT 1)
DELETE FROM sender_pool_members
WHERE account_id = :account_id AND pool_id = :pool_id AND (channel, status, sender_id) <= (
    (SELECT channel FROM last_one), (SELECT status FROM last_one), (SELECT sender_id FROM last_one));

-- name: sender_pools.end_removal
DELETE FROM sender_pool_removals WHERE account_id = :account_id AND pool_id = :pool_id;

-- name: sender_pools.is_member
SELECT sender_id FROM sender_pool_members
WHERE account_id = :account_id AND pool_id = :pool_id AND sender_id = :sender_id;

-- name: sender_pools.remove_member
DELETE FROM sender_pool_members
WHERE account_id = :account_id AND pool_id = :pool_id AND sender_id = :sender_id
RETURNING channel;

-- name: sender_pools.count
-- Adds to the stored numbers of members. rows: a JSON array of [pool id, channel, change], sorted by both, so that two
-- transactions lock rows in the same order. A new row starts with the change.
-- dialect: sqlite
INSERT INTO sender_pool_counts (account_id, pool_id, channel, number)
SELECT :account_id, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
FROM json_each(:rows) WHERE TRUE
ON CONFLICT (account_id, pool_id, channel) DO UPDATE SET number = sender_pool_counts.number + excluded.number;

-- name: sender_pools.count
-- dialect: postgres
INSERT INTO sender_pool_counts (account_id, pool_id, channel, number)
SELECT :account_id, value ->> 0, value ->> 1, CAST(value ->> 2 AS bigint)
FROM json_array_elements(CAST(:rows AS json)) AS r (value)
ON CONFLICT (account_id, pool_id, channel) DO UPDATE SET number = sender_pool_counts.number + excluded.number;

-- name: sender_pools.uncount
-- Takes one member of a channel from the number of each pool. rows: a JSON array of pool ids, sorted. A deleted pool has no
-- number.
-- dialect: sqlite
UPDATE sender_pool_counts SET number = number - 1
WHERE account_id = :account_id AND channel = :channel AND pool_id IN (SELECT value FROM json_each(:rows));

-- name: sender_pools.uncount
-- dialect: postgres
INSERT INTO sender_pool_counts (account_id, pool_id, channel, number)
SELECT :account_id, c.pool_id, c.channel, c.number
FROM json_array_elements_text(CAST(:rows AS json)) AS r (pool_id) CROSS JOIN LATERAL (
    SELECT pool_id, channel, number FROM sender_pool_counts
    WHERE account_id = :account_id AND pool_id >= r.pool_id AND pool_id <= r.pool_id AND channel = :channel
    ORDER BY pool_id LIMIT 1) AS c
ON CONFLICT (account_id, pool_id, channel) DO UPDATE SET number = sender_pool_counts.number - 1;

-- name: sender_pools.recount
-- The caller has excluded batches, and deleted the numbers of pools that are empty now. Memberships of deleted pools do not count.
INSERT INTO sender_pool_counts (account_id, pool_id, channel, number)
SELECT :account_id, m.pool_id, m.channel, COUNT(*)
FROM sender_pool_members AS m
WHERE m.account_id = :account_id
    AND EXISTS (SELECT 1 FROM sender_pools WHERE account_id = :account_id AND id = m.pool_id)
GROUP BY m.pool_id, m.channel
ON CONFLICT (account_id, pool_id, channel) DO UPDATE SET number = excluded.number;

-- name: sender_pools.delete_all_counts
DELETE FROM sender_pool_counts WHERE account_id = :account_id;

-- name: sender_pools.delete_counts
DELETE FROM sender_pool_counts WHERE account_id = :account_id AND pool_id = :pool_id;

-- name: sender_pools.list_members
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at, s.region
FROM (
    SELECT sender_id FROM sender_pool_members
    WHERE account_id = :account_id AND pool_id = :pool_id AND sender_id < :before
    ORDER BY sender_id DESC LIMIT :limit
) AS page
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = page.sender_id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= page.sender_id AND id <= page.sender_id ORDER BY id LIMIT 1) AS s */
WHERE page.sender_id >= :not_before
ORDER BY page.sender_id DESC;

-- name: sender_pools.list_members_by_channel_and_status
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at, s.region
FROM (
    SELECT sender_id FROM sender_pool_members
    WHERE account_id = :account_id AND pool_id = :pool_id AND channel = :channel AND status = :status
        AND sender_id < :before
    ORDER BY sender_id DESC LIMIT :limit
) AS page
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = page.sender_id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= page.sender_id AND id <= page.sender_id ORDER BY id LIMIT 1) AS s */
WHERE page.sender_id >= :not_before
ORDER BY page.sender_id DESC;

-- name: sender_pools.list_members_by_channel
-- Merges one bounded index range for each status, so that one index is enough for all filters.
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at, s.region
FROM (
    /*each status in ACTIVATED DEACTIVATED:
    SELECT sender_id FROM (
        SELECT sender_id FROM sender_pool_members
        WHERE account_id = :account_id AND pool_id = :pool_id AND channel = :channel AND status = <status>
            AND sender_id < :before
        ORDER BY sender_id DESC LIMIT :limit) AS one */
    ORDER BY sender_id DESC LIMIT :limit
) AS page
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = page.sender_id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= page.sender_id AND id <= page.sender_id ORDER BY id LIMIT 1) AS s */
WHERE page.sender_id >= :not_before
ORDER BY page.sender_id DESC;

-- name: sender_pools.list_members_by_status
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at, s.region
FROM (
    /*each channel in SMS RCS EMAIL WHATSAPP PUSH:
    SELECT sender_id FROM (
        SELECT sender_id FROM sender_pool_members
        WHERE account_id = :account_id AND pool_id = :pool_id AND channel = <channel> AND status = :status
            AND sender_id < :before
        ORDER BY sender_id DESC LIMIT :limit) AS one */
    ORDER BY sender_id DESC LIMIT :limit
) AS page
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = page.sender_id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= page.sender_id AND id <= page.sender_id ORDER BY id LIMIT 1) AS s */
WHERE page.sender_id >= :not_before
ORDER BY page.sender_id DESC;
