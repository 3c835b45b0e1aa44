-- A row for each kind of work that an account has waiting: see queue.sql. turn 0 means that the row has no place so far.
-- served is the turn in which this kind was last worked on, attempts how often its last unit of work failed in a row, and
-- due_at the time before which it is not tried. There is no index by turn: the table is small, a row is changed by each unit
-- of work, and without an index to change PostgreSQL keeps the new row on the old one's page.
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

-- Work that waits already. What an older process beside this one starts later has no row either: see queue.without_row.
INSERT INTO queue (account_id, kind, turn, served, attempts, due_at)
SELECT account_id, 'pool_operations', 0, 0, 0, 0 FROM operations WHERE status = 'PROCESSING' GROUP BY account_id;

INSERT INTO queue (account_id, kind, turn, served, attempts, due_at)
SELECT account_id, 'pool_removals', 0, 0, 0, 0 FROM sender_pool_removals GROUP BY account_id;

-- deleting_at: when the operator asked for the deletion of the account. The id of a deleted account must never name another
-- one, which on SQLite takes AUTOINCREMENT, and that a new table.
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
