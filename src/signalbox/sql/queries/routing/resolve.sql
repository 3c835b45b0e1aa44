-- The search behind POST /v1/Senders/Resolve. A common prefix only gets shorter as one moves away from an address in
-- the order of addresses, so the nearest senders on both sides are the best ones: a few index entries, however large
-- the inventory. Limits are literals, for a plan made without them would sort. 10 are enough everywhere: what else is
-- among the 10 has a longer prefix and is a result itself.

-- name: resolve.near_in_region
SELECT id, channel, address, region FROM (
    SELECT id, channel, address, region FROM senders
    WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED' AND region = :region
        AND address <= :address
    ORDER BY address DESC LIMIT 10) AS below
UNION ALL
SELECT id, channel, address, region FROM (
    SELECT id, channel, address, region FROM senders
    WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED' AND region = :region
        AND address > :address
    ORDER BY address LIMIT 10) AS above;

-- name: resolve.near
-- status || '' keeps SQLite from preferring an index that has status but not the order of addresses.
SELECT id, channel, address, region FROM (
    SELECT id, channel, address, region FROM senders
    WHERE account_id = :account_id AND channel = :channel AND status /*sqlite: || '' */ = 'ACTIVATED'
        AND address <= :address
    ORDER BY address DESC LIMIT 10) AS below
UNION ALL
SELECT id, channel, address, region FROM (
    SELECT id, channel, address, region FROM senders
    WHERE account_id = :account_id AND channel = :channel AND status /*sqlite: || '' */ = 'ACTIVATED'
        AND address > :address
    ORDER BY address LIMIT 10) AS above;

-- name: resolve.oldest_of_many
-- The smallest ids with a prefix, if they are among the channel's 2,000 oldest senders: cheap when the prefix is
-- common. region '' means any.
SELECT s.id, s.channel, s.address, s.region FROM (
    SELECT id FROM senders
    WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED'
    ORDER BY id LIMIT 2000) AS oldest
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = oldest.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= oldest.id AND id <= oldest.id ORDER BY id LIMIT 1) AS s */
WHERE s.address >= :prefix AND s.address < :until AND (s.region = :region OR :region = '')
ORDER BY s.id LIMIT 10;

-- name: resolve.oldest_in_region
-- The smallest ids with a prefix, by reading all that have it: for prefixes that are rare. id || '' keeps the planner
-- from walking all ids in their order instead.
SELECT id, channel, address, region FROM senders
WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED' AND region = :region
    AND address >= :prefix AND address < :until
ORDER BY id || '' LIMIT 10;

-- name: resolve.oldest
SELECT id, channel, address, region FROM senders
WHERE account_id = :account_id AND channel = :channel AND status /*sqlite: || '' */ = 'ACTIVATED'
    AND address >= :prefix AND address < :until
ORDER BY id || '' LIMIT 10;

-- name: resolve.members
-- A pool with fewer than this of a channel is ranked whole.
SELECT s.id, s.channel, s.address, s.region FROM (
    SELECT sender_id FROM sender_pool_members
    WHERE account_id = :account_id AND pool_id = :pool_id AND channel = :channel AND status = 'ACTIVATED'
    ORDER BY sender_id LIMIT 1000) AS m
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = m.sender_id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= m.sender_id AND id <= m.sender_id ORDER BY id LIMIT 1) AS s */;

-- name: resolve.near_members_in_region
SELECT id, channel, address, region FROM (
    SELECT id, channel, address, region FROM senders AS s
    WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED' AND region = :region
        AND address <= :address
        AND EXISTS (SELECT 1 FROM sender_pool_members AS m
            WHERE m.account_id = :account_id AND m.pool_id = :pool_id AND m.sender_id >= s.id AND m.sender_id <= s.id
            /*pg: ORDER BY m.sender_id OFFSET 0 */)
    ORDER BY address DESC LIMIT 10) AS below
UNION ALL
SELECT id, channel, address, region FROM (
    SELECT id, channel, address, region FROM senders AS s
    WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED' AND region = :region
        AND address > :address
        AND EXISTS (SELECT 1 FROM sender_pool_members AS m
            WHERE m.account_id = :account_id AND m.pool_id = :pool_id AND m.sender_id >= s.id AND m.sender_id <= s.id
            /*pg: ORDER BY m.sender_id OFFSET 0 */)
    ORDER BY address LIMIT 10) AS above;

-- name: resolve.near_members
SELECT id, channel, address, region FROM (
    SELECT id, channel, address, region FROM senders AS s
    WHERE account_id = :account_id AND channel = :channel AND status /*sqlite: || '' */ = 'ACTIVATED'
        AND address <= :address
        AND EXISTS (SELECT 1 FROM sender_pool_members AS m
            WHERE m.account_id = :account_id AND m.pool_id = :pool_id AND m.sender_id >= s.id AND m.sender_id <= s.id
            /*pg: ORDER BY m.sender_id OFFSET 0 */)
    ORDER BY address DESC LIMIT 10) AS below
UNION ALL
SELECT id, channel, address, region FROM (
    SELECT id, channel, address, region FROM senders AS s
    WHERE account_id = :account_id AND channel = :channel AND status /*sqlite: || '' */ = 'ACTIVATED'
        AND address > :address
        AND EXISTS (SELECT 1 FROM sender_pool_members AS m
            WHERE m.account_id = :account_id AND m.pool_id = :pool_id AND m.sender_id >= s.id AND m.sender_id <= s.id
            /*pg: ORDER BY m.sender_id OFFSET 0 */)
    ORDER BY address LIMIT 10) AS above;

-- name: resolve.oldest_of_many_members
SELECT s.id, s.channel, s.address, s.region FROM (
    SELECT sender_id FROM sender_pool_members
    WHERE account_id = :account_id AND pool_id = :pool_id AND channel = :channel AND status = 'ACTIVATED'
    ORDER BY sender_id LIMIT 2000) AS oldest
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = oldest.sender_id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= oldest.sender_id AND id <= oldest.sender_id ORDER BY id LIMIT 1) AS s */
WHERE s.address >= :prefix AND s.address < :until AND (s.region = :region OR :region = '')
ORDER BY s.id LIMIT 10;

-- name: resolve.oldest_members_in_region
SELECT id, channel, address, region FROM senders AS s
WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED' AND region = :region
    AND address >= :prefix AND address < :until
    AND EXISTS (SELECT 1 FROM sender_pool_members AS m
        WHERE m.account_id = :account_id AND m.pool_id = :pool_id AND m.sender_id >= s.id AND m.sender_id <= s.id
            /*pg: ORDER BY m.sender_id OFFSET 0 */)
ORDER BY id || '' LIMIT 10;

-- name: resolve.oldest_members
SELECT id, channel, address, region FROM senders AS s
WHERE account_id = :account_id AND channel = :channel AND status /*sqlite: || '' */ = 'ACTIVATED'
    AND address >= :prefix AND address < :until
    AND EXISTS (SELECT 1 FROM sender_pool_members AS m
        WHERE m.account_id = :account_id AND m.pool_id = :pool_id AND m.sender_id >= s.id AND m.sender_id <= s.id
            /*pg: ORDER BY m.sender_id OFFSET 0 */)
ORDER BY id || '' LIMIT 10;

-- name: resolve.named
-- The senders that a request names itself. rows: a JSON array of [channel, address].
-- dialect: sqlite
SELECT s.id, s.channel, s.address, s.region
FROM json_each(:rows) AS r
CROSS JOIN senders AS s ON s.account_id = :account_id AND s.status = 'ACTIVATED'
    AND s.channel = json_extract(r.value, '$[0]') AND s.address = json_extract(r.value, '$[1]');

-- name: resolve.named
-- dialect: postgres
SELECT s.id, s.channel, s.address, s.region
FROM json_array_elements(CAST(:rows AS json)) AS r (value) CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND channel = r.value ->> 0
        AND address >= r.value ->> 1 AND address <= r.value ->> 1
    ORDER BY address LIMIT 1) AS s
WHERE s.status = 'ACTIVATED';

-- name: resolve.display_names
SELECT id, display_name FROM senders
WHERE account_id = :account_id
    AND id /*pg: = ANY(:ids) */ /*sqlite: IN (SELECT value FROM json_each(:ids)) */;
