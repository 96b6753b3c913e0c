-- A month leaves as in migration 0052, and only once all of its transfers are sealed: the seal reads the ledger alone, so what it had
-- not taken by then would never be told, and would be no leaf of the transparency log.
CREATE OR REPLACE FUNCTION release_month(first_day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms' AS $$
DECLARE
  partition_name text := 'transfers_' || to_char(first_day, 'YYYY_MM');
  verified verified_months;
  feed feed_end;
  is_unsealed boolean;
BEGIN
  IF first_day + interval '2 months' > clock_timestamp() THEN
    RAISE EXCEPTION 'the month % is too young to leave', first_day;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM reconciliations WHERE through >= first_day + interval '1 month') THEN
    RAISE EXCEPTION 'the month % has not been reconciled', first_day;
  END IF;
  IF EXISTS (SELECT 1 FROM transfers WHERE created_at < first_day) THEN
    RAISE EXCEPTION 'an older month than % is still here', first_day;
  END IF;
  SELECT * INTO verified FROM verified_months WHERE month = first_day;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the archive has not vouched for its copy of %', first_day;
  END IF;
  EXECUTE format('ALTER TABLE transfers DETACH PARTITION %I', partition_name);
  -- Once it is locked, so that nothing is committed after this was asked.
  SELECT * INTO feed FROM feed_end;
  EXECUTE format('SELECT EXISTS (SELECT FROM %1$I WHERE written_by >= $1) OR EXISTS (SELECT FROM %1$I WHERE written_by = ANY ($2))',
    partition_name) INTO is_unsealed USING feed.next_transaction, feed.in_flight || feed.sealed_by;
  IF is_unsealed THEN
    RAISE EXCEPTION 'the month % has transfers that are not sealed yet', first_day
      USING HINT = 'a worker has to seal them first: docs/runbooks/seal-late.md';
  END IF;
  EXECUTE format('DROP TABLE %I', partition_name);
  INSERT INTO archived_months (month, transfers, amount, sha256)
  VALUES (first_day, verified.transfers, verified.amount, verified.digest);
END $$;
