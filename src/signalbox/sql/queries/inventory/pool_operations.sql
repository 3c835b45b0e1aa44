-- Workers do the operations of an account in the order of last_turn: a new operation comes after the account's other
-- operations. Only workers of the previous version use turn, to order the operations of all accounts.
--
-- On PostgreSQL the planner may estimate an account as empty when the account is younger than the statistics. The odd forms
-- leave the planner one index to use (docs/decisions/0012):
-- * `id >= x AND id <= x ORDER BY id LIMIT 1` in LATERAL: one lookup in the primary key for each row.
-- * `ORDER BY id OFFSET 0` in NOT EXISTS: one lookup for each row, and no join.
-- * `ORDER BY last_turn DESC LIMIT 1` instead of MAX: the index in its order.
-- MATERIALIZED has another reason: PostgreSQL takes the row lock of the subquery once, before the INSERTs that need its result.

-- name: pool_operations.newest
-- Also greater than every pool id: each pool was created with an operation, whose id is greater than the id of the pool.
SELECT id FROM operations WHERE account_id = :account_id ORDER BY id DESC LIMIT 1;

-- name: pool_operations.newest_of_pool
-- As newest. No row when the pool does not exist.
SELECT (SELECT id FROM operations WHERE account_id = :account_id ORDER BY id DESC LIMIT 1)
FROM sender_pools WHERE account_id = :account_id AND id = :pool_id;

-- name: pool_operations.start
-- Inserts an operation for a pool, its items, and the account's row of the queue (see queue.start). All new ids are greater
-- than :least. On PostgreSQL the statement changes no row in three cases: the pool does not exist; the account has an
-- operation with an id from :least on; another transaction is inserting the same row of the queue. On SQLite the caller has
-- checked these cases before, in the same transaction.
-- dialect: sqlite
INSERT INTO queue (account_id, kind, turn, served, attempts, due_at)
SELECT :account_id, :kind, COALESCE((SELECT MAX(turn) FROM queue WHERE account_id = :account_id), 0), 0, 0, 0
WHERE :batches > 0
ON CONFLICT (account_id, kind) DO NOTHING;
INSERT INTO operations (
    account_id, id, pool_id, status, total, created, failed, turn, last_turn, request_id, created_at, updated_at)
SELECT :account_id, :operation_id, :pool_id, :status, :total, :created, 0, own.turn, own.turn + :batches, :request_id,
    :now, :now
FROM (
    SELECT COALESCE((
        SELECT last_turn FROM operations WHERE account_id = :account_id AND status = 'PROCESSING'
        ORDER BY last_turn DESC LIMIT 1), 0) AS turn
) AS own
WHERE NOT EXISTS (SELECT 1 FROM operations WHERE account_id = :account_id AND id >= :least);
INSERT INTO operation_items (account_id, operation_id, item_index, sender_id)
SELECT :account_id, :operation_id, key, value FROM json_each(:sender_ids);

-- name: pool_operations.start
-- dialect: postgres
WITH present AS MATERIALIZED (
    SELECT account_id FROM queue WHERE account_id = :account_id AND kind = :kind FOR KEY SHARE),
added AS (
    INSERT INTO queue (account_id, kind, turn, served, attempts, due_at)
    SELECT :account_id, :kind, COALESCE(MAX(turn), 0), 0, 0, 0 FROM queue
    WHERE account_id = :account_id HAVING :batches > 0 AND NOT EXISTS (SELECT 1 FROM present)
    ON CONFLICT (account_id, kind) DO NOTHING
    RETURNING account_id),
started AS MATERIALIZED (
    SELECT 1 FROM (SELECT account_id FROM present UNION ALL SELECT account_id FROM added LIMIT 1) AS place
    CROSS JOIN (
        SELECT id FROM sender_pools WHERE account_id = :account_id AND id = :pool_id FOR KEY SHARE) AS pool
    WHERE NOT EXISTS (SELECT 1 FROM operations WHERE account_id = :account_id AND id >= :least)),
operation AS (
    INSERT INTO operations (
        account_id, id, pool_id, status, total, created, failed, turn, last_turn, request_id, created_at, updated_at)
    SELECT :account_id, :operation_id, :pool_id, :status, :total, :created, 0, own.turn, own.turn + :batches,
        :request_id, :now, :now
    FROM started CROSS JOIN (
        SELECT COALESCE((
            SELECT last_turn FROM operations WHERE account_id = :account_id AND status = 'PROCESSING'
            ORDER BY last_turn DESC LIMIT 1), 0) AS turn) AS own)
INSERT INTO operation_items (account_id, operation_id, item_index, sender_id)
SELECT :account_id, :operation_id, item.number - 1, item.sender_id
FROM started CROSS JOIN unnest(CAST(:sender_ids AS text[])) WITH ORDINALITY AS item (sender_id, number);

-- name: pool_operations.start_with_pool
-- As start, with a new pool. Without batches there is no work for the queue, and no row of the queue is inserted.
-- dialect: sqlite
INSERT INTO sender_pools (account_id, id, operation_id, name, name_key, tags, created_at, updated_at)
VALUES (:account_id, :pool_id, :operation_id, :name, :name_key, :tags, :pool_now, :pool_now);
INSERT INTO tagged (account_id, id, slot, tag)
SELECT :account_id, :pool_id, ROW_NUMBER() OVER (ORDER BY key) - 1, key || ':' || value FROM json_each(:tags);
INSERT INTO queue (account_id, kind, turn, served, attempts, due_at)
SELECT :account_id, :kind, COALESCE((SELECT MAX(turn) FROM queue WHERE account_id = :account_id), 0), 0, 0, 0
WHERE :batches > 0
ON CONFLICT (account_id, kind) DO NOTHING;
INSERT INTO operations (
    account_id, id, pool_id, status, total, created, failed, turn, last_turn, request_id, created_at, updated_at)
SELECT :account_id, :operation_id, :pool_id, :status, :total, :created, 0, own.turn, own.turn + :batches, :request_id,
    :now, :now
FROM (
    SELECT COALESCE((
        SELECT last_turn FROM operations WHERE account_id = :account_id AND status = 'PROCESSING'
        ORDER BY last_turn DESC LIMIT 1), 0) AS turn
) AS own
WHERE NOT EXISTS (SELECT 1 FROM operations WHERE account_id = :account_id AND id >= :least);
INSERT INTO operation_items (account_id, operation_id, item_index, sender_id)
SELECT :account_id, :operation_id, key, value FROM json_each(:sender_ids);

-- name: pool_operations.start_with_pool
-- dialect: postgres
WITH present AS MATERIALIZED (
    SELECT account_id FROM queue WHERE account_id = :account_id AND kind = :kind FOR KEY SHARE),
added AS (
    INSERT INTO queue (account_id, kind, turn, served, attempts, due_at)
    SELECT :account_id, :kind, COALESCE(MAX(turn), 0), 0, 0, 0 FROM queue
    WHERE account_id = :account_id HAVING :batches > 0 AND NOT EXISTS (SELECT 1 FROM present)
    ON CONFLICT (account_id, kind) DO NOTHING
    RETURNING account_id),
started AS MATERIALIZED (
    SELECT 1 FROM (
        SELECT account_id FROM present UNION ALL SELECT account_id FROM added UNION ALL SELECT 1 WHERE :batches = 0 LIMIT 1
    ) AS place
    WHERE NOT EXISTS (SELECT 1 FROM operations WHERE account_id = :account_id AND id >= :least)),
pool AS (
    INSERT INTO sender_pools (account_id, id, operation_id, name, name_key, tags, created_at, updated_at)
    SELECT :account_id, :pool_id, :operation_id, :name, :name_key, :tags, :pool_now, :pool_now FROM started),
tags AS (
    INSERT INTO tagged (account_id, id, slot, tag)
    SELECT :account_id, :pool_id, ROW_NUMBER() OVER () - 1, tag.key || ':' || tag.value
    FROM started CROSS JOIN json_each_text(CAST(:tags AS json)) AS tag),
operation AS (
    INSERT INTO operations (
        account_id, id, pool_id, status, total, created, failed, turn, last_turn, request_id, created_at, updated_at)
    SELECT :account_id, :operation_id, :pool_id, :status, :total, :created, 0, own.turn, own.turn + :batches,
        :request_id, :now, :now
    FROM started CROSS JOIN (
        SELECT COALESCE((
            SELECT last_turn FROM operations WHERE account_id = :account_id AND status = 'PROCESSING'
            ORDER BY last_turn DESC LIMIT 1), 0) AS turn) AS own)
INSERT INTO operation_items (account_id, operation_id, item_index, sender_id)
SELECT :account_id, :operation_id, item.number - 1, item.sender_id
FROM started CROSS JOIN unnest(CAST(:sender_ids AS text[])) WITH ORDINALITY AS item (sender_id, number);

-- name: pool_operations.fetch
SELECT id, status, total, total - created - failed AS queued, created, failed, created_at, updated_at
FROM operations WHERE account_id = :account_id AND id = :operation_id;

-- name: pool_operations.lock
SELECT id, status, total, total - created - failed AS queued, created, failed, created_at, updated_at
FROM operations WHERE account_id = :account_id AND id = :operation_id /*pg: FOR UPDATE */;

-- name: pool_operations.fetch_of_pool
SELECT o.id, o.status, o.total, o.total - o.created - o.failed AS queued, o.created, o.failed,
    o.created_at, o.updated_at
FROM operations AS o JOIN sender_pools AS p ON p.account_id = o.account_id AND p.id = o.pool_id
WHERE o.account_id = :account_id AND o.id = :operation_id AND o.pool_id = :pool_id;

-- name: pool_operations.list_page
SELECT id, status, total, total - created - failed AS queued, created, failed, created_at, updated_at
FROM operations
WHERE account_id = :account_id AND id < :before AND id >= :not_before
ORDER BY id DESC LIMIT :limit;

-- name: pool_operations.list_page_by_status
SELECT id, status, total, total - created - failed AS queued, created, failed, created_at, updated_at
FROM operations
WHERE account_id = :account_id AND status = :status
    AND id < :before AND id >= :not_before
ORDER BY id DESC LIMIT :limit;

-- name: pool_operations.list_items
-- One statement reads the items and the counters from one snapshot, so that each outcome fits the counters.
SELECT i.item_index, i.sender_id,
    CASE WHEN i.outcome IS NOT NULL THEN i.outcome
        WHEN i.item_index < o.created + o.failed THEN 'CREATED' ELSE 'QUEUED' END AS outcome
FROM operations AS o
JOIN operation_items AS i ON i.account_id = o.account_id AND i.operation_id = o.id
WHERE o.account_id = :account_id AND o.id = :operation_id AND i.item_index >= :first
ORDER BY i.item_index LIMIT :limit;

-- name: pool_operations.list_items_by_outcome
-- For the outcomes that are stored: FAILED and ALREADY_MEMBER.
SELECT item_index, sender_id, outcome
FROM operation_items
WHERE account_id = :account_id AND operation_id = :operation_id AND outcome = :outcome AND item_index >= :first
ORDER BY item_index LIMIT :limit;

-- name: pool_operations.list_queued_items
-- The subquery gives the first queued item before the scan starts, so that this item bounds the range of the index.
SELECT item_index, sender_id, 'QUEUED' AS outcome
FROM operation_items
WHERE account_id = :account_id AND operation_id = :operation_id AND item_index >= (
        SELECT CASE WHEN created + failed > :first THEN created + failed ELSE :first END
        FROM operations WHERE account_id = :account_id AND id = :operation_id)
ORDER BY item_index LIMIT :limit;

-- name: pool_operations.list_created_items
SELECT item_index, sender_id, 'CREATED' AS outcome
FROM operation_items
WHERE account_id = :account_id AND operation_id = :operation_id AND outcome IS NULL AND item_index >= :first
    AND item_index < (
        SELECT created + failed FROM operations WHERE account_id = :account_id AND id = :operation_id)
ORDER BY item_index LIMIT :limit;

-- name: pool_operations.claim
-- The row lock is the claim. It lasts until the end of the transaction that applies the batch.
SELECT id, pool_id, total, created + failed AS first, request_id, last_turn < (
    SELECT MAX(last_turn) FROM operations WHERE account_id = :account_id AND status = 'PROCESSING') AS more
FROM operations /*sqlite: INDEXED BY operations_by_last_turn */
WHERE account_id = :account_id AND status = 'PROCESSING'
ORDER BY last_turn, id LIMIT 1 /*pg: FOR UPDATE SKIP LOCKED */;

-- name: pool_operations.unfinished
SELECT id FROM operations /*sqlite: INDEXED BY operations_by_last_turn */
WHERE account_id = :account_id AND status = 'PROCESSING' ORDER BY last_turn LIMIT 1;

-- name: pool_operations.add_members
-- Rows are inserted in the order of their ids, so that two batches for one pool wait for each other and cannot deadlock.
-- dialect: sqlite
INSERT INTO sender_pool_members (account_id, pool_id, sender_id, channel, status)
SELECT s.account_id, :pool_id, s.id, s.channel, s.status
FROM operation_items AS i JOIN senders AS s ON s.account_id = i.account_id AND s.id = i.sender_id
WHERE i.account_id = :account_id AND i.operation_id = :operation_id
    AND i.item_index >= :first AND i.item_index < :end
ORDER BY s.id
ON CONFLICT DO NOTHING
RETURNING sender_id, channel;

-- name: pool_operations.add_members
-- The subquery looks up one sender by primary key. Without created_at, which no index has, PostgreSQL could read
-- senders_by_filter instead, after a VACUUM without visiting the table: that reads the whole inventory for each item.
-- dialect: postgres
INSERT INTO sender_pool_members (account_id, pool_id, sender_id, channel, status)
SELECT :account_id, :pool_id, s.id, s.channel, s.status
FROM operation_items AS i CROSS JOIN LATERAL (
    SELECT id, channel, status FROM senders
    WHERE account_id = :account_id AND id >= i.sender_id AND id <= i.sender_id AND created_at >= 0
    ORDER BY id LIMIT 1) AS s
WHERE i.account_id = :account_id AND i.operation_id = :operation_id
    AND i.item_index >= :first AND i.item_index < :end
ORDER BY s.id
ON CONFLICT DO NOTHING
RETURNING sender_id, channel;

-- name: pool_operations.mark_failed
UPDATE operation_items SET outcome = 'FAILED'
WHERE account_id = :account_id AND operation_id = :operation_id AND item_index >= :first AND item_index < :end
    AND NOT EXISTS (
        SELECT 1 FROM senders AS s
        WHERE s.account_id = :account_id AND s.id = operation_items.sender_id /*pg: ORDER BY s.id OFFSET 0 */);

-- name: pool_operations.mark_already_members
-- added: the ids of the senders that this batch has added to the pool.
-- dialect: sqlite
UPDATE operation_items SET outcome = 'ALREADY_MEMBER'
WHERE account_id = :account_id AND operation_id = :operation_id AND item_index >= :first AND item_index < :end
    AND outcome IS NULL AND sender_id NOT IN (SELECT value FROM json_each(:added));

-- name: pool_operations.mark_already_members
-- dialect: postgres
UPDATE operation_items SET outcome = 'ALREADY_MEMBER'
WHERE account_id = :account_id AND operation_id = :operation_id AND item_index >= :first AND item_index < :end
    AND outcome IS NULL AND sender_id NOT IN (SELECT unnest(CAST(:added AS text[])));

-- name: pool_operations.advance
UPDATE operations
SET created = created + :created, failed = failed + :failed, turn = turn + 1,
    status = CASE WHEN created + failed + :created + :failed = total THEN 'COMPLETED' ELSE status END,
    updated_at = CASE WHEN :now > updated_at THEN :now ELSE updated_at + 1 END
WHERE account_id = :account_id AND id = :operation_id
RETURNING status;

-- name: pool_operations.set_back
-- Moves an operation behind the account's other operations.
UPDATE operations
SET turn = own.turn, last_turn = own.turn + 1
FROM (
    SELECT last_turn AS turn FROM operations WHERE account_id = :account_id AND status = 'PROCESSING'
    ORDER BY last_turn DESC LIMIT 1
) AS own
WHERE account_id = :account_id AND id = :operation_id AND status = 'PROCESSING';

-- name: pool_operations.cancel
UPDATE operations
SET status = 'CANCELED', updated_at = CASE WHEN :now > updated_at THEN :now ELSE updated_at + 1 END
WHERE account_id = :account_id AND id = :operation_id AND status = 'PROCESSING';

-- name: pool_operations.cancel_of_pool
UPDATE operations
SET status = 'CANCELED', updated_at = CASE WHEN :now > updated_at THEN :now ELSE updated_at + 1 END
WHERE account_id = :account_id AND pool_id = :pool_id AND status = 'PROCESSING'
RETURNING id;

-- name: pool_operations.backlog
-- Counts 10,000 operations at most, because /metrics needs no credentials and must not start expensive reads.
-- across accounts: an unlocked read for the metrics
SELECT COUNT(*) AS operations, COALESCE(SUM(queued), 0) AS items
FROM (
    SELECT total - created - failed AS queued FROM operations WHERE status = 'PROCESSING'
    ORDER BY turn, id LIMIT 10000
) AS waiting;
