-- Who has opted out. pool_id is '' for an opt-out of the whole account. channel || '' and pool_id || '' keep the planner from the
-- indexes that begin with these, in which much of the account is.

-- name: opt_outs.newest
SELECT id FROM opt_outs WHERE account_id = :account_id ORDER BY id DESC LIMIT 1;

-- name: opt_outs.add
INSERT INTO opt_outs (account_id, id, address, channel, pool_id, created_at)
VALUES (:account_id, :id, :address, :channel, :pool_id, :now)
ON CONFLICT (account_id, address, channel, pool_id) DO NOTHING
RETURNING id, address, channel, pool_id, created_at;

-- name: opt_outs.find
SELECT id, address, channel, pool_id, created_at FROM opt_outs
WHERE account_id = :account_id AND address = :address AND channel || '' = :channel AND pool_id || '' = :pool_id;

-- name: opt_outs.among
-- people: a JSON array of [address, channel].
-- dialect: sqlite
SELECT DISTINCT o.address, o.channel
FROM json_each(:people) AS p CROSS JOIN opt_outs AS o
    ON o.account_id = :account_id AND o.address = p.value ->> 0 AND o.channel = p.value ->> 1
        AND o.pool_id IN ('', :pool_id);

-- name: opt_outs.among
-- dialect: postgres
SELECT o.address, o.channel
FROM json_array_elements(CAST(:people AS json)) AS p (value) CROSS JOIN LATERAL (
    SELECT address, channel FROM opt_outs
    WHERE account_id = :account_id AND address >= p.value ->> 0 AND address <= p.value ->> 0
        AND channel = p.value ->> 1 AND pool_id IN ('', :pool_id)
    ORDER BY address, channel, pool_id LIMIT 1) AS o;

-- name: opt_outs.list_page
SELECT id, address, channel, pool_id, created_at FROM opt_outs
WHERE account_id = :account_id AND id < :before AND id >= :not_before
ORDER BY id DESC LIMIT :limit;

-- name: opt_outs.list_page_by_address
-- An address has one opt-out for each pool at most. '' does not filter.
SELECT id, address, channel, pool_id, created_at FROM (
    SELECT id, address, channel, pool_id, created_at FROM opt_outs
    WHERE account_id = :account_id AND address >= :address AND address <= :address
    ORDER BY address, channel, pool_id /*pg: LIMIT (SELECT CAST(1000000000 AS bigint)) */
) AS own
WHERE id < :before AND id >= :not_before AND (channel = :channel OR :channel = '') AND (pool_id = :pool_id OR :pool_id = '')
ORDER BY id DESC LIMIT :limit;

-- name: opt_outs.list_page_by_channel
SELECT id, address, channel, pool_id, created_at FROM opt_outs
WHERE account_id = :account_id AND channel >= :channel AND (channel, id) < (:channel, :before) AND id >= :not_before
ORDER BY channel DESC, id DESC LIMIT :limit;

-- name: opt_outs.list_page_of_pool
-- channel: '' does not filter.
SELECT id, address, channel, pool_id, created_at FROM (
    /*each channel in PHONE WHATSAPP:
    SELECT id, address, channel, pool_id, created_at FROM (
        SELECT id, address, channel, pool_id, created_at FROM opt_outs
        WHERE account_id = :account_id AND pool_id = :pool_id AND channel = <channel> AND :channel IN ('', <channel>)
            AND id < :before AND id >= :not_before
        ORDER BY id DESC LIMIT :limit) AS one */
) AS page
ORDER BY id DESC LIMIT :limit;

-- name: opt_outs.delete
DELETE FROM opt_outs WHERE account_id = :account_id AND id = :id;

-- name: opt_outs.forget
DELETE FROM opt_outs WHERE account_id = :account_id AND address = :address AND channel || '' = :channel;
