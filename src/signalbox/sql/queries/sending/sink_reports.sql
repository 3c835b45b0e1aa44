-- Reports that the sink makes some time after it took a message.

-- name: sink_reports.add
-- rows: a JSON array of [due_at, message_id, status, code].
-- dialect: sqlite
INSERT INTO sink_reports (account_id, due_at, message_id, status, code)
SELECT :account_id, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(:rows);

-- name: sink_reports.add
-- dialect: postgres
INSERT INTO sink_reports (account_id, due_at, message_id, status, code)
SELECT :account_id, CAST(r.value ->> 0 AS bigint), r.value ->> 1, r.value ->> 2, CAST(r.value ->> 3 AS integer)
FROM json_array_elements(CAST(:rows AS json)) AS r (value);

-- name: sink_reports.first_due
SELECT due_at FROM sink_reports WHERE account_id = :account_id ORDER BY due_at, message_id, status LIMIT 1;

-- name: sink_reports.claim
-- The row lock is the claim.
SELECT due_at, message_id, status, code FROM sink_reports
WHERE account_id = :account_id AND due_at <= :now
ORDER BY due_at, message_id, status LIMIT :limit /*pg: FOR UPDATE SKIP LOCKED */;

-- name: sink_reports.done
DELETE FROM sink_reports
WHERE account_id = :account_id AND due_at = :due_at AND message_id = :message_id AND status = :status;
