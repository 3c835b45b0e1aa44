-- name: idempotency.lock
-- free is 1 unless another transaction handles a request with the same key. SQLite has one writer, so the key is always free.
-- dialect: sqlite
SELECT 1 AS free WHERE :account_id IS NOT NULL AND :key IS NOT NULL;

-- name: idempotency.lock
-- dialect: postgres
SELECT CAST(pg_try_advisory_xact_lock(hashtextextended(CAST(:key AS text), :account_id)) AS int) AS free;

-- name: idempotency.recall
SELECT fingerprint, operation_id, location FROM idempotency_keys
WHERE account_id = :account_id AND key = :key AND created_at > :oldest;

-- name: idempotency.forget
DELETE FROM idempotency_keys WHERE account_id = :account_id AND key = :key;

-- name: idempotency.remember
INSERT INTO idempotency_keys (account_id, key, fingerprint, operation_id, location, created_at)
VALUES (:account_id, :key, :fingerprint, :operation_id, :location, :now);

-- name: idempotency.oldest
-- The time up to which forget_old deletes keys, so that one transaction deletes about :limit keys.
-- across accounts: an unlocked read for housekeeping
SELECT MAX(created_at) FROM (
    SELECT created_at FROM idempotency_keys WHERE created_at <= :oldest ORDER BY created_at LIMIT :limit) AS first;

-- name: idempotency.forget_old
-- across accounts: a delete by time for housekeeping
DELETE FROM idempotency_keys WHERE created_at <= :until;
