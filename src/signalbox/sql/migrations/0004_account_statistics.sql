-- PostgreSQL estimates an account that is younger than the statistics as empty, because the statistics list the older
-- accounts with all rows of the table. So this migration switches the statistics of account_id off: the planner then expects a
-- two hundredth of the table for every account. ALTER COLUMN ... TYPE with the same type drops the statistics that exist, and
-- rebuilds the partial indexes. operation_items keeps its old statistics, because the rebuild would read all items: the
-- statements on this table have only one index to use.
/*pg:
ALTER TABLE api_keys ALTER COLUMN account_id TYPE INTEGER, ALTER COLUMN account_id SET STATISTICS 0;
ALTER TABLE senders ALTER COLUMN account_id TYPE INTEGER, ALTER COLUMN account_id SET STATISTICS 0;
ALTER TABLE sender_counts ALTER COLUMN account_id TYPE INTEGER, ALTER COLUMN account_id SET STATISTICS 0;
ALTER TABLE sender_pools ALTER COLUMN account_id TYPE INTEGER, ALTER COLUMN account_id SET STATISTICS 0;
ALTER TABLE sender_pool_members ALTER COLUMN account_id TYPE INTEGER, ALTER COLUMN account_id SET STATISTICS 0;
ALTER TABLE sender_pool_removals ALTER COLUMN account_id TYPE INTEGER, ALTER COLUMN account_id SET STATISTICS 0;
ALTER TABLE operations ALTER COLUMN account_id TYPE INTEGER, ALTER COLUMN account_id SET STATISTICS 0;
ALTER TABLE operation_items ALTER COLUMN account_id SET STATISTICS 0;
ALTER TABLE queue ALTER COLUMN account_id TYPE INTEGER, ALTER COLUMN account_id SET STATISTICS 0;
ALTER TABLE idempotency_keys ALTER COLUMN account_id TYPE INTEGER, ALTER COLUMN account_id SET STATISTICS 0;
*/
