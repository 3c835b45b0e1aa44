-- The counts of an account. Each query reads a bounded number of rows, also for a large account.

-- name: overview.sender_counts
SELECT channel, status, number FROM sender_counts WHERE account_id = :account_id AND number > 0;

-- name: overview.pools
-- With ORDER BY id, the planner reads the primary key in its order and stops at the limit.
SELECT COUNT(*) FROM (SELECT id FROM sender_pools WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS counted;

-- name: overview.in_flight
-- Only the index of unfinished operations has the order of last_turn. Any other index would also read finished operations.
SELECT COUNT(*) AS operations, COALESCE(SUM(queued), 0) AS items
FROM (
    SELECT total - created - failed AS queued
    FROM operations /*sqlite: INDEXED BY operations_by_last_turn */
    WHERE account_id = :account_id AND status = 'PROCESSING' ORDER BY last_turn LIMIT :limit
) AS waiting;

-- name: overview.failures
-- Only the index of operations with failures has this order. Ids sort by time, so the order is that of the ids as well.
SELECT id, status, total, total - created - failed AS queued, created, failed, created_at, updated_at
FROM operations /*sqlite: INDEXED BY operations_with_failures */
WHERE account_id = :account_id AND failed > 0 ORDER BY created_at DESC, id DESC LIMIT :limit;
