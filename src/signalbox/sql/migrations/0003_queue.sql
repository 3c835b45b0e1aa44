-- One row for each account and kind of work: see queue.sql. turn 0 means that the row has no turn yet. served is the turn of
-- the last unit of work of this kind. attempts is the number of failures in a row. No worker starts the work before due_at.
-- There is no index by turn: the table is small and each unit of work changes a row. Without such an index, PostgreSQL can
-- write the new version of the row to the same page (a heap-only tuple).
-- table queue: by account
CREATE TABLE queue (
    account_id INTEGER NOT NULL,
    kind TEXT /*pg: COLLATE "C" */ NOT NULL,
    turn BIGINT NOT NULL,
    served BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, kind)
) /*sqlite: WITHOUT ROWID */;

-- Work that exists already. A process of the previous version can start work without a row later: see queue.without_row.
INSERT INTO queue (account_id, kind, turn, served, attempts, due_at)
SELECT account_id, 'pool_operations', 0, 0, 0, 0 FROM operations WHERE status = 'PROCESSING' GROUP BY account_id;

INSERT INTO queue (account_id, kind, turn, served, attempts, due_at)
SELECT account_id, 'pool_removals', 0, 0, 0, 0 FROM sender_pool_removals GROUP BY account_id;

-- deleting_at: the time at which the operator started the deletion of the account. The id of a deleted account must never be
-- used again. On SQLite this needs AUTOINCREMENT, and AUTOINCREMENT needs a new table.
/*pg: ALTER TABLE accounts ADD COLUMN deleting_at BIGINT; */

/*sqlite:
CREATE TABLE accounts_of_lasting_ids (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    token_digest BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    deleting_at BIGINT
);

INSERT INTO accounts_of_lasting_ids (id, sid, name, status, token_digest, created_at)
SELECT id, sid, name, status, token_digest, created_at FROM accounts;

DROP TABLE accounts;

ALTER TABLE accounts_of_lasting_ids RENAME TO accounts;
*/
