-- On PostgreSQL the planner may estimate an account as empty when the account is younger than the statistics. The odd forms
-- leave the planner one index to use (docs/decisions/0012):
-- * bounds and order by a pair, such as (operation_id, id), of which the first is fixed: only one index has this order.
-- * `id >= x AND id <= x ORDER BY id LIMIT 1` in LATERAL: one lookup for each row of a batch or page.
-- * INSERT ... ON CONFLICT (key) instead of UPDATE ... FROM: the key names the index.

-- name: messages.insert
-- rows: a JSON array of [id, status, address, channel, addresses, variables, tags, due].
-- dialect: sqlite
INSERT INTO messages (
    account_id, id, operation_id, status, pool_id, sender_channel, to_address, to_channel, addresses, variables, tags, retry_of,
    attempts, scheduled_for, updated_at)
SELECT :account_id, value ->> 0, :operation_id, value ->> 1, :pool_id, 'NONE', value ->> 2, value ->> 3, value ->> 4,
    value ->> 5, value ->> 6, :retry_of, 0, value ->> 7, :now
FROM json_each(:rows);

-- name: messages.insert
-- dialect: postgres
INSERT INTO messages (
    account_id, id, operation_id, status, pool_id, sender_channel, to_address, to_channel, addresses, variables, tags, retry_of,
    attempts, scheduled_for, updated_at)
SELECT :account_id, r.value ->> 0, :operation_id, r.value ->> 1, :pool_id, 'NONE', r.value ->> 2, r.value ->> 3, r.value ->> 4,
    r.value ->> 5, r.value ->> 6, :retry_of, 0, CAST(r.value ->> 7 AS bigint), :now
FROM json_array_elements(CAST(:rows AS json)) AS r (value);

-- name: messages.tag
-- rows: a JSON array of [id, tag].
-- dialect: sqlite
INSERT INTO message_tags (account_id, tag, id) SELECT :account_id, value ->> 1, value ->> 0 FROM json_each(:rows);

-- name: messages.tag
-- dialect: postgres
INSERT INTO message_tags (account_id, tag, id)
SELECT :account_id, r.value ->> 1, r.value ->> 0 FROM json_array_elements(CAST(:rows AS json)) AS r (value);

-- name: messages.receive
-- An inbound message: it came to the sender, from the address.
INSERT INTO messages (
    account_id, id, operation_id, status, pool_id, sender_id, sender_channel, sender_address, to_address, to_channel, tags,
    attempts, updated_at)
VALUES (
    :account_id, :message_id, '', 'INBOUND', :pool_id, :sender_id, :sender_channel, :sender_address, :address, :channel, '{}',
    0, :now);

-- name: messages.other_channels
-- A channel other than SMS that senders of a pool have.
SELECT channel FROM sender_pool_counts
WHERE account_id = :account_id AND pool_id = :pool_id AND channel IN ('RCS', 'WHATSAPP') AND number > 0
LIMIT 1;

-- name: messages.fetch
SELECT id, operation_id, status, pool_id, sender_id, sender_channel, sender_address, to_address, to_channel, tags, retry_of,
    scheduled_for, updated_at, error_code, attempts, addresses, variables
FROM messages WHERE account_id = :account_id AND id = :message_id;

-- name: messages.attempts
SELECT message_id, number, downstream_id, sender_id, channel, address, to_address, to_channel, status, code, connector,
    kept, attempted_at, updated_at
FROM message_attempts WHERE account_id = :account_id AND message_id = :message_id ORDER BY number;

-- name: messages.seek
SELECT message_id FROM message_attempts WHERE account_id = :account_id AND downstream_id = :downstream_id;

-- name: messages.list_page
SELECT id, operation_id, status, pool_id, sender_id, sender_channel, sender_address, to_address, to_channel, tags, retry_of,
    scheduled_for, updated_at, error_code, attempts, addresses, variables
FROM messages
WHERE account_id = :account_id AND id < :before AND id >= :not_before
ORDER BY id DESC LIMIT :limit;

-- name: messages.list_page_by_status
-- Merges one bounded index range for each channel, so that one index is enough for all filters.
SELECT m.id, m.operation_id, m.status, m.pool_id, m.sender_id, m.sender_channel, m.sender_address, m.to_address, m.to_channel,
    m.tags, m.retry_of, m.scheduled_for, m.updated_at, m.error_code, m.attempts, m.addresses, m.variables
FROM (
    /*each channel in NONE SMS RCS WHATSAPP:
    SELECT id FROM (
        SELECT id FROM messages
        WHERE account_id = :account_id AND status = :status AND sender_channel >= <channel>
            AND (sender_channel, id) < (<channel>, :before)
        ORDER BY sender_channel DESC, id DESC LIMIT :limit) AS one */
    ORDER BY id DESC LIMIT :limit
) AS page
/*sqlite: JOIN messages AS m ON m.account_id = :account_id AND m.id = page.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM messages
    WHERE account_id = :account_id AND id >= page.id AND id <= page.id ORDER BY id LIMIT 1) AS m */
WHERE page.id >= :not_before
ORDER BY page.id DESC;

-- name: messages.list_page_by_channel
-- As list_page_by_status, with one range for each status.
SELECT m.id, m.operation_id, m.status, m.pool_id, m.sender_id, m.sender_channel, m.sender_address, m.to_address, m.to_channel,
    m.tags, m.retry_of, m.scheduled_for, m.updated_at, m.error_code, m.attempts, m.addresses, m.variables
FROM (
    /*each status in SCHEDULED QUEUED SENT DELIVERED READ UNDELIVERED FAILED CANCELED INBOUND:
    SELECT id FROM (
        SELECT id FROM messages
        WHERE account_id = :account_id AND status = <status> AND sender_channel >= :channel
            AND (sender_channel, id) < (:channel, :before)
        ORDER BY sender_channel DESC, id DESC LIMIT :limit) AS one */
    ORDER BY id DESC LIMIT :limit
) AS page
/*sqlite: JOIN messages AS m ON m.account_id = :account_id AND m.id = page.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM messages
    WHERE account_id = :account_id AND id >= page.id AND id <= page.id ORDER BY id LIMIT 1) AS m */
WHERE page.id >= :not_before
ORDER BY page.id DESC;

-- name: messages.list_page_by_status_and_channel
SELECT m.id, m.operation_id, m.status, m.pool_id, m.sender_id, m.sender_channel, m.sender_address, m.to_address, m.to_channel,
    m.tags, m.retry_of, m.scheduled_for, m.updated_at, m.error_code, m.attempts, m.addresses, m.variables
FROM (
    SELECT id FROM messages
    WHERE account_id = :account_id AND status = :status AND sender_channel >= :channel
        AND (sender_channel, id) < (:channel, :before)
    ORDER BY sender_channel DESC, id DESC LIMIT :limit
) AS page
/*sqlite: JOIN messages AS m ON m.account_id = :account_id AND m.id = page.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM messages
    WHERE account_id = :account_id AND id >= page.id AND id <= page.id ORDER BY id LIMIT 1) AS m */
WHERE page.id >= :not_before
ORDER BY page.id DESC;

-- name: messages.list_page_of_operation
-- An operation has at most 10,000 messages. '' does not filter. PostgreSQL reads the ids in their order and stops when the page
-- is full. The LIMIT that it does not know keeps it from a sort of all ids.
SELECT m.id, m.operation_id, m.status, m.pool_id, m.sender_id, m.sender_channel, m.sender_address, m.to_address, m.to_channel,
    m.tags, m.retry_of, m.scheduled_for, m.updated_at, m.error_code, m.attempts, m.addresses, m.variables
FROM (
    SELECT operation_id, id FROM messages
    WHERE account_id = :account_id AND operation_id >= :operation_id AND (operation_id, id) < (:operation_id, :before)
    ORDER BY operation_id DESC, id DESC /*pg: LIMIT (SELECT CAST(1000000000 AS bigint)) */
) AS page
/*sqlite: JOIN messages AS m ON m.account_id = :account_id AND m.id = page.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM messages
    WHERE account_id = :account_id AND id >= page.id AND id <= page.id ORDER BY id LIMIT 1) AS m */
WHERE page.id >= :not_before AND (m.status = :status OR :status = '') AND (m.sender_channel = :channel OR :channel = '')
ORDER BY page.operation_id DESC, page.id DESC LIMIT :limit;

-- name: messages.list_page_by_tag
-- tag: one of the tags; others: the others, as a JSON array. '' does not filter.
SELECT m.id, m.operation_id, m.status, m.pool_id, m.sender_id, m.sender_channel, m.sender_address, m.to_address, m.to_channel,
    m.tags, m.retry_of, m.scheduled_for, m.updated_at, m.error_code, m.attempts, m.addresses, m.variables
FROM message_tags AS t
/*sqlite: CROSS JOIN messages AS m ON m.account_id = :account_id AND m.id = t.id */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM messages
    WHERE account_id = :account_id AND id >= t.id AND id <= t.id ORDER BY id LIMIT 1) AS m */
WHERE t.account_id = :account_id AND t.tag >= :tag AND (t.tag, t.id) < (:tag, :before) AND t.id >= :not_before
    AND (m.status = :status OR :status = '') AND (m.sender_channel = :channel OR :channel = '')
    AND (m.operation_id = :operation_id OR :operation_id = '')
    AND NOT EXISTS (
        SELECT 1
        FROM /*pg: json_array_elements_text(CAST(:others AS json)) AS other (value) */ /*sqlite: json_each(:others) AS other */
        WHERE NOT EXISTS (
            SELECT 1 FROM message_tags AS x
            WHERE x.account_id = :account_id AND x.tag = other.value AND x.id >= t.id AND x.id <= t.id
            /*pg: ORDER BY x.id OFFSET 0 */))
ORDER BY t.tag DESC, t.id DESC LIMIT :limit;

-- name: messages.list_errors
SELECT id, operation_id, status, pool_id, sender_id, sender_channel, sender_address, to_address, to_channel, tags, retry_of,
    scheduled_for, updated_at, error_code, attempts, addresses, variables
FROM messages
WHERE account_id = :account_id AND operation_id >= :operation_id AND (operation_id, id) < (:operation_id, :before)
    AND id >= :not_before AND error_code IS NOT NULL
ORDER BY operation_id DESC, id DESC LIMIT :limit;

-- name: messages.unsuccessful
-- Those of an operation that failed or were not delivered and were not retried, in the order of their ids: at most 10,000.
SELECT id, operation_id, status, pool_id, sender_id, sender_channel, sender_address, to_address, to_channel, tags, retry_of,
    scheduled_for, updated_at, error_code, attempts, addresses, variables
FROM messages
WHERE account_id = :account_id AND operation_id = :operation_id AND error_code IS NOT NULL
    AND status || '' IN ('FAILED', 'UNDELIVERED') AND retried_as IS NULL
ORDER BY operation_id, id;

-- name: messages.set_retried
-- All that `unsuccessful` returns. The caller has locked the operation, so there are no others.
UPDATE messages SET retried_as = :retried_as
WHERE account_id = :account_id AND operation_id = :operation_id AND error_code IS NOT NULL
    AND status || '' IN ('FAILED', 'UNDELIVERED') AND retried_as IS NULL;

-- name: messages.list_receipts
SELECT number, to_address, to_channel, status, code, connector, created_at
FROM message_receipts
WHERE account_id = :account_id AND message_id = :message_id AND number >= :first
ORDER BY number LIMIT :limit;

-- name: messages.recipients
-- All recipients of an operation, which has 10,000 at most.
SELECT addresses, to_address, to_channel FROM messages WHERE account_id = :account_id AND operation_id = :operation_id;

-- name: messages.batch
-- The next messages of an operation whose row is locked, in the order of their ids.
SELECT id, status, addresses, to_address, to_channel, variables, scheduled_for
FROM messages
WHERE account_id = :account_id AND operation_id <= :operation_id AND (operation_id, id) >= (:operation_id, :next_id)
ORDER BY operation_id, id LIMIT :limit;

-- name: messages.record
-- rows: a JSON array of [id, status, sender_id, sender_channel, sender_address, to_address, to_channel, error_code, attempts].
-- Without MATERIALIZED, SQLite would scan all messages of the account, and search the array for each message.
-- dialect: sqlite
WITH r AS MATERIALIZED (
    SELECT value ->> 0 AS id, value ->> 1 AS status, value ->> 2 AS sender_id, value ->> 3 AS sender_channel,
        value ->> 4 AS sender_address, value ->> 5 AS to_address, value ->> 6 AS to_channel, value ->> 7 AS error_code,
        value ->> 8 AS attempts
    FROM json_each(:rows))
UPDATE messages
SET status = r.status, sender_id = r.sender_id, sender_channel = r.sender_channel, sender_address = r.sender_address,
    to_address = r.to_address, to_channel = r.to_channel, error_code = r.error_code, attempts = r.attempts,
    updated_at = CASE WHEN :now > updated_at THEN :now ELSE updated_at + 1 END
FROM r WHERE messages.account_id = :account_id AND messages.id = r.id;

-- name: messages.record
-- dialect: postgres
INSERT INTO messages (
    account_id, id, operation_id, status, sender_id, sender_channel, sender_address, to_address, to_channel, tags, error_code,
    attempts, updated_at)
SELECT :account_id, m.id, m.operation_id, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5,
    r.value ->> 6, m.tags, CAST(r.value ->> 7 AS integer), CAST(r.value ->> 8 AS integer),
    CASE WHEN :now > m.updated_at THEN :now ELSE m.updated_at + 1 END
FROM json_array_elements(CAST(:rows AS json)) AS r (value) CROSS JOIN LATERAL (
    SELECT id, operation_id, tags, updated_at FROM messages
    WHERE account_id = :account_id AND id >= r.value ->> 0 AND id <= r.value ->> 0 ORDER BY id LIMIT 1) AS m
ON CONFLICT (account_id, id) DO UPDATE SET status = excluded.status, sender_id = excluded.sender_id,
    sender_channel = excluded.sender_channel, sender_address = excluded.sender_address, to_address = excluded.to_address,
    to_channel = excluded.to_channel, error_code = excluded.error_code, attempts = excluded.attempts,
    updated_at = excluded.updated_at;

-- name: messages.add_attempts
-- rows: a JSON array of [message_id, number, downstream_id, sender_id, channel, address, to_address, to_channel, status, code,
-- kept].
-- dialect: sqlite
INSERT INTO message_attempts (
    account_id, message_id, number, downstream_id, sender_id, channel, address, to_address, to_channel, status, code, kept,
    connector, attempted_at, updated_at)
SELECT :account_id, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9, value ->> 10, :connector, :now, :now
FROM json_each(:rows);

-- name: messages.add_attempts
-- dialect: postgres
INSERT INTO message_attempts (
    account_id, message_id, number, downstream_id, sender_id, channel, address, to_address, to_channel, status, code, kept,
    connector, attempted_at, updated_at)
SELECT :account_id, r.value ->> 0, CAST(r.value ->> 1 AS integer), r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5,
    r.value ->> 6, r.value ->> 7, r.value ->> 8, CAST(r.value ->> 9 AS integer), CAST(r.value ->> 10 AS integer), :connector,
    :now, :now
FROM json_array_elements(CAST(:rows AS json)) AS r (value);

-- name: messages.add_receipts
-- rows: a JSON array of [message_id, number, to_address, to_channel, status, code].
-- dialect: sqlite
INSERT INTO message_receipts (account_id, message_id, number, to_address, to_channel, status, code, connector, created_at)
SELECT :account_id, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, :connector, :now
FROM json_each(:rows);

-- name: messages.add_receipts
-- dialect: postgres
INSERT INTO message_receipts (account_id, message_id, number, to_address, to_channel, status, code, connector, created_at)
SELECT :account_id, r.value ->> 0, CAST(r.value ->> 1 AS integer), r.value ->> 2, r.value ->> 3, r.value ->> 4,
    CAST(r.value ->> 5 AS integer), :connector, :now
FROM json_array_elements(CAST(:rows AS json)) AS r (value);

-- name: messages.receipts_so_far
SELECT COUNT(*) FROM message_receipts WHERE account_id = :account_id AND message_id = :message_id;

-- name: messages.report
-- A report changes the message and its last attempt; the caller has locked the operation.
UPDATE messages
SET status = :status, error_code = :code, updated_at = CASE WHEN :now > updated_at THEN :now ELSE updated_at + 1 END
WHERE account_id = :account_id AND id = :message_id;

-- name: messages.report_attempt
UPDATE message_attempts
SET status = :status, code = :code, updated_at = CASE WHEN :now > updated_at THEN :now ELSE updated_at + 1 END
WHERE account_id = :account_id AND message_id = :message_id AND number = :number;

-- name: messages.cancel_operation
-- Messages that were not handed over. status || '' keeps the planner from the index with the status, in which all messages of
-- the account that wait are.
UPDATE messages
SET status = 'CANCELED', updated_at = CASE WHEN :now > updated_at THEN :now ELSE updated_at + 1 END
WHERE account_id = :account_id AND operation_id = :operation_id AND status || '' IN ('SCHEDULED', 'QUEUED');

-- name: messages.cancel
UPDATE messages
SET status = 'CANCELED', updated_at = CASE WHEN :now > updated_at THEN :now ELSE updated_at + 1 END
WHERE account_id = :account_id AND id = :message_id;
