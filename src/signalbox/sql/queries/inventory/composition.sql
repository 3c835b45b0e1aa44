-- The members of a pool, for its composition.
--
-- On PostgreSQL the planner may estimate an account as empty when the account is younger than the statistics. The LATERAL form
-- `id >= x AND id <= x ORDER BY id LIMIT 1` leaves the planner one index to use: the primary key of senders.

-- name: composition.list_members
-- region was stored with the address, so this query parses no number.
SELECT s.id, s.channel, s.region
FROM (
    SELECT sender_id FROM sender_pool_members
    WHERE account_id = :account_id AND pool_id = :pool_id
        AND sender_id < :before
    ORDER BY sender_id DESC LIMIT :limit
) AS page
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = page.sender_id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= page.sender_id AND id <= page.sender_id ORDER BY id LIMIT 1) AS s */
ORDER BY page.sender_id DESC;
