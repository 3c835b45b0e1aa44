-- PostgreSQL plans an account that is younger than its statistics as if the account had no rows, because they list the
-- accounts that were there and say that nothing is left. So no statistics of this column: an account is then taken for a
-- two hundredth of the table, known or not. Naming the type again, which changes nothing, is how the owner of a table drops
-- statistics that were collected already. It builds partial indexes anew, so operation_items, whose index would be read out
-- of all items, keeps them, old as they get: its statements have one index to use.
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
