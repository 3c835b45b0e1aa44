-- Figures about an account: each query reads a bounded number of rows, however much the account holds.

-- name: overview.sender_counts
SELECT channel, status, number FROM sender_counts WHERE account_id = :account_id AND number > 0;

-- name: overview.pools
-- Ordered, so that it is a range of the primary key and ends at the limit.
SELECT COUNT(*) FROM (SELECT id FROM sender_pools WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS counted;

-- name: overview.in_flight
-- In an order that only the index of unfinished operations has: any other way leads through the finished ones.
SELECT COUNT(*) AS operations, COALESCE(SUM(queued), 0) AS items
FROM (
    SELECT total - created - failed AS queued
    FROM operations /*sqlite: INDEXED BY operations_by_last_turn */
    WHERE account_id = :account_id AND status = 'PROCESSING' ORDER BY last_turn LIMIT :limit
) AS waiting;

-- name: overview.failures
-- In the order of the index of failures, for the same reason; ids sort by time as well.
SELECT id, status, total, total - created - failed AS queued, created, failed, created_at, updated_at
FROM operations /*sqlite: INDEXED BY operations_with_failures */
WHERE account_id = :account_id AND failed > 0 ORDER BY created_at DESC, id DESC LIMIT :limit;
