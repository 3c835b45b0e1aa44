-- The operation of one request that sends messages. work: READY when a worker may hand over messages now, WAITS when the next
-- message is due at due_at, DONE when every message was handed over or cancelled. Messages are handed over in the order of their
-- ids; next_id is the first one that was not tried. loads: between two batches, how many recipients each sender has, as JSON
-- (contract section 11, maxLoad). retried_as: the first operation that tried again what failed in this one.
-- table message_operations: by account
CREATE TABLE message_operations (
    account_id INTEGER NOT NULL,
    id TEXT /*pg: COLLATE "C" */ NOT NULL,
    status TEXT /*pg: COLLATE "C" */ NOT NULL,
    work TEXT /*pg: COLLATE "C" */ NOT NULL,
    due_at BIGINT NOT NULL,
    last_turn BIGINT NOT NULL,
    next_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    total INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    scheduled INTEGER NOT NULL,
    queued INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    read INTEGER NOT NULL,
    undelivered INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    canceled INTEGER NOT NULL,
    unaddressable INTEGER NOT NULL,
    request_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    loads TEXT,
    retried_as TEXT /*pg: COLLATE "C" */,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, id),
    CHECK (total = scheduled + queued + sent + delivered + read + undelivered + failed + canceled + unaddressable),
    CHECK (scheduled >= 0 AND queued >= 0 AND sent >= 0 AND delivered >= 0 AND read >= 0 AND undelivered >= 0)
) /*sqlite: WITHOUT ROWID */;

CREATE INDEX message_operations_by_status ON message_operations (account_id, status, id);
CREATE INDEX message_operations_ready ON message_operations (account_id, last_turn) WHERE work = 'READY';
CREATE INDEX message_operations_waiting ON message_operations (account_id, due_at) WHERE work = 'WAITS';

-- What all messages of one operation share, as JSON. A template is stored as its content: later changes do not reach it.
-- defaults is NULL for a content that is no template.
-- table message_contents: by account
CREATE TABLE message_contents (
    account_id INTEGER NOT NULL,
    operation_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    sender TEXT,
    content TEXT NOT NULL,
    defaults TEXT,
    PRIMARY KEY (account_id, operation_id)
) /*sqlite: WITHOUT ROWID */;

-- One message for each recipient. sender_channel is NONE until a sender is chosen. to_address is that of the latest attempt,
-- before any the first; addresses has all as JSON when there are several. error_code is that of the last attempt. retried_as:
-- the operation that has another message for the recipient, because this one failed.
-- table messages: by account
CREATE TABLE messages (
    account_id INTEGER NOT NULL,
    id TEXT /*pg: COLLATE "C" */ NOT NULL,
    operation_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    status TEXT /*pg: COLLATE "C" */ NOT NULL,
    pool_id TEXT /*pg: COLLATE "C" */,
    sender_id TEXT /*pg: COLLATE "C" */,
    sender_channel TEXT /*pg: COLLATE "C" */ NOT NULL,
    sender_address TEXT /*pg: COLLATE "C" */,
    to_address TEXT /*pg: COLLATE "C" */ NOT NULL,
    to_channel TEXT /*pg: COLLATE "C" */ NOT NULL,
    addresses TEXT,
    variables TEXT,
    tags TEXT NOT NULL,
    retry_of TEXT,
    retried_as TEXT /*pg: COLLATE "C" */,
    error_code INTEGER,
    attempts INTEGER NOT NULL,
    scheduled_for BIGINT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, id)
) /*sqlite: WITHOUT ROWID */;

CREATE INDEX messages_of_operation ON messages (account_id, operation_id, id);
CREATE INDEX messages_by_status ON messages (account_id, status, sender_channel, id);
CREATE INDEX messages_in_error ON messages (account_id, operation_id, id) WHERE error_code IS NOT NULL;

-- The tags of messages, written key:value. A message without tags has no row.
-- table message_tags: by account
CREATE TABLE message_tags (
    account_id INTEGER NOT NULL,
    tag TEXT /*pg: COLLATE "C" */ NOT NULL,
    id TEXT /*pg: COLLATE "C" */ NOT NULL,
    PRIMARY KEY (account_id, tag, id)
) /*sqlite: WITHOUT ROWID */;

-- The tries to hand one message over, numbered from 0. downstream_id is the message's id at the connector. kept: 1 when the sender
-- was chosen because it had reached the person before.
-- table message_attempts: by account
CREATE TABLE message_attempts (
    account_id INTEGER NOT NULL,
    message_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    number INTEGER NOT NULL,
    downstream_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    sender_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    channel TEXT /*pg: COLLATE "C" */ NOT NULL,
    address TEXT /*pg: COLLATE "C" */ NOT NULL,
    to_address TEXT /*pg: COLLATE "C" */ NOT NULL,
    to_channel TEXT /*pg: COLLATE "C" */ NOT NULL,
    status TEXT /*pg: COLLATE "C" */ NOT NULL,
    code INTEGER,
    connector TEXT NOT NULL,
    kept INTEGER NOT NULL,
    attempted_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, message_id, number)
) /*sqlite: WITHOUT ROWID */;

CREATE INDEX message_attempts_by_downstream_id ON message_attempts (account_id, downstream_id);

-- Every report that came for a message, those that changed nothing too.
-- table message_receipts: by account
CREATE TABLE message_receipts (
    account_id INTEGER NOT NULL,
    message_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    number INTEGER NOT NULL,
    to_address TEXT /*pg: COLLATE "C" */ NOT NULL,
    to_channel TEXT /*pg: COLLATE "C" */ NOT NULL,
    status TEXT /*pg: COLLATE "C" */ NOT NULL,
    code INTEGER,
    connector TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, message_id, number)
) /*sqlite: WITHOUT ROWID */;

-- What the sink received, in the order of arrival. arrival is an id that sorts by time and grows with each item of the account.
-- content is the rendered content for the item's channel, as JSON; text is what a phone shows of it, and folded is the text as
-- Python's casefold makes it, for searches that mean the same on both databases.
-- table inbox: by account
CREATE TABLE inbox (
    account_id INTEGER NOT NULL,
    arrival TEXT /*pg: COLLATE "C" */ NOT NULL,
    message_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    downstream_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    operation_id TEXT /*pg: COLLATE "C" */,
    pool_id TEXT /*pg: COLLATE "C" */,
    channel TEXT /*pg: COLLATE "C" */ NOT NULL,
    from_address TEXT /*pg: COLLATE "C" */ NOT NULL,
    to_address TEXT /*pg: COLLATE "C" */ NOT NULL,
    to_channel TEXT /*pg: COLLATE "C" */ NOT NULL,
    text TEXT NOT NULL,
    folded TEXT NOT NULL,
    content TEXT,
    variables TEXT,
    PRIMARY KEY (account_id, arrival)
) /*sqlite: WITHOUT ROWID */;

CREATE INDEX inbox_by_message ON inbox (account_id, message_id, arrival);
CREATE INDEX inbox_by_recipient ON inbox (account_id, to_address, arrival);
CREATE INDEX inbox_of_operation ON inbox (account_id, operation_id, arrival);

-- The newest arrival of each account: its row lock makes the order of arrivals the order of commits.
-- table inbox_arrivals: by account
CREATE TABLE inbox_arrivals (
    account_id INTEGER NOT NULL,
    newest TEXT /*pg: COLLATE "C" */ NOT NULL,
    PRIMARY KEY (account_id)
) /*sqlite: WITHOUT ROWID */;

-- Reports that the sink will make later.
-- table sink_reports: by account
CREATE TABLE sink_reports (
    account_id INTEGER NOT NULL,
    due_at BIGINT NOT NULL,
    message_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    status TEXT /*pg: COLLATE "C" */ NOT NULL,
    code INTEGER,
    PRIMARY KEY (account_id, due_at, message_id, status)
) /*sqlite: WITHOUT ROWID */;

-- The sender that last reached a person from a pool ('' for the account's senders). person is a keyed digest of the address.
-- table kept_senders: by account
CREATE TABLE kept_senders (
    account_id INTEGER NOT NULL,
    person TEXT /*pg: COLLATE "C" */ NOT NULL,
    pool_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    sender_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    reached_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, person, pool_id)
) /*sqlite: WITHOUT ROWID */;

-- Who has opted out: of a pool, or of the whole account where pool_id is ''. channel is PHONE or WHATSAPP.
-- table opt_outs: by account
CREATE TABLE opt_outs (
    account_id INTEGER NOT NULL,
    id TEXT /*pg: COLLATE "C" */ NOT NULL,
    address TEXT /*pg: COLLATE "C" */ NOT NULL,
    channel TEXT /*pg: COLLATE "C" */ NOT NULL,
    pool_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, id)
) /*sqlite: WITHOUT ROWID */;

CREATE UNIQUE INDEX opt_outs_by_address ON opt_outs (account_id, address, channel, pool_id);
CREATE INDEX opt_outs_by_channel ON opt_outs (account_id, channel, id);
CREATE INDEX opt_outs_of_pool ON opt_outs (account_id, pool_id, channel, id);

-- As in migration 0004.
/*pg: ALTER TABLE message_operations ALTER COLUMN account_id SET STATISTICS 0; */
/*pg: ALTER TABLE message_contents ALTER COLUMN account_id SET STATISTICS 0; */
/*pg: ALTER TABLE messages ALTER COLUMN account_id SET STATISTICS 0; */
/*pg: ALTER TABLE message_tags ALTER COLUMN account_id SET STATISTICS 0; */
/*pg: ALTER TABLE message_attempts ALTER COLUMN account_id SET STATISTICS 0; */
/*pg: ALTER TABLE message_receipts ALTER COLUMN account_id SET STATISTICS 0; */
/*pg: ALTER TABLE inbox ALTER COLUMN account_id SET STATISTICS 0; */
/*pg: ALTER TABLE inbox_arrivals ALTER COLUMN account_id SET STATISTICS 0; */
/*pg: ALTER TABLE sink_reports ALTER COLUMN account_id SET STATISTICS 0; */
/*pg: ALTER TABLE kept_senders ALTER COLUMN account_id SET STATISTICS 0; */
/*pg: ALTER TABLE opt_outs ALTER COLUMN account_id SET STATISTICS 0; */
