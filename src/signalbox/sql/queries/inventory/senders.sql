-- Pages are newest first. before is exclusive, not_before is inclusive, and both always have a value: without a bound, the
-- greatest or the least possible id. So every page is one range of one index.
--
-- On PostgreSQL the planner may estimate an account as empty when the account is younger than the statistics. The odd forms
-- leave the planner one index to use (docs/decisions/0012):
-- * `id >= x AND id <= x ORDER BY id LIMIT 1` in LATERAL: one lookup for each row of a batch or page. PostgreSQL cannot turn
--   this form into another join, and would have to sort the rows of any other index.
-- * INSERT ... ON CONFLICT (key) instead of UPDATE ... FROM: the key names the index.
-- * not_before is compared outside the subquery of the page: for a range with two bounds the planner estimates too few rows.

-- name: senders.fetch
SELECT id, display_name, address, channel, status, tags, updated_at, created_at, region
FROM senders WHERE account_id = :account_id AND id = :sender_id;

-- name: senders.newest
SELECT id FROM senders WHERE account_id = :account_id ORDER BY id DESC LIMIT 1;

-- name: senders.lock
SELECT id, display_name, address, channel, status, tags, updated_at, created_at, region
FROM senders WHERE account_id = :account_id AND id = :sender_id /*pg: FOR UPDATE */;

-- name: senders.list_page
SELECT id, display_name, address, channel, status, tags, updated_at, created_at, region
FROM senders
WHERE account_id = :account_id AND id < :before AND id >= :not_before
ORDER BY id DESC LIMIT :limit;

-- name: senders.list_page_by_channel_and_status
-- The inner query reads only ids. The bounds and the order by (status, id) leave the planner one index to use, which has them.
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at, s.region
FROM (
    SELECT id FROM senders
    WHERE account_id = :account_id AND channel = :channel AND status >= :status AND (status, id) < (:status, :before)
    ORDER BY status DESC, id DESC LIMIT :limit
) AS page
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = page.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= page.id AND id <= page.id ORDER BY id LIMIT 1) AS s */
WHERE page.id >= :not_before
ORDER BY page.id DESC;

-- name: senders.list_page_by_channel
-- Merges one bounded index range for each status, so that one index is enough for all filters.
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at, s.region
FROM (
    /*each status in ACTIVATED DEACTIVATED:
    SELECT id FROM (
        SELECT id FROM senders
        WHERE account_id = :account_id AND channel = :channel AND status >= <status> AND (status, id) < (<status>, :before)
        ORDER BY status DESC, id DESC LIMIT :limit) AS one */
    ORDER BY id DESC LIMIT :limit
) AS page
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = page.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= page.id AND id <= page.id ORDER BY id LIMIT 1) AS s */
WHERE page.id >= :not_before
ORDER BY page.id DESC;

-- name: senders.list_page_by_status
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at, s.region
FROM (
    /*each channel in SMS RCS EMAIL WHATSAPP PUSH:
    SELECT id FROM (
        SELECT id FROM senders
        WHERE account_id = :account_id AND channel = <channel> AND status >= :status AND (status, id) < (:status, :before)
        ORDER BY status DESC, id DESC LIMIT :limit) AS one */
    ORDER BY id DESC LIMIT :limit
) AS page
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = page.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= page.id AND id <= page.id ORDER BY id LIMIT 1) AS s */
WHERE page.id >= :not_before
ORDER BY page.id DESC;

-- name: senders.search_page
-- One sender, or one for each country of a short code or an alphanumeric id. `ORDER BY id || ''` has no index, so the planner
-- uses the index of the addresses. status '' means any status.
SELECT id, display_name, address, channel, status, tags, updated_at, created_at, region
FROM senders
WHERE account_id = :account_id AND channel = :channel AND address >= :address AND address <= :address
    AND id < :before AND id >= :not_before AND (status = :status OR :status = '')
ORDER BY id || '' DESC LIMIT :limit;

-- name: senders.lock_inventory
-- A change of the inventory must not overlap with a batch that reads the same senders: batches take this lock shared, changes
-- take it exclusively. It is an advisory lock and no row lock, because PostgreSQL grants advisory locks in the order of
-- arrival, and processes of the previous version take the same lock. SQLite has one writer and needs no lock.
-- dialect: sqlite
SELECT 1 WHERE :account_id IS NOT NULL;

-- name: senders.lock_inventory
-- dialect: postgres
SELECT pg_advisory_xact_lock(hashtext('signalbox.inventory'), :account_id);

-- name: senders.share_inventory
-- Does not wait for the lock. When free is 0, the worker goes on with another account.
-- dialect: sqlite
SELECT 1 AS free WHERE :account_id IS NOT NULL;

-- name: senders.share_inventory
-- dialect: postgres
SELECT CAST(pg_try_advisory_xact_lock_shared(hashtext('signalbox.inventory'), :account_id) AS int) AS free;

-- name: senders.by_addresses
-- rows: a JSON array of [channel, address, least region, greatest region]. At most one sender fits each row.
-- dialect: sqlite
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at, s.region
FROM json_each(:rows) AS r
CROSS JOIN senders AS s ON s.account_id = :account_id
    AND s.channel = json_extract(r.value, '$[0]') AND s.address = json_extract(r.value, '$[1]')
    AND s.region >= json_extract(r.value, '$[2]') AND s.region <= json_extract(r.value, '$[3]');

-- name: senders.by_addresses
-- dialect: postgres
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at, s.region
FROM json_array_elements(CAST(:rows AS json)) AS r (value) CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND channel = r.value ->> 0
        AND address >= r.value ->> 1 AND address <= r.value ->> 1
        AND region >= r.value ->> 2 AND region <= r.value ->> 3
    ORDER BY address LIMIT 1) AS s;

-- name: senders.insert
-- rows: a JSON array of [id, channel, address, region, display name, status, tags, time, key of the name].
-- dialect: sqlite
INSERT INTO senders (
    account_id, id, channel, address, region, display_name, status, tags, created_at, updated_at, name_key)
SELECT :account_id, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
    json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
    json_extract(value, '$[6]'), json_extract(value, '$[7]'), json_extract(value, '$[7]'),
    json_extract(value, '$[8]')
FROM json_each(:rows);

-- name: senders.insert
-- dialect: postgres
INSERT INTO senders (
    account_id, id, channel, address, region, display_name, status, tags, created_at, updated_at, name_key)
SELECT :account_id, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    CAST(value ->> 7 AS bigint), CAST(value ->> 7 AS bigint), value ->> 8
FROM json_array_elements(CAST(:rows AS json)) AS r (value);

-- name: senders.update
-- rows: a JSON array of [id, display name, status, tags, time, region, key of the name]. Without MATERIALIZED, SQLite would scan
-- all senders of the account, and search the array for each sender.
-- dialect: sqlite
WITH r AS MATERIALIZED (
    SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS display_name,
        json_extract(value, '$[2]') AS status, json_extract(value, '$[3]') AS tags,
        json_extract(value, '$[4]') AS updated_at, json_extract(value, '$[5]') AS region,
        json_extract(value, '$[6]') AS name_key
    FROM json_each(:rows))
UPDATE senders
SET display_name = r.display_name, status = r.status, tags = r.tags, updated_at = r.updated_at, region = r.region,
    name_key = r.name_key
FROM r WHERE senders.account_id = :account_id AND senders.id = r.id;

-- name: senders.update
-- dialect: postgres
INSERT INTO senders (
    account_id, id, channel, address, region, display_name, status, tags, created_at, updated_at, name_key)
SELECT :account_id, s.id, s.channel, s.address, r.value ->> 5, r.value ->> 1, r.value ->> 2, r.value ->> 3,
    s.created_at, CAST(r.value ->> 4 AS bigint), r.value ->> 6
FROM json_array_elements(CAST(:rows AS json)) AS r (value) CROSS JOIN LATERAL (
    SELECT id, channel, address, created_at FROM senders
    WHERE account_id = :account_id AND id >= r.value ->> 0 AND id <= r.value ->> 0 ORDER BY id LIMIT 1) AS s
ON CONFLICT (account_id, id) DO UPDATE SET display_name = excluded.display_name, status = excluded.status,
    tags = excluded.tags, updated_at = excluded.updated_at, region = excluded.region, name_key = excluded.name_key;

-- name: senders.spread_status
-- Copies changed statuses into the memberships. rows: a JSON array of [id, status]. MATERIALIZED as in senders.update.
-- dialect: sqlite
WITH r AS MATERIALIZED (
    SELECT json_extract(value, '$[0]') AS sender_id, json_extract(value, '$[1]') AS status FROM json_each(:rows))
UPDATE sender_pool_members
SET status = r.status
FROM r WHERE sender_pool_members.account_id = :account_id AND sender_pool_members.sender_id = r.sender_id;

-- name: senders.spread_status
-- dialect: postgres
INSERT INTO sender_pool_members (account_id, pool_id, sender_id, channel, status)
SELECT :account_id, m.pool_id, m.sender_id, m.channel, r.value ->> 1
FROM json_array_elements(CAST(:rows AS json)) AS r (value) CROSS JOIN LATERAL (
    SELECT pool_id, sender_id, channel FROM sender_pool_members
    WHERE account_id = :account_id AND sender_id >= r.value ->> 0 AND sender_id <= r.value ->> 0
    ORDER BY sender_id FOR NO KEY UPDATE) AS m
ON CONFLICT (account_id, pool_id, sender_id) DO UPDATE SET status = excluded.status;

-- name: senders.delete
DELETE FROM senders WHERE account_id = :account_id AND id = :sender_id;

-- name: senders.delete_memberships
DELETE FROM sender_pool_members WHERE account_id = :account_id AND sender_id = :sender_id
RETURNING pool_id;

-- name: senders.count
-- Adds to the stored numbers of senders. rows: a JSON array of [channel, status, change], sorted by channel and status.
-- dialect: sqlite
INSERT INTO sender_counts (account_id, channel, status, number)
SELECT :account_id, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
FROM json_each(:rows) WHERE TRUE
ON CONFLICT (account_id, channel, status) DO UPDATE SET number = sender_counts.number + excluded.number;

-- name: senders.count
-- dialect: postgres
INSERT INTO sender_counts (account_id, channel, status, number)
SELECT :account_id, value ->> 0, value ->> 1, CAST(value ->> 2 AS bigint)
FROM json_array_elements(CAST(:rows AS json)) AS r (value)
ON CONFLICT (account_id, channel, status) DO UPDATE SET number = sender_counts.number + excluded.number;
