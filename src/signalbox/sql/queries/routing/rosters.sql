-- The senders that a request may use: the activated ones of its channels, at most :limit of each channel, by id. The odd forms
-- are explained in pool_operations.sql.

-- name: rosters.of_pool
SELECT s.id, s.channel, s.address, s.region FROM (
    /*each channel in SMS RCS WHATSAPP:
    SELECT sender_id FROM (
        SELECT sender_id FROM sender_pool_members
        WHERE account_id = :account_id AND pool_id = :pool_id AND channel = <channel> AND status = 'ACTIVATED'
        ORDER BY sender_id LIMIT :limit) AS one */
    ) AS m
/*sqlite: JOIN senders AS s ON s.account_id = :account_id AND s.id = m.sender_id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM senders
    WHERE account_id = :account_id AND id >= m.sender_id AND id <= m.sender_id ORDER BY id LIMIT 1) AS s */;

-- name: rosters.of_account
/*each channel in SMS RCS WHATSAPP:
SELECT id, channel, address, region FROM (
    SELECT id, channel, address, region FROM senders
    WHERE account_id = :account_id AND channel = <channel> AND status >= 'ACTIVATED' AND status <= 'ACTIVATED'
    ORDER BY status, id LIMIT :limit) AS one */;

-- name: rosters.of_sender
SELECT id, channel, address, region FROM senders
WHERE account_id = :account_id AND id = :sender_id AND status = 'ACTIVATED';

-- name: rosters.of_address
-- A short code or an alphanumeric id is one sender in each country.
SELECT id, channel, address, region FROM senders
WHERE account_id = :account_id AND channel = :channel AND address = :address AND status = 'ACTIVATED';

-- name: rosters.any_of_sender
SELECT channel, status, id FROM senders WHERE account_id = :account_id AND id = :sender_id;

-- name: rosters.any_of_address
SELECT channel, status, id FROM senders
WHERE account_id = :account_id AND channel = :channel AND address = :address ORDER BY id;

-- name: rosters.counts_of_pool
SELECT channel, status, number FROM (
    /*each channel in SMS RCS EMAIL WHATSAPP PUSH:
    SELECT <channel> AS channel, 'ACTIVATED' AS status, COUNT(*) AS number FROM (
        SELECT sender_id FROM sender_pool_members
        WHERE account_id = :account_id AND pool_id = :pool_id AND channel = <channel> AND status = 'ACTIVATED'
        ORDER BY sender_id LIMIT :limit) AS activated
    UNION ALL
    SELECT <channel> AS channel, 'DEACTIVATED' AS status, COUNT(*) AS number FROM (
        SELECT sender_id FROM sender_pool_members
        WHERE account_id = :account_id AND pool_id = :pool_id AND channel = <channel> AND status = 'DEACTIVATED'
        ORDER BY sender_id LIMIT :limit) AS deactivated */
) AS counted
WHERE number > 0;

-- name: rosters.oldest_of_pool
/*each channel in SMS RCS EMAIL WHATSAPP PUSH:
SELECT channel, status, sender_id FROM (
    SELECT channel, status, sender_id FROM sender_pool_members
    WHERE account_id = :account_id AND pool_id = :pool_id AND channel = <channel> AND status = 'ACTIVATED'
    ORDER BY sender_id LIMIT :limit) AS activated
UNION ALL
SELECT channel, status, sender_id FROM (
    SELECT channel, status, sender_id FROM sender_pool_members
    WHERE account_id = :account_id AND pool_id = :pool_id AND channel = <channel> AND status = 'DEACTIVATED'
    ORDER BY sender_id LIMIT :limit) AS deactivated */;

-- name: rosters.oldest_of_account
/*each channel in SMS RCS EMAIL WHATSAPP PUSH:
SELECT channel, status, id FROM (
    SELECT channel, status, id FROM senders
    WHERE account_id = :account_id AND channel = <channel> AND status >= 'ACTIVATED' AND status <= 'ACTIVATED'
    ORDER BY status, id LIMIT :limit) AS activated
UNION ALL
SELECT channel, status, id FROM (
    SELECT channel, status, id FROM senders
    WHERE account_id = :account_id AND channel = <channel> AND status >= 'DEACTIVATED' AND status <= 'DEACTIVATED'
    ORDER BY status, id LIMIT :limit) AS deactivated */;
