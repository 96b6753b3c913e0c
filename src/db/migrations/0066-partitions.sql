-- The same as in 0060, but whether a partition exists is asked of pg_class by a query: to_regclass() may remember that there
-- was none from before the wait for the lock, and then two processes that start at once would both make it.
CREATE OR REPLACE FUNCTION ensure_transfer_partitions(months_ahead integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET lock_timeout = '30s' AS $$
DECLARE
  first_of_month timestamptz;
  partition_name text;
BEGIN
  FOR i IN 0..months_ahead LOOP
    first_of_month := date_trunc('month', clock_timestamp()) + make_interval(months => i);
    partition_name := 'transfers_' || to_char(first_of_month, 'YYYY_MM');
    CONTINUE WHEN EXISTS (SELECT 1 FROM pg_class WHERE relname = partition_name AND relnamespace = 'public'::regnamespace);
    -- Several processes start at once; one makes the partition, the others wait and find it. Nobody else takes this lock.
    PERFORM set_config('lock_timeout', '30s', true);
    PERFORM pg_advisory_xact_lock(hashtext('ensure_transfer_partitions'));
    CONTINUE WHEN EXISTS (SELECT 1 FROM pg_class WHERE relname = partition_name AND relnamespace = 'public'::regnamespace);
    PERFORM set_config('lock_timeout', '2s', true);
    EXECUTE format('CREATE TABLE public.%I (LIKE transfers INCLUDING ALL)', partition_name);
    -- Triggers for each row come with attaching, those for statements do not.
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
      partition_name || '_is_not_truncated', partition_name);
    EXECUTE format('ALTER TABLE transfers ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
      partition_name, first_of_month, first_of_month + interval '1 month');
  END LOOP;
END $$;
