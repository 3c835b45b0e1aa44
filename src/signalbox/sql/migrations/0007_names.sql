-- What people search by. name_key is the folded name (inventory/names.py); '' or NULL until the row is written again, for rows of
-- processes of the previous version. Indexes by the end of an id: people copy the last characters.
ALTER TABLE sender_pools ADD COLUMN name_key TEXT /*pg: COLLATE "C" */ NOT NULL DEFAULT '';
ALTER TABLE senders ADD COLUMN name_key TEXT /*pg: COLLATE "C" */;

UPDATE sender_pools SET name_key = lower(substr(name, 1, 200));
UPDATE senders SET name_key = lower(substr(display_name, 1, 200)) WHERE display_name IS NOT NULL;

CREATE INDEX sender_pools_by_name ON sender_pools (account_id, name_key, id);
CREATE INDEX senders_by_name ON senders (account_id, name_key, id) WHERE name_key IS NOT NULL;
CREATE INDEX sender_pools_by_ending ON sender_pools (account_id, /*pg: right(id, 4) */ /*sqlite: substr(id, -4) */);
CREATE INDEX senders_by_ending ON senders (account_id, /*pg: right(id, 4) */ /*sqlite: substr(id, -4) */);

-- The tags of senders and pools, written key:value, in numbered slots: a change of tags overwrites slots, and a slot that is
-- no longer used has no tag. So no statement deletes a list of rows, which PostgreSQL would find by a scan (docs/decisions/0012).
-- table tagged: by account
CREATE TABLE tagged (
    account_id INTEGER NOT NULL,
    id TEXT /*pg: COLLATE "C" */ NOT NULL,
    slot INTEGER NOT NULL,
    tag TEXT /*pg: COLLATE "C" */,
    PRIMARY KEY (account_id, id, slot)
) /*sqlite: WITHOUT ROWID */;

CREATE INDEX tagged_by_tag ON tagged (account_id, tag, id) WHERE tag IS NOT NULL;

INSERT INTO tagged (account_id, id, slot, tag)
SELECT owner.account_id, owner.id, ROW_NUMBER() OVER (PARTITION BY owner.account_id, owner.id ORDER BY t.key) - 1, t.key || ':' || t.value
FROM sender_pools AS owner
CROSS JOIN /*pg: json_each_text(CAST(owner.tags AS json)) */ /*sqlite: json_each(owner.tags) */ AS t;
INSERT INTO tagged (account_id, id, slot, tag)
SELECT owner.account_id, owner.id, ROW_NUMBER() OVER (PARTITION BY owner.account_id, owner.id ORDER BY t.key) - 1, t.key || ':' || t.value
FROM senders AS owner
CROSS JOIN /*pg: json_each_text(CAST(owner.tags AS json)) */ /*sqlite: json_each(owner.tags) */ AS t;

-- The number of members of a pool, by channel: every change of memberships moves these numbers in its own transaction.
-- table sender_pool_counts: by account
CREATE TABLE sender_pool_counts (
    account_id INTEGER NOT NULL,
    pool_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    channel TEXT /*pg: COLLATE "C" */ NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (account_id, pool_id, channel)
) /*sqlite: WITHOUT ROWID */;

-- The lock prevents changes of memberships between the count and the end of this migration.
/*pg: LOCK TABLE sender_pool_members IN SHARE ROW EXCLUSIVE MODE; */
INSERT INTO sender_pool_counts (account_id, pool_id, channel, number)
SELECT account_id, pool_id, channel, COUNT(*) FROM sender_pool_members GROUP BY account_id, pool_id, channel;

-- As in migration 0004.
/*pg: ALTER TABLE tagged ALTER COLUMN account_id SET STATISTICS 0; */
/*pg: ALTER TABLE sender_pool_counts ALTER COLUMN account_id SET STATISTICS 0; */
