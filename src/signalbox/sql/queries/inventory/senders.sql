-- Pages are newest first: before is exclusive, not_before inclusive, and both are always given (the greatest or the
-- least possible id where there is no bound), so that every page is one range of one index.
--
-- How statements keep their plans on PostgreSQL, whatever the statistics know of the account (docs/decisions/0012):
-- * One row for each row of a batch or a page: LATERAL, a range of one value in the order of its index, LIMIT 1. So it is
--   never joined in another way, and an index that lacks this order would have to sort.
-- * Changes of many rows: INSERT ... ON CONFLICT, whose index is named, instead of UPDATE ... FROM.
-- * A filtered page compares with not_before outside: two bounds look to the planner like next to no rows.

-- name: senders.fetch
SELECT id, display_name, address, channel, status, tags, updated_at, created_at
FROM senders WHERE account_id = :account_id AND id = :sender_id;

-- name: senders.newest
SELECT id FROM senders WHERE account_id = :account_id ORDER BY id DESC LIMIT 1;

-- name: senders.lock
SELECT id, display_name, address, channel, status, tags, updated_at, created_at
FROM senders WHERE account_id = :account_id AND id = :sender_id /*pg: FOR UPDATE */;

-- name: senders.list_page
SELECT id, display_name, address, channel, status, tags, updated_at, created_at
FROM senders
WHERE account_id = :account_id AND id < :before AND id >= :not_before
ORDER BY id DESC LIMIT :limit;

-- name: senders.list_page_by_channel_and_status
-- Ids first: senders_by_filter holds them, so that no other index is cheaper.
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at
FROM (
    SELECT id FROM senders
    WHERE account_id = :account_id AND channel = :channel AND status = :status AND id < :before
    ORDER BY id DESC LIMIT :limit
) AS page
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = page.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= page.id AND id <= page.id ORDER BY id LIMIT 1) AS s */
WHERE page.id >= :not_before
ORDER BY page.id DESC;

-- name: senders.list_page_by_channel
-- One bounded range for each status, merged: the same index serves every filter.
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at
FROM (
    /*each status in ACTIVATED DEACTIVATED:
    SELECT id FROM (
        SELECT id FROM senders
        WHERE account_id = :account_id AND channel = :channel AND status = <status> AND id < :before
        ORDER BY id DESC LIMIT :limit) AS one */
    ORDER BY id DESC LIMIT :limit
) AS page
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = page.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= page.id AND id <= page.id ORDER BY id LIMIT 1) AS s */
WHERE page.id >= :not_before
ORDER BY page.id DESC;

-- name: senders.list_page_by_status
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at
FROM (
    /*each channel in SMS RCS EMAIL WHATSAPP PUSH:
    SELECT id FROM (
        SELECT id FROM senders
        WHERE account_id = :account_id AND channel = <channel> AND status = :status AND id < :before
        ORDER BY id DESC LIMIT :limit) AS one */
    ORDER BY id DESC LIMIT :limit
) AS page
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = page.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= page.id AND id <= page.id ORDER BY id LIMIT 1) AS s */
WHERE page.id >= :not_before
ORDER BY page.id DESC;

-- name: senders.search_page
-- At most one row: channel and address are unique in an account. A page all the same, as the contract has it.
SELECT id, display_name, address, channel, status, tags, updated_at, created_at
FROM senders
WHERE account_id = :account_id AND channel = :channel AND address >= :address AND address <= :address
    AND id < :before AND id >= :not_before
ORDER BY address LIMIT :limit;

-- name: senders.lock_inventory
-- Removing a sender or changing its status must not overlap with a batch that reads it: batches share this lock, changes of
-- inventory hold it alone. An advisory lock and no row: who waits for it is served before later batches, and processes of
-- the version before take the same one. SQLite has one writer and needs none.
-- dialect: sqlite
SELECT 1 WHERE :account_id IS NOT NULL;

-- name: senders.lock_inventory
-- dialect: postgres
SELECT pg_advisory_xact_lock(hashtext('signalbox.inventory'), :account_id);

-- name: senders.share_inventory
-- Does not wait: the account is passed over, and the others' work goes on.
-- dialect: sqlite
SELECT 1 AS free WHERE :account_id IS NOT NULL;

-- name: senders.share_inventory
-- dialect: postgres
SELECT CAST(pg_try_advisory_xact_lock_shared(hashtext('signalbox.inventory'), :account_id) AS int) AS free;

-- name: senders.by_addresses
-- rows: a JSON array of [channel, address].
-- dialect: sqlite
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at
FROM json_each(:rows) AS r
CROSS JOIN senders AS s ON s.account_id = :account_id
    AND s.channel = json_extract(r.value, '$[0]') AND s.address = json_extract(r.value, '$[1]');

-- name: senders.by_addresses
-- dialect: postgres
SELECT s.id, s.display_name, s.address, s.channel, s.status, s.tags, s.updated_at, s.created_at
FROM json_array_elements(CAST(:rows AS json)) AS r (value) CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND channel = r.value ->> 0
        AND address >= r.value ->> 1 AND address <= r.value ->> 1
    ORDER BY address LIMIT 1) AS s;

-- name: senders.insert
-- rows: a JSON array of [id, channel, address, region, display name, status, tags, time].
-- dialect: sqlite
INSERT INTO senders (
    account_id, id, channel, address, region, display_name, status, tags, created_at, updated_at)
SELECT :account_id, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
    json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
    json_extract(value, '$[6]'), json_extract(value, '$[7]'), json_extract(value, '$[7]')
FROM json_each(:rows);

-- name: senders.insert
-- dialect: postgres
INSERT INTO senders (
    account_id, id, channel, address, region, display_name, status, tags, created_at, updated_at)
SELECT :account_id, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    CAST(value ->> 7 AS bigint), CAST(value ->> 7 AS bigint)
FROM json_array_elements(CAST(:rows AS json)) AS r (value);

-- name: senders.update
-- rows: a JSON array of [id, display name, status, tags, time]. Materialized, or SQLite walks through the whole inventory
-- and looks into the array at each sender.
-- dialect: sqlite
WITH r AS MATERIALIZED (
    SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS display_name,
        json_extract(value, '$[2]') AS status, json_extract(value, '$[3]') AS tags,
        json_extract(value, '$[4]') AS updated_at
    FROM json_each(:rows))
UPDATE senders
SET display_name = r.display_name, status = r.status, tags = r.tags, updated_at = r.updated_at
FROM r WHERE senders.account_id = :account_id AND senders.id = r.id;

-- name: senders.update
-- dialect: postgres
INSERT INTO senders (
    account_id, id, channel, address, region, display_name, status, tags, created_at, updated_at)
SELECT :account_id, s.id, s.channel, s.address, s.region, r.value ->> 1, r.value ->> 2, r.value ->> 3,
    s.created_at, CAST(r.value ->> 4 AS bigint)
FROM json_array_elements(CAST(:rows AS json)) AS r (value) CROSS JOIN LATERAL (
    SELECT id, channel, address, region, created_at FROM senders
    WHERE account_id = :account_id AND id >= r.value ->> 0 AND id <= r.value ->> 0 ORDER BY id LIMIT 1) AS s
ON CONFLICT (account_id, id) DO UPDATE SET display_name = excluded.display_name, status = excluded.status,
    tags = excluded.tags, updated_at = excluded.updated_at;

-- name: senders.spread_status
-- Repeats changed statuses in the memberships. rows: a JSON array of [id, status]; materialized as above.
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
DELETE FROM sender_pool_members WHERE account_id = :account_id AND sender_id = :sender_id;

-- name: senders.count
-- Moves the numbers of senders. rows: a JSON array of [channel, status, how many more], ordered by these two.
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
