-- The queue: one row for each account and kind of work. The transaction that starts the work inserts the row. Workers find
-- accounts by a read of all accounts without a lock; every other statement is for one account.
--
-- Locks on PostgreSQL: a transaction that starts work takes a shared row lock (FOR KEY SHARE), so that the requests of one
-- account do not wait for each other. The removal of a row takes an exclusive row lock, so no row is removed while a
-- transaction is starting work.

-- name: queue.start
-- Returns one row, or no row when another transaction is inserting the same row: the caller then runs the statement again.
-- dialect: sqlite
INSERT INTO queue (account_id, kind, turn, served, attempts, due_at)
SELECT :account_id, :kind, COALESCE(MAX(turn), 0), 0, 0, :due_at FROM queue WHERE account_id = :account_id
ON CONFLICT (account_id, kind) DO UPDATE SET kind = excluded.kind
RETURNING account_id;

-- name: queue.start
-- MATERIALIZED: the row lock is taken once, before the INSERT that depends on its result.
-- dialect: postgres
WITH present AS MATERIALIZED (
    SELECT account_id FROM queue WHERE account_id = :account_id AND kind = :kind FOR KEY SHARE),
added AS (
    INSERT INTO queue (account_id, kind, turn, served, attempts, due_at)
    SELECT :account_id, :kind, COALESCE(MAX(turn), 0), 0, 0, CAST(:due_at AS bigint) FROM queue
    WHERE account_id = :account_id HAVING NOT EXISTS (SELECT 1 FROM present)
    ON CONFLICT (account_id, kind) DO NOTHING
    RETURNING account_id)
SELECT account_id FROM present UNION ALL SELECT account_id FROM added;

-- name: queue.scan
-- Reads up to :limit rows with a turn, and up to :limit rows without a turn, so that neither part can displace the other.
-- across accounts: an unlocked read finds the accounts that have work
SELECT q.account_id, a.sid, q.kind, q.turn, q.served, q.attempts, (SELECT MAX(turn) FROM queue) AS highest
FROM (
    SELECT account_id, kind, turn, served, attempts FROM (
        SELECT account_id, kind, turn, served, attempts FROM queue
        WHERE turn > 0 AND due_at <= :now ORDER BY turn LIMIT :limit) AS placed
    UNION ALL
    SELECT account_id, kind, turn, served, attempts FROM (
        SELECT account_id, kind, turn, served, attempts FROM queue
        WHERE turn = 0 AND due_at <= :now ORDER BY due_at LIMIT :limit) AS unplaced
) AS q JOIN accounts AS a ON a.id = q.account_id;

-- name: queue.move_on
-- Runs after a unit of work. All rows of the account get the next turn, because turns belong to accounts and not to kinds.
UPDATE queue
SET turn = CASE WHEN turn < :turn THEN :turn ELSE turn + 1 END,
    served = CASE WHEN kind = :kind THEN :turn ELSE served END,
    attempts = CASE WHEN kind = :kind THEN 0 ELSE attempts END,
    due_at = CASE WHEN kind = :kind THEN 0 ELSE due_at END
WHERE account_id = :account_id;

-- name: queue.put_off
UPDATE queue
SET turn = CASE WHEN turn < :turn THEN :turn ELSE turn END, served = :turn, attempts = :attempts, due_at = :due_at
WHERE account_id = :account_id AND kind = :kind;

-- name: queue.hasten
-- A row that waits after a failure keeps its time.
UPDATE queue SET due_at = :due_at WHERE account_id = :account_id AND kind = :kind AND attempts = 0 AND due_at > :due_at;

-- name: queue.defer
UPDATE queue SET due_at = :due_at WHERE account_id = :account_id AND kind = :kind;

-- name: queue.lock
-- Returns no row while a transaction is starting work of this kind. Later statements of this transaction see all work that was
-- started before the lock.
SELECT kind FROM queue WHERE account_id = :account_id AND kind = :kind /*pg: FOR UPDATE SKIP LOCKED */;

-- name: queue.remove
DELETE FROM queue WHERE account_id = :account_id AND kind = :kind;

-- name: queue.without_row
-- For one release: processes of the previous version start work without a row.
-- across accounts: an unlocked read finds the accounts that have such work
SELECT DISTINCT w.account_id, w.kind FROM (
    SELECT account_id, 'pool_operations' AS kind FROM (
        SELECT account_id FROM operations WHERE status = 'PROCESSING' ORDER BY turn, id LIMIT 10000) AS started
    UNION ALL
    SELECT account_id, 'pool_removals' AS kind FROM (
        SELECT account_id FROM sender_pool_removals LIMIT 10000) AS removed
) AS w
WHERE NOT EXISTS (SELECT 1 FROM queue AS q WHERE q.account_id = w.account_id AND q.kind = w.kind)
LIMIT 1000;
