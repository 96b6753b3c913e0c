-- Which transaction wrote a transfer. Moments do not say what is settled: a commit that waits for a synchronous standby
-- shows transfers that carry an old moment long after. What a transaction below a snapshot's xmin wrote is all there or never
-- will be. Transfers of before this migration have none; they were all committed when it got its lock. The number is
-- that of pg_current_xact_id(), which does not wrap, as a bigint, because BRIN has no operators for xid8.
ALTER TABLE transfers ADD COLUMN written_by bigint;
ALTER TABLE transfers ALTER COLUMN written_by SET DEFAULT (pg_current_xact_id()::text::bigint);
-- Transfers of transactions below this one are in the checkpoints, and no others.
ALTER TABLE reconciliations ADD COLUMN settled_below bigint;
