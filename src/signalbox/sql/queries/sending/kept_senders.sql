-- The sender that last reached a person from a pool; '' is the pool of sends without one.

-- name: kept_senders.of_people
-- people: a JSON array of digests.
-- dialect: sqlite
SELECT k.person, k.sender_id
FROM json_each(:people) AS p CROSS JOIN kept_senders AS k
    ON k.account_id = :account_id AND k.person = p.value AND k.pool_id = :pool_id
WHERE k.reached_at >= :oldest;

-- name: kept_senders.of_people
-- dialect: postgres
SELECT k.person, k.sender_id
FROM json_array_elements_text(CAST(:people AS json)) AS p (value) CROSS JOIN LATERAL (
    SELECT person, sender_id, reached_at FROM kept_senders
    WHERE account_id = :account_id AND person >= p.value AND person <= p.value AND pool_id >= :pool_id AND pool_id <= :pool_id
    ORDER BY person, pool_id LIMIT 1) AS k
WHERE k.reached_at >= :oldest;

-- name: kept_senders.keep
-- rows: a JSON array of [person, sender_id], in the order of persons, each once.
-- dialect: sqlite
INSERT INTO kept_senders (account_id, person, pool_id, sender_id, reached_at)
SELECT :account_id, value ->> 0, :pool_id, value ->> 1, :now FROM json_each(:rows) WHERE true
ON CONFLICT (account_id, person, pool_id) DO UPDATE SET sender_id = excluded.sender_id, reached_at = excluded.reached_at;

-- name: kept_senders.keep
-- dialect: postgres
INSERT INTO kept_senders (account_id, person, pool_id, sender_id, reached_at)
SELECT :account_id, r.value ->> 0, :pool_id, r.value ->> 1, :now FROM json_array_elements(CAST(:rows AS json)) AS r (value)
ON CONFLICT (account_id, person, pool_id) DO UPDATE SET sender_id = excluded.sender_id, reached_at = excluded.reached_at;

-- name: kept_senders.forget
-- A person has one row for each pool at most.
DELETE FROM kept_senders WHERE account_id = :account_id AND person = :person;
