-- The queries of POST /v1/Senders/Resolve. In the order of addresses, the common prefix with an address gets shorter with the
-- distance from the address. So the nearest senders on both sides have the longest prefixes, and a query reads a few index
-- entries, also of a large inventory. 10 rows of each query are enough for the 10 results of a request: a row that takes the
-- place of a result has a longer prefix, and is a result itself.
--
-- On PostgreSQL the planner may estimate an account as empty when the account is younger than the statistics. The odd forms
-- leave the planner one index to use (docs/decisions/0012):
-- * `id >= x AND id <= x ORDER BY id LIMIT 1` in LATERAL: one lookup for each row. `OFFSET 0` in EXISTS does the same.
-- * Limits are literals: without a known limit the planner would sort all matching rows.
-- * `ORDER BY id || ''` has no index, so the planner uses the index of the addresses.

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
-- status || '' stops SQLite from using an index that has status but not the order of addresses.
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
-- The least ids with a prefix, among the 2,000 oldest senders of the channel. For prefixes that many senders have. region ''
-- means any region.
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
-- The least ids with a prefix, from all senders with the prefix. For prefixes that few senders have. Without || '' the
-- planner would read all ids of the account in their order.
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
-- The members of a pool for one channel, 1,000 at most. A pool with fewer such members is ranked as a whole.
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
-- The senders that are named in the request. rows: a JSON array of [channel, address]. A short code is one sender in each
-- country: there are fewer than 300 countries.
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
    ORDER BY address, region LIMIT 300) AS s
WHERE s.status = 'ACTIVATED';

-- name: resolve.display_names
SELECT id, display_name FROM senders
WHERE account_id = :account_id
    AND id /*pg: = ANY(:ids) */ /*sqlite: IN (SELECT value FROM json_each(:ids)) */;
