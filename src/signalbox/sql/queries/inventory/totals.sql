-- The totals of lists. Each reads at most :limit keys of one index for each value of a filter that is not given, and no rows of the
-- table. The newest come first, so not_before is compared with the keys that were read: see senders.sql for this form.

-- name: totals.senders
SELECT COUNT(*) FROM (
    SELECT id FROM senders WHERE account_id = :account_id AND id < :before ORDER BY id DESC LIMIT :limit) AS counted
WHERE id >= :not_before;

-- name: totals.senders_by_channel_and_status
SELECT COUNT(*) FROM (
    SELECT id FROM senders
    WHERE account_id = :account_id AND channel = :channel AND status >= :status AND (status, id) < (:status, :before)
    ORDER BY status DESC, id DESC LIMIT :limit) AS counted
WHERE id >= :not_before;

-- name: totals.senders_by_channel
SELECT COUNT(*) FROM (
    /*each status in ACTIVATED DEACTIVATED:
    SELECT id FROM (
        SELECT id FROM senders
        WHERE account_id = :account_id AND channel = :channel AND status >= <status> AND (status, id) < (<status>, :before)
        ORDER BY status DESC, id DESC LIMIT :limit) AS one */
) AS counted
WHERE id >= :not_before;

-- name: totals.senders_by_status
SELECT COUNT(*) FROM (
    /*each channel in SMS RCS EMAIL WHATSAPP PUSH:
    SELECT id FROM (
        SELECT id FROM senders
        WHERE account_id = :account_id AND channel = <channel> AND status >= :status AND (status, id) < (:status, :before)
        ORDER BY status DESC, id DESC LIMIT :limit) AS one */
) AS counted
WHERE id >= :not_before;

-- name: totals.sender_pools
SELECT COUNT(*) FROM (
    SELECT id FROM sender_pools WHERE account_id = :account_id AND id < :before ORDER BY id DESC LIMIT :limit) AS counted
WHERE id >= :not_before;

-- name: totals.members
SELECT COUNT(*) FROM (
    SELECT sender_id FROM sender_pool_members
    WHERE account_id = :account_id AND pool_id = :pool_id AND sender_id < :before
    ORDER BY sender_id DESC LIMIT :limit) AS counted
WHERE sender_id >= :not_before;

-- name: totals.members_by_channel_and_status
SELECT COUNT(*) FROM (
    SELECT sender_id FROM sender_pool_members
    WHERE account_id = :account_id AND pool_id = :pool_id AND channel = :channel AND status = :status
        AND sender_id < :before
    ORDER BY sender_id DESC LIMIT :limit) AS counted
WHERE sender_id >= :not_before;

-- name: totals.members_by_channel
SELECT COUNT(*) FROM (
    /*each status in ACTIVATED DEACTIVATED:
    SELECT sender_id FROM (
        SELECT sender_id FROM sender_pool_members
        WHERE account_id = :account_id AND pool_id = :pool_id AND channel = :channel AND status = <status>
            AND sender_id < :before
        ORDER BY sender_id DESC LIMIT :limit) AS one */
) AS counted
WHERE sender_id >= :not_before;

-- name: totals.members_by_status
SELECT COUNT(*) FROM (
    /*each channel in SMS RCS EMAIL WHATSAPP PUSH:
    SELECT sender_id FROM (
        SELECT sender_id FROM sender_pool_members
        WHERE account_id = :account_id AND pool_id = :pool_id AND channel = <channel> AND status = :status
            AND sender_id < :before
        ORDER BY sender_id DESC LIMIT :limit) AS one */
) AS counted
WHERE sender_id >= :not_before;

-- name: totals.operations
SELECT COUNT(*) FROM (
    SELECT id FROM operations WHERE account_id = :account_id AND id < :before ORDER BY id DESC LIMIT :limit) AS counted
WHERE id >= :not_before;

-- name: totals.operations_by_status
SELECT COUNT(*) FROM (
    SELECT id FROM operations
    WHERE account_id = :account_id AND status = :status AND id < :before ORDER BY id DESC LIMIT :limit) AS counted
WHERE id >= :not_before;
