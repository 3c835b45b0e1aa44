-- What the sink received. An arrival is an id: it sorts by time, and grows in the order of the commits. Bounds and order by a
-- pair, of which the first is fixed, leave the planner one index to use (docs/decisions/0012).

-- name: inbox.lock
-- Waits for other transactions in which something arrives.
INSERT INTO inbox_arrivals (account_id, newest) VALUES (:account_id, '')
ON CONFLICT (account_id) DO UPDATE SET newest = inbox_arrivals.newest
RETURNING newest;

-- name: inbox.advance
UPDATE inbox_arrivals SET newest = :newest WHERE account_id = :account_id;

-- name: inbox.add
-- rows: a JSON array of [arrival, message_id, downstream_id, channel, from_address, to_address, to_channel, text, folded, content,
-- variables].
-- dialect: sqlite
INSERT INTO inbox (
    account_id, arrival, message_id, downstream_id, operation_id, pool_id, channel, from_address, to_address, to_channel, text,
    folded, content, variables)
SELECT :account_id, value ->> 0, value ->> 1, value ->> 2, :operation_id, :pool_id, value ->> 3, value ->> 4, value ->> 5,
    value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10
FROM json_each(:rows);

-- name: inbox.add
-- dialect: postgres
INSERT INTO inbox (
    account_id, arrival, message_id, downstream_id, operation_id, pool_id, channel, from_address, to_address, to_channel, text,
    folded, content, variables)
SELECT :account_id, r.value ->> 0, r.value ->> 1, r.value ->> 2, :operation_id, :pool_id, r.value ->> 3, r.value ->> 4,
    r.value ->> 5, r.value ->> 6, r.value ->> 7, r.value ->> 8, r.value ->> 9, r.value ->> 10
FROM json_array_elements(CAST(:rows AS json)) AS r (value);

-- name: inbox.fetch
SELECT arrival, message_id, downstream_id, operation_id, pool_id, channel, from_address, to_address, to_channel, text, content,
    variables
FROM inbox WHERE account_id = :account_id AND message_id >= :message_id AND message_id <= :message_id
ORDER BY message_id DESC, arrival DESC LIMIT 1;

-- name: inbox.list_page
-- '' does not filter. contains: a part of the folded text.
SELECT arrival, message_id, downstream_id, operation_id, pool_id, channel, from_address, to_address, to_channel, text, content,
    variables
FROM inbox
WHERE account_id = :account_id AND arrival < :before AND arrival >= :not_before
    AND (channel = :channel OR :channel = '') AND (from_address = :sender OR :sender = '')
    AND (message_id = :message_id OR :message_id = '') AND (operation_id = :operation_id OR :operation_id = '')
    AND (/*pg: strpos(folded, :contains) */ /*sqlite: instr(folded, :contains) */ > 0 OR :contains = '')
ORDER BY arrival DESC LIMIT :limit;

-- name: inbox.list_page_to
-- As list_page, for one recipient; see first.
SELECT i.arrival, i.message_id, i.downstream_id, i.operation_id, i.pool_id, i.channel, i.from_address, i.to_address, i.to_channel,
    i.text, i.content, i.variables
FROM (
    SELECT to_address, arrival FROM inbox
    WHERE account_id = :account_id AND to_address >= :to AND (to_address, arrival) < (:to, :before)
    ORDER BY to_address DESC, arrival DESC /*pg: LIMIT (SELECT CAST(1000000000 AS bigint)) */
) AS page
/*sqlite: JOIN inbox AS i ON i.account_id = :account_id AND i.arrival = page.arrival */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM inbox
    WHERE account_id = :account_id AND arrival >= page.arrival AND arrival <= page.arrival ORDER BY arrival LIMIT 1) AS i */
WHERE page.arrival >= :not_before AND (i.channel = :channel OR :channel = '') AND (i.from_address = :sender OR :sender = '')
    AND (i.message_id = :message_id OR :message_id = '') AND (i.operation_id = :operation_id OR :operation_id = '')
    AND (/*pg: strpos(i.folded, :contains) */ /*sqlite: instr(i.folded, :contains) */ > 0 OR :contains = '')
ORDER BY page.to_address DESC, page.arrival DESC LIMIT :limit;

-- name: inbox.list_page_of_operation
-- As list_page, for one operation: at most 10,000 messages.
SELECT i.arrival, i.message_id, i.downstream_id, i.operation_id, i.pool_id, i.channel, i.from_address, i.to_address, i.to_channel,
    i.text, i.content, i.variables
FROM (
    SELECT operation_id, arrival FROM inbox
    WHERE account_id = :account_id AND operation_id >= :operation_id AND (operation_id, arrival) < (:operation_id, :before)
    ORDER BY operation_id DESC, arrival DESC /*pg: LIMIT (SELECT CAST(1000000000 AS bigint)) */
) AS page
/*sqlite: JOIN inbox AS i ON i.account_id = :account_id AND i.arrival = page.arrival */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM inbox
    WHERE account_id = :account_id AND arrival >= page.arrival AND arrival <= page.arrival ORDER BY arrival LIMIT 1) AS i */
WHERE page.arrival >= :not_before AND (i.channel = :channel OR :channel = '') AND (i.from_address = :sender OR :sender = '')
    AND (i.message_id = :message_id OR :message_id = '') AND (i.operation_id = :operation_id OR :operation_id = '')
    AND (/*pg: strpos(i.folded, :contains) */ /*sqlite: instr(i.folded, :contains) */ > 0 OR :contains = '')
ORDER BY page.operation_id DESC, page.arrival DESC LIMIT :limit;

-- name: inbox.first
-- The oldest items after an arrival. PostgreSQL reads the arrivals in their order and stops when it has found enough. The LIMIT
-- that it does not know keeps it from a sort of all arrivals.
SELECT i.arrival, i.message_id, i.downstream_id, i.operation_id, i.pool_id, i.channel, i.from_address, i.to_address, i.to_channel,
    i.text, i.content, i.variables
FROM (
    SELECT arrival FROM inbox
    WHERE account_id = :account_id AND arrival > :after
    ORDER BY arrival /*pg: LIMIT (SELECT CAST(1000000000 AS bigint)) */
) AS page
/*sqlite: JOIN inbox AS i ON i.account_id = :account_id AND i.arrival = page.arrival */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM inbox
    WHERE account_id = :account_id AND arrival >= page.arrival AND arrival <= page.arrival ORDER BY arrival LIMIT 1) AS i */
WHERE (i.channel = :channel OR :channel = '') AND (i.from_address = :sender OR :sender = '')
    AND (i.message_id = :message_id OR :message_id = '') AND (i.operation_id = :operation_id OR :operation_id = '')
    AND (/*pg: strpos(i.folded, :contains) */ /*sqlite: instr(i.folded, :contains) */ > 0 OR :contains = '')
ORDER BY page.arrival LIMIT :limit;

-- name: inbox.first_to
-- As first, for one recipient.
SELECT i.arrival, i.message_id, i.downstream_id, i.operation_id, i.pool_id, i.channel, i.from_address, i.to_address, i.to_channel,
    i.text, i.content, i.variables
FROM (
    SELECT to_address, arrival FROM inbox
    WHERE account_id = :account_id AND to_address <= :to AND (to_address, arrival) > (:to, :after)
    ORDER BY to_address, arrival /*pg: LIMIT (SELECT CAST(1000000000 AS bigint)) */
) AS page
/*sqlite: JOIN inbox AS i ON i.account_id = :account_id AND i.arrival = page.arrival */
/*pg: CROSS JOIN LATERAL (
    SELECT * FROM inbox
    WHERE account_id = :account_id AND arrival >= page.arrival AND arrival <= page.arrival ORDER BY arrival LIMIT 1) AS i */
WHERE (i.channel = :channel OR :channel = '') AND (i.from_address = :sender OR :sender = '')
    AND (i.message_id = :message_id OR :message_id = '') AND (i.operation_id = :operation_id OR :operation_id = '')
    AND (/*pg: strpos(i.folded, :contains) */ /*sqlite: instr(i.folded, :contains) */ > 0 OR :contains = '')
ORDER BY page.to_address, page.arrival LIMIT :limit;

-- name: inbox.newest
SELECT newest FROM inbox_arrivals WHERE account_id = :account_id;

-- name: inbox.clear
-- Some of the oldest items: one range of the primary key.
DELETE FROM inbox
WHERE account_id = :account_id AND arrival <= (
    SELECT MAX(arrival) FROM (
        SELECT arrival FROM inbox WHERE account_id = :account_id AND arrival <= :until ORDER BY arrival LIMIT :limit) AS first);
