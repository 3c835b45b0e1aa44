-- A short code or an alphanumeric id is another sender in each country. Any other address is one sender, whatever its region:
-- the program, which enters rows under a lock of the account, keeps that rule. For a large table the release notes have the
-- statement that builds the index before the upgrade. The version before this one finds its addresses by this index as well.
CREATE UNIQUE INDEX IF NOT EXISTS senders_by_address_and_region ON senders (account_id, channel, address, region);

DROP INDEX senders_by_address;
