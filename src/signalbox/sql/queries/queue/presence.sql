-- The processes that work on the queue: see migration 0008.

-- name: presence.announce
INSERT INTO workers (name, seen_at) VALUES (:name, :now) ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at;

-- name: presence.forget
DELETE FROM workers WHERE seen_at < :oldest;

-- name: presence.leave
DELETE FROM workers WHERE name = :name;

-- name: presence.newest
SELECT MAX(seen_at) FROM workers;
