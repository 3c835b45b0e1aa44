-- name: idempotency.lock
-- Whether no other transaction is answering the same key at this moment. SQLite has one writer.
-- across accounts: takes a lock named after one account and key
-- dialect: sqlite
SELECT 1 AS free WHERE :account_id IS NOT NULL AND :key IS NOT NULL;

-- name: idempotency.lock
-- across accounts: takes a lock named after one account and key
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

-- name: idempotency.forget_old
-- across accounts: housekeeping
DELETE FROM idempotency_keys WHERE created_at <= :oldest;
