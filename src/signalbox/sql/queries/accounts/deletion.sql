-- The deletion of an account. Each statement deletes a bounded number of rows. The rows are one range of the primary key, from
-- the account's first row to the row at the limit, because PostgreSQL may estimate an account as empty when the account is
-- younger than the statistics. This form leaves the planner one index to use. deletion.py has the same order of tables.

-- name: deletion.begin
-- across accounts: the operator names the account
UPDATE accounts SET status = 'DELETING', deleting_at = COALESCE(deleting_at, :now) WHERE sid = :sid
RETURNING id, name;

-- name: deletion.fetch
-- across accounts: a reference table
SELECT deleting_at FROM accounts WHERE id = :account_id AND status = 'DELETING';

-- name: deletion.operations
DELETE FROM operations
WHERE account_id = :account_id AND id <= (
    SELECT MAX(id) FROM (
        SELECT id FROM operations WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS first);

-- name: deletion.operation_items
-- Items of one operation at a time. item_index has no gaps, so first index + limit is the end of the range.
DELETE FROM operation_items
WHERE account_id = :account_id AND operation_id = (
        SELECT operation_id FROM operation_items WHERE account_id = :account_id ORDER BY operation_id LIMIT 1)
    AND item_index < :limit + (
        SELECT item_index FROM operation_items
        WHERE account_id = :account_id ORDER BY operation_id, item_index LIMIT 1);

-- name: deletion.sender_pool_removals
DELETE FROM sender_pool_removals
WHERE account_id = :account_id AND pool_id <= (
    SELECT MAX(pool_id) FROM (
        SELECT pool_id FROM sender_pool_removals WHERE account_id = :account_id ORDER BY pool_id LIMIT :limit) AS first);

-- name: deletion.sender_pool_members
-- Members of one pool at a time.
DELETE FROM sender_pool_members
WHERE account_id = :account_id AND pool_id = (
        SELECT pool_id FROM sender_pool_members WHERE account_id = :account_id ORDER BY pool_id LIMIT 1)
    AND sender_id <= (
        SELECT MAX(sender_id) FROM (
            SELECT sender_id FROM sender_pool_members
            WHERE account_id = :account_id AND pool_id = (
                SELECT pool_id FROM sender_pool_members WHERE account_id = :account_id ORDER BY pool_id LIMIT 1)
            ORDER BY sender_id LIMIT :limit) AS first);

-- name: deletion.sender_pools
DELETE FROM sender_pools
WHERE account_id = :account_id AND id <= (
    SELECT MAX(id) FROM (
        SELECT id FROM sender_pools WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS first);

-- name: deletion.senders
DELETE FROM senders
WHERE account_id = :account_id AND id <= (
    SELECT MAX(id) FROM (
        SELECT id FROM senders WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS first);

-- name: deletion.sender_counts
-- An account has ten rows at most, so one statement deletes all of them.
DELETE FROM sender_counts WHERE account_id = :account_id AND :limit > 0;

-- name: deletion.sender_pool_counts
-- A pool has five rows at most, so the rows after the limit of the last pool are few.
DELETE FROM sender_pool_counts
WHERE account_id = :account_id AND pool_id <= (
    SELECT MAX(pool_id) FROM (
        SELECT pool_id FROM sender_pool_counts WHERE account_id = :account_id ORDER BY pool_id LIMIT :limit) AS first);

-- name: deletion.tagged
-- A sender or pool has ten rows at most, so the rows after the limit of the last one are few.
DELETE FROM tagged
WHERE account_id = :account_id AND id <= (
    SELECT MAX(id) FROM (
        SELECT id FROM tagged WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS first);

-- name: deletion.templates
DELETE FROM templates
WHERE account_id = :account_id AND content_id <= (
    SELECT MAX(content_id) FROM (
        SELECT content_id FROM templates WHERE account_id = :account_id ORDER BY content_id LIMIT :limit) AS first);

-- name: deletion.message_operations
DELETE FROM message_operations
WHERE account_id = :account_id AND id <= (
    SELECT MAX(id) FROM (
        SELECT id FROM message_operations WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS first);

-- name: deletion.message_contents
DELETE FROM message_contents
WHERE account_id = :account_id AND operation_id <= (
    SELECT MAX(operation_id) FROM (
        SELECT operation_id FROM message_contents WHERE account_id = :account_id ORDER BY operation_id LIMIT :limit) AS first);

-- name: deletion.messages
DELETE FROM messages
WHERE account_id = :account_id AND id <= (
    SELECT MAX(id) FROM (
        SELECT id FROM messages WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS first);

-- name: deletion.message_tags
DELETE FROM message_tags
WHERE account_id = :account_id AND (tag, id) <= (
    SELECT tag, id FROM (
        SELECT tag, id FROM message_tags
        WHERE account_id = :account_id ORDER BY tag, id LIMIT :limit) AS first
    ORDER BY tag DESC, id DESC LIMIT 1);

-- name: deletion.message_attempts
DELETE FROM message_attempts
WHERE account_id = :account_id AND (message_id, number) <= (
    SELECT message_id, number FROM (
        SELECT message_id, number FROM message_attempts
        WHERE account_id = :account_id ORDER BY message_id, number LIMIT :limit) AS first
    ORDER BY message_id DESC, number DESC LIMIT 1);

-- name: deletion.message_receipts
DELETE FROM message_receipts
WHERE account_id = :account_id AND (message_id, number) <= (
    SELECT message_id, number FROM (
        SELECT message_id, number FROM message_receipts
        WHERE account_id = :account_id ORDER BY message_id, number LIMIT :limit) AS first
    ORDER BY message_id DESC, number DESC LIMIT 1);

-- name: deletion.inbox
DELETE FROM inbox
WHERE account_id = :account_id AND arrival <= (
    SELECT MAX(arrival) FROM (
        SELECT arrival FROM inbox WHERE account_id = :account_id ORDER BY arrival LIMIT :limit) AS first);

-- name: deletion.inbox_arrivals
-- An account has one row at most.
DELETE FROM inbox_arrivals WHERE account_id = :account_id AND :limit > 0;

-- name: deletion.sink_reports
DELETE FROM sink_reports
WHERE account_id = :account_id AND (due_at, message_id) <= (
    SELECT due_at, message_id FROM (
        SELECT due_at, message_id FROM sink_reports
        WHERE account_id = :account_id ORDER BY due_at, message_id LIMIT :limit) AS first
    ORDER BY due_at DESC, message_id DESC LIMIT 1);

-- name: deletion.opt_outs
DELETE FROM opt_outs
WHERE account_id = :account_id AND id <= (
    SELECT MAX(id) FROM (
        SELECT id FROM opt_outs WHERE account_id = :account_id ORDER BY id LIMIT :limit) AS first);

-- name: deletion.kept_senders
DELETE FROM kept_senders
WHERE account_id = :account_id AND (person, pool_id) <= (
    SELECT person, pool_id FROM (
        SELECT person, pool_id FROM kept_senders
        WHERE account_id = :account_id ORDER BY person, pool_id LIMIT :limit) AS first
    ORDER BY person DESC, pool_id DESC LIMIT 1);

-- name: deletion.idempotency_keys
DELETE FROM idempotency_keys
WHERE account_id = :account_id AND key <= (
    SELECT MAX(key) FROM (
        SELECT key FROM idempotency_keys WHERE account_id = :account_id ORDER BY key LIMIT :limit) AS first);

-- name: deletion.other_work
-- One row for each other kind of work. deletion.queue deletes the row of the deletion itself, at the end.
DELETE FROM queue WHERE account_id = :account_id AND kind <> :kind;

-- name: deletion.queue
DELETE FROM queue WHERE account_id = :account_id;

-- name: deletion.api_keys
DELETE FROM api_keys WHERE account_id = :account_id;

-- name: deletion.account
-- across accounts: a reference table
DELETE FROM accounts WHERE id = :account_id AND status = 'DELETING';
