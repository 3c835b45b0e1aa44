-- How many senders an account has, by channel and status: every change of the inventory moves these numbers in its own
-- transaction (see senders.count), so that no request counts a million senders.
-- table sender_counts: by account
CREATE TABLE sender_counts (
    account_id INTEGER NOT NULL,
    channel TEXT /*pg: COLLATE "C" */ NOT NULL,
    status TEXT /*pg: COLLATE "C" */ NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (account_id, channel, status)
) /*sqlite: WITHOUT ROWID */;

-- The lock prevents changes of senders between the count and the end of this migration.
/*pg: LOCK TABLE senders IN SHARE ROW EXCLUSIVE MODE; */
INSERT INTO sender_counts (account_id, channel, status, number)
SELECT account_id, channel, status, COUNT(*) FROM senders GROUP BY account_id, channel, status;

-- The operations in which something failed: few, so nearly no operation is ever written here. By their time, which orders
-- them as their ids do: no other index can be mistaken for a way to find them.
CREATE INDEX operations_with_failures ON operations (account_id, created_at, id) WHERE failed > 0;
