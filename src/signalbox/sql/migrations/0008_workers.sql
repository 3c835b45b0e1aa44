-- The processes that work on the queue. Each writes its row again while it works, and removes the row when it stops
-- (queue/presence.py). One row for a process, in no account: any worker does the work of any account.
-- table workers: reference
CREATE TABLE workers (
    name TEXT NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
