-- The end of an id is the place of a sender on the ring (routing/spread.py): these indexes find the senders near a recipient's
-- probes. For large tables the release notes have the statements that build the indexes before the upgrade.
-- With region and address, by which most of the senders that are found are left out: the index alone is read.
CREATE INDEX IF NOT EXISTS senders_by_point
ON senders (account_id, channel, status, /*pg: right(id, 8), id */ /*sqlite: substr(id, -8) */, region, address);

-- With sender_id, so that PostgreSQL reads the index alone: otherwise its planner takes sender_pool_members_by_filter.
CREATE INDEX IF NOT EXISTS sender_pool_members_by_point
ON sender_pool_members (
    account_id, pool_id, channel, status, /*pg: right(sender_id, 8), */ /*sqlite: substr(sender_id, -8), */ sender_id);
