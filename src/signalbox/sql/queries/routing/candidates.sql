-- The senders among which the order of routing/order.py chooses: all of a small source; of a large one those near the probes of
-- a recipient, or those of its country or area.
--
-- On PostgreSQL the planner may estimate an account as empty when the account is younger than the statistics. The odd forms
-- leave the planner one index to use (docs/decisions/0012):
-- * `id >= x AND id <= x ORDER BY id LIMIT 1` in LATERAL: one lookup for each row. `OFFSET 0` in EXISTS does the same.
-- * Limits are literals: without a known limit the planner would sort all matching rows.

-- name: candidates.number
SELECT number FROM sender_counts WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED';

-- name: candidates.number_members
-- Deactivated members count as well: it is enough to tell a small pool from a large one.
SELECT number FROM sender_pool_counts WHERE account_id = :account_id AND pool_id = :pool_id AND channel = :channel;

-- name: candidates.one
SELECT id, channel, address, region FROM senders
WHERE account_id = :account_id AND id = :sender_id AND status = 'ACTIVATED';

-- name: candidates.one_members
SELECT id, channel, address, region FROM senders
WHERE account_id = :account_id AND id = :sender_id AND status = 'ACTIVATED'
    AND EXISTS (SELECT 1 FROM sender_pool_members AS m
        WHERE m.account_id = :account_id AND m.pool_id = :pool_id AND m.sender_id >= :sender_id AND m.sender_id <= :sender_id
        /*pg: ORDER BY m.sender_id OFFSET 0 */);

-- name: candidates.all
-- In the order of ids, SQLite would read the ids of all channels.
SELECT id, channel, address, region FROM senders
WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED'
/*pg: ORDER BY id */ LIMIT 20000;

-- name: candidates.all_members
SELECT s.id, s.channel, s.address, s.region FROM (
    SELECT sender_id FROM sender_pool_members
    WHERE account_id = :account_id AND pool_id = :pool_id AND channel = :channel AND status = 'ACTIVATED'
    ORDER BY sender_id LIMIT 20000) AS m
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = m.sender_id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= m.sender_id AND id <= m.sender_id ORDER BY id LIMIT 1) AS s */;

-- name: candidates.count_of_region
-- The number of senders of a region whose addresses begin alike, 6,000 at most. Reads the index only.
SELECT COUNT(*) FROM (
    SELECT address FROM senders
    WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED' AND region = :region
        AND address >= :prefix AND address < :until
    ORDER BY address LIMIT 6000) AS found;

-- name: candidates.of_region
SELECT id, channel, address, region FROM senders
WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED' AND region = :region
    AND address >= :prefix AND address < :until
ORDER BY address LIMIT 6000;

-- name: candidates.of_region_members
-- Those of the 6,000 senders that are in the pool.
SELECT s.id, s.channel, s.address, s.region FROM (
    SELECT id, channel, address, region FROM senders
    WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED' AND region = :region
        AND address >= :prefix AND address < :until
    ORDER BY address LIMIT 6000) AS s
WHERE EXISTS (SELECT 1 FROM sender_pool_members AS m
    WHERE m.account_id = :account_id AND m.pool_id = :pool_id AND m.sender_id >= s.id AND m.sender_id <= s.id
    /*pg: ORDER BY m.sender_id OFFSET 0 */);

-- name: candidates.near
-- The senders whose ids end between two texts of 8 characters. ranges: a JSON array of [least, greatest], which do not overlap.
-- dialect: sqlite
SELECT s.id, s.channel, s.address, s.region
FROM json_each(:ranges) AS r
CROSS JOIN senders AS s ON s.account_id = :account_id AND s.channel = :channel AND s.status = 'ACTIVATED'
    AND substr(s.id, -8) >= json_extract(r.value, '$[0]') AND substr(s.id, -8) <= json_extract(r.value, '$[1]');

-- name: candidates.near
-- dialect: postgres
SELECT s.id, s.channel, s.address, s.region
FROM json_array_elements(CAST(:ranges AS json)) AS r (value) CROSS JOIN LATERAL (
    SELECT id, channel, address, region FROM senders
    WHERE account_id = :account_id AND channel = :channel AND status = 'ACTIVATED'
        AND right(id, 8) >= r.value ->> 0 AND right(id, 8) <= r.value ->> 1
    ORDER BY right(id, 8) LIMIT 1000000) AS s;

-- name: candidates.near_members
-- dialect: sqlite
SELECT s.id, s.channel, s.address, s.region
FROM json_each(:ranges) AS r
CROSS JOIN sender_pool_members AS m ON m.account_id = :account_id AND m.pool_id = :pool_id AND m.channel = :channel
    AND m.status = 'ACTIVATED'
    AND substr(m.sender_id, -8) >= json_extract(r.value, '$[0]')
    AND substr(m.sender_id, -8) <= json_extract(r.value, '$[1]')
CROSS JOIN senders AS s ON s.account_id = :account_id AND s.id = m.sender_id;

-- name: candidates.near_members
-- dialect: postgres
SELECT s.id, s.channel, s.address, s.region
FROM json_array_elements(CAST(:ranges AS json)) AS r (value) CROSS JOIN LATERAL (
    SELECT sender_id FROM sender_pool_members
    WHERE account_id = :account_id AND pool_id = :pool_id AND channel = :channel AND status = 'ACTIVATED'
        AND right(sender_id, 8) >= r.value ->> 0 AND right(sender_id, 8) <= r.value ->> 1
    ORDER BY right(sender_id, 8) LIMIT 1000000) AS m CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= m.sender_id AND id <= m.sender_id ORDER BY id LIMIT 1) AS s;

-- name: candidates.named
-- The senders that are named in the request. rows: a JSON array of [channel, address]. A short code is one sender in each
-- country: there are fewer than 300 countries.
-- dialect: sqlite
SELECT s.id, s.channel, s.address, s.region
FROM json_each(:rows) AS r
CROSS JOIN senders AS s ON s.account_id = :account_id AND s.status = 'ACTIVATED'
    AND s.channel = json_extract(r.value, '$[0]') AND s.address = json_extract(r.value, '$[1]');

-- name: candidates.named
-- dialect: postgres
SELECT s.id, s.channel, s.address, s.region
FROM json_array_elements(CAST(:rows AS json)) AS r (value) CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND channel = r.value ->> 0
        AND address >= r.value ->> 1 AND address <= r.value ->> 1
    ORDER BY address, region LIMIT 300) AS s
WHERE s.status = 'ACTIVATED';
