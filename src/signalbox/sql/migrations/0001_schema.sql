-- Everything of a tenant is keyed by account_id first, so that one index range holds it and the tables can be
-- distributed by it. Ids are text compared as bytes; times are milliseconds since the epoch.

-- Keys made at the first start: one for page tokens, one for digests of secrets.
-- table keyring: reference
CREATE TABLE keyring (
    name TEXT NOT NULL PRIMARY KEY,
    key /*pg: BYTEA */ /*sqlite: BLOB */ NOT NULL
);

-- table accounts: reference
CREATE TABLE accounts (
    id INTEGER /*pg: GENERATED ALWAYS AS IDENTITY */ PRIMARY KEY,
    sid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    token_digest /*pg: BYTEA */ /*sqlite: BLOB */ NOT NULL,
    created_at BIGINT NOT NULL
);

-- table api_keys: reference
CREATE TABLE api_keys (
    sid TEXT NOT NULL PRIMARY KEY,
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    secret_digest /*pg: BYTEA */ /*sqlite: BLOB */ NOT NULL,
    revoked_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE INDEX api_keys_of_account ON api_keys (account_id, sid);

-- region: the country whose numbering plan holds the address, '' where the address is no number.
-- table senders: by account
CREATE TABLE senders (
    account_id INTEGER NOT NULL,
    id TEXT /*pg: COLLATE "C" */ NOT NULL,
    channel TEXT /*pg: COLLATE "C" */ NOT NULL,
    address TEXT /*pg: COLLATE "C" */ NOT NULL,
    region TEXT /*pg: COLLATE "C" */ NOT NULL,
    display_name TEXT,
    status TEXT /*pg: COLLATE "C" */ NOT NULL,
    tags TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, id)
) /*sqlite: WITHOUT ROWID */;

CREATE UNIQUE INDEX senders_by_address ON senders (account_id, channel, address);

CREATE INDEX senders_by_filter ON senders (account_id, channel, status, id);

CREATE INDEX senders_by_region ON senders (account_id, channel, status, region, address);

-- operation_id: the operation that created the pool.
-- table sender_pools: by account
CREATE TABLE sender_pools (
    account_id INTEGER NOT NULL,
    id TEXT /*pg: COLLATE "C" */ NOT NULL,
    operation_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    name TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, id)
) /*sqlite: WITHOUT ROWID */;

CREATE INDEX sender_pools_by_operation ON sender_pools (account_id, operation_id);

-- channel and status repeat the sender's, so that a filtered page of a large pool is one index range.
-- table sender_pool_members: by account
CREATE TABLE sender_pool_members (
    account_id INTEGER NOT NULL,
    pool_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    sender_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    channel TEXT /*pg: COLLATE "C" */ NOT NULL,
    status TEXT /*pg: COLLATE "C" */ NOT NULL,
    PRIMARY KEY (account_id, pool_id, sender_id)
) /*sqlite: WITHOUT ROWID */;

CREATE INDEX sender_pool_members_by_filter ON sender_pool_members (account_id, pool_id, channel, status, sender_id);

-- Without pool_id on purpose: PostgreSQL stores equal keys once, so this index is the cheapest of the three.
CREATE INDEX sender_pool_members_by_sender ON sender_pool_members (account_id, sender_id);

-- The deleted pools whose memberships are not all removed yet.
-- table sender_pool_removals: by account
CREATE TABLE sender_pool_removals (
    account_id INTEGER NOT NULL,
    pool_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    PRIMARY KEY (account_id, pool_id)
) /*sqlite: WITHOUT ROWID */;

-- Items are tried in the order of their index, so created + failed is also the index of the next one to try, and
-- queued is total - created - failed: the counters cannot disagree. turn and last_turn order the work between
-- accounts: see pool_operations.sql. request_id names the request that started the operation in the log lines of its batches.
-- table operations: by account
CREATE TABLE operations (
    account_id INTEGER NOT NULL,
    id TEXT /*pg: COLLATE "C" */ NOT NULL,
    pool_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    status TEXT /*pg: COLLATE "C" */ NOT NULL,
    total INTEGER NOT NULL,
    created INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    turn BIGINT NOT NULL,
    last_turn BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, id),
    CHECK (created >= 0 AND failed >= 0 AND created + failed <= total),
    CHECK (status <> 'COMPLETED' OR created + failed = total)
) /*sqlite: WITHOUT ROWID */;

CREATE INDEX operations_by_status ON operations (account_id, status, id);

CREATE INDEX operations_of_pool ON operations (account_id, pool_id) WHERE status = 'PROCESSING';

CREATE INDEX operations_by_turn ON operations (turn, id) WHERE status = 'PROCESSING';

CREATE INDEX operations_by_last_turn ON operations (account_id, last_turn) WHERE status = 'PROCESSING';

-- outcome is null for an item that is queued or was created, which is nearly all of them: which of the two follows
-- from the operation's counters, so an item that succeeds is never written a second time.
-- table operation_items: by account
CREATE TABLE operation_items (
    account_id INTEGER NOT NULL,
    operation_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    item_index INTEGER NOT NULL,
    sender_id TEXT /*pg: COLLATE "C" */,
    outcome TEXT /*pg: COLLATE "C" */,
    PRIMARY KEY (account_id, operation_id, item_index)
) /*sqlite: WITHOUT ROWID */;

CREATE INDEX operation_items_by_outcome ON operation_items (account_id, operation_id, outcome, item_index)
WHERE outcome IS NOT NULL;

-- The stored responses to requests with an idempotency key, for 24 hours.
-- table idempotency_keys: by account
CREATE TABLE idempotency_keys (
    account_id INTEGER NOT NULL,
    key TEXT /*pg: COLLATE "C" */ NOT NULL,
    fingerprint /*pg: BYTEA */ /*sqlite: BLOB */ NOT NULL,
    operation_id TEXT NOT NULL,
    location TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, key)
) /*sqlite: WITHOUT ROWID */;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
