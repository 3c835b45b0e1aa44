-- A worker claims the READY operation of an account that waited longest: the row lock is the claim. Every statement that changes
-- messages locks the row of their operation first, so the counters of the operation are always exact.

-- name: message_operations.newest
-- Greater than every message id of the account's operations but the newest, whose messages have greater ids.
SELECT id FROM messages WHERE account_id = :account_id ORDER BY id DESC LIMIT 1;

-- name: message_operations.start
INSERT INTO message_operations (
    account_id, id, status, work, due_at, last_turn, next_id, total, attempts, scheduled, queued, sent, delivered, read,
    undelivered, failed, canceled, unaddressable, request_id, created_at, updated_at)
SELECT :account_id, :operation_id, :status, :work, :due_at, own.turn + 1, :next_id, :total, 0, :scheduled, :queued, 0, 0, 0, 0,
    0, 0, 0, :request_id, :now, :now
FROM (
    SELECT COALESCE((
        SELECT last_turn FROM message_operations WHERE account_id = :account_id AND work = 'READY'
        ORDER BY last_turn DESC LIMIT 1), 0) AS turn
) AS own;

-- name: message_operations.store_content
INSERT INTO message_contents (account_id, operation_id, sender, content, defaults)
VALUES (:account_id, :operation_id, :sender, :content, :defaults);

-- name: message_operations.content
SELECT sender, content, defaults FROM message_contents WHERE account_id = :account_id AND operation_id = :operation_id;

-- name: message_operations.fetch
SELECT id, status, total, attempts, scheduled, queued, sent, delivered, read, undelivered, failed, canceled, unaddressable,
    created_at, updated_at
FROM message_operations WHERE account_id = :account_id AND id = :operation_id;

-- name: message_operations.lock
SELECT id, status, total, attempts, scheduled, queued, sent, delivered, read, undelivered, failed, canceled, unaddressable,
    created_at, updated_at
FROM message_operations WHERE account_id = :account_id AND id = :operation_id /*pg: FOR UPDATE */;

-- name: message_operations.retried_as
SELECT retried_as FROM message_operations WHERE account_id = :account_id AND id = :operation_id;

-- name: message_operations.set_retried_as
UPDATE message_operations SET retried_as = :retried_as WHERE account_id = :account_id AND id = :operation_id;

-- name: message_operations.list_page
SELECT id, status, total, attempts, scheduled, queued, sent, delivered, read, undelivered, failed, canceled, unaddressable,
    created_at, updated_at
FROM message_operations
WHERE account_id = :account_id AND id < :before AND id >= :not_before
ORDER BY id DESC LIMIT :limit;

-- name: message_operations.list_page_by_status
SELECT id, status, total, attempts, scheduled, queued, sent, delivered, read, undelivered, failed, canceled, unaddressable,
    created_at, updated_at
FROM message_operations
WHERE account_id = :account_id AND status = :status AND id < :before AND id >= :not_before
ORDER BY id DESC LIMIT :limit;

-- name: message_operations.claim
SELECT id, next_id, request_id, loads, total, scheduled + queued AS remaining, last_turn < (
    SELECT last_turn FROM message_operations /*sqlite: INDEXED BY message_operations_ready */
    WHERE account_id = :account_id AND work = 'READY' ORDER BY last_turn DESC LIMIT 1) AS more
FROM message_operations /*sqlite: INDEXED BY message_operations_ready */
WHERE account_id = :account_id AND work = 'READY'
ORDER BY last_turn LIMIT 1 /*pg: FOR UPDATE SKIP LOCKED */;

-- name: message_operations.ready
SELECT id FROM message_operations /*sqlite: INDEXED BY message_operations_ready */
WHERE account_id = :account_id AND work = 'READY' ORDER BY last_turn LIMIT 1;

-- name: message_operations.advance
-- The change of each counter. next_id is the first message that was not tried.
UPDATE message_operations
SET status = :status, work = :work, due_at = :due_at, next_id = :next_id, attempts = attempts + :attempts,
    scheduled = scheduled + :scheduled, queued = queued + :queued, sent = sent + :sent, delivered = delivered + :delivered,
    read = read + :read, undelivered = undelivered + :undelivered, failed = failed + :failed,
    canceled = canceled + :canceled, unaddressable = unaddressable + :unaddressable, loads = :loads,
    updated_at = CASE WHEN :now > updated_at THEN :now ELSE updated_at + 1 END
WHERE account_id = :account_id AND id = :operation_id;

-- name: message_operations.move
-- The change of each counter after reports and cancels.
UPDATE message_operations
SET status = :status, work = CASE WHEN :remaining > 0 THEN work ELSE 'DONE' END,
    scheduled = scheduled + :scheduled, queued = queued + :queued, sent = sent + :sent, delivered = delivered + :delivered,
    read = read + :read, undelivered = undelivered + :undelivered, failed = failed + :failed,
    canceled = canceled + :canceled, unaddressable = unaddressable + :unaddressable,
    updated_at = CASE WHEN :now > updated_at THEN :now ELSE updated_at + 1 END
WHERE account_id = :account_id AND id = :operation_id;

-- name: message_operations.set_back
-- Moves an operation behind the account's other operations.
UPDATE message_operations
SET last_turn = own.last_turn + 1
FROM (
    SELECT last_turn FROM message_operations WHERE account_id = :account_id AND work = 'READY'
    ORDER BY last_turn DESC LIMIT 1
) AS own
WHERE account_id = :account_id AND id = :operation_id AND work = 'READY';

-- name: message_operations.first_due
SELECT due_at FROM message_operations /*sqlite: INDEXED BY message_operations_waiting */
WHERE account_id = :account_id AND work = 'WAITS' ORDER BY due_at LIMIT 1;

-- name: message_operations.wake
-- One operation that is due. A scheduled one is now in progress.
UPDATE message_operations
SET work = 'READY', status = 'PROCESSING', last_turn = COALESCE((
        SELECT last_turn FROM message_operations WHERE account_id = :account_id AND work = 'READY'
        ORDER BY last_turn DESC LIMIT 1), 0) + 1,
    updated_at = CASE WHEN status = 'PROCESSING' THEN updated_at WHEN :now > updated_at THEN :now ELSE updated_at + 1 END
WHERE account_id = :account_id AND id = (
    SELECT id FROM message_operations /*sqlite: INDEXED BY message_operations_waiting */
    WHERE account_id = :account_id AND work = 'WAITS' AND due_at <= :now
    ORDER BY due_at LIMIT 1 /*pg: FOR UPDATE SKIP LOCKED */)
RETURNING id;
