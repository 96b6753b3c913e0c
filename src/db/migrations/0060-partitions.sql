-- Months of transfers come and go without anybody waiting for them.

-- Makes the month's partition of transfers for this month and as many ahead; those that exist stay as they are. Each is
-- made apart and attached: that needs a lock which neither reads nor writes wait for, while CREATE TABLE … PARTITION OF
-- would lock the whole table, and everybody would queue behind it as long as one long reader stays. The table is empty,
-- so attaching has nothing to check. Where even that lock is not free at once, it fails and is to be tried again.
-- It runs with its owner's rights, so that the server can call it without owning the table.
CREATE OR REPLACE FUNCTION ensure_transfer_partitions(months_ahead integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET lock_timeout = '2s' AS $$
DECLARE
  first_of_month timestamptz;
  partition_name text;
BEGIN
  FOR i IN 0..months_ahead LOOP
    first_of_month := date_trunc('month', clock_timestamp()) + make_interval(months => i);
    partition_name := 'transfers_' || to_char(first_of_month, 'YYYY_MM');
    CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
    -- Several processes start at once; one makes the partition, the others find it.
    PERFORM pg_advisory_xact_lock(hashtext('ensure_transfer_partitions'));
    CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
    EXECUTE format('CREATE TABLE %I (LIKE transfers INCLUDING ALL)', partition_name);
    -- Triggers for each row come with attaching, those for statements do not.
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
      partition_name || '_is_not_truncated', partition_name);
    EXECUTE format('ALTER TABLE transfers ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
      partition_name, first_of_month, first_of_month + interval '1 month');
  END LOOP;
END $$;

-- Detaching a month does lock the whole table, and outside of the owner's hands it cannot be done concurrently. So it
-- gives up sooner than anybody who queues behind it would notice, and is tried again.
ALTER FUNCTION drop_archived_month(date, bigint, numeric, numeric) SET lock_timeout = '200ms';
