-- Inserts the rows of one create, one statement for each table, without any other work.

-- name: bare.pool
INSERT INTO sender_pools (account_id, id, operation_id, name, tags, created_at, updated_at)
VALUES (:account_id, :pool_id, :operation_id, 'a pool', '{}', :now, :now);

-- name: bare.operation
INSERT INTO operations (
    account_id, id, pool_id, status, total, created, failed, turn, last_turn, request_id, created_at, updated_at)
VALUES (:account_id, :operation_id, :pool_id, 'COMPLETED', :total, :total, 0, 0, 0, '', :now, :now);

-- name: bare.items
-- dialect: sqlite
INSERT INTO operation_items (account_id, operation_id, item_index, sender_id)
SELECT :account_id, :operation_id, key, value FROM json_each(:sender_ids);

-- name: bare.items
-- dialect: postgres
INSERT INTO operation_items (account_id, operation_id, item_index, sender_id)
SELECT :account_id, :operation_id, item.number - 1, item.sender_id
FROM unnest(CAST(:sender_ids AS text[])) WITH ORDINALITY AS item (sender_id, number);

-- name: bare.members
-- dialect: sqlite
INSERT INTO sender_pool_members (account_id, pool_id, sender_id, channel, status)
SELECT s.account_id, :pool_id, s.id, s.channel, s.status
FROM json_each(:sender_ids) AS i CROSS JOIN senders AS s ON s.account_id = :account_id AND s.id = i.value
ORDER BY s.id;

-- name: bare.members
-- dialect: postgres
INSERT INTO sender_pool_members (account_id, pool_id, sender_id, channel, status)
SELECT s.account_id, :pool_id, s.id, s.channel, s.status
FROM unnest(CAST(:sender_ids AS text[])) AS i (id) JOIN senders AS s ON s.account_id = :account_id AND s.id = i.id
ORDER BY s.id;

-- name: bare.senders
-- rows: a JSON array of [id, channel, address, region, display name, status, tags, time].
-- dialect: sqlite
INSERT INTO senders (
    account_id, id, channel, address, region, display_name, status, tags, created_at, updated_at)
SELECT :account_id, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
    json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
    json_extract(value, '$[6]'), json_extract(value, '$[7]'), json_extract(value, '$[7]')
FROM json_each(:rows);

-- name: bare.senders
-- dialect: postgres
INSERT INTO senders (
    account_id, id, channel, address, region, display_name, status, tags, created_at, updated_at)
SELECT :account_id, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    CAST(value ->> 7 AS bigint), CAST(value ->> 7 AS bigint)
FROM json_array_elements(CAST(:rows AS json)) AS r (value);
