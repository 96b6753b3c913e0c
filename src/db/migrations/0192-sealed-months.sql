-- Whether the feed has every transfer of a month, by the index alone: release_month asks while it holds the table of transfers, where
-- reading a month from end to end would stop every call.
CREATE FUNCTION month_is_sealed(first_day date) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
  feed feed_end;
  is_sealed boolean;
BEGIN
  SELECT * INTO feed FROM feed_end;
  -- By its name, because release_month has taken it out of the table by then.
  EXECUTE format(
    'SELECT NOT EXISTS (SELECT FROM %1$I WHERE written_by >= $1) AND NOT EXISTS (SELECT FROM %1$I WHERE written_by = ANY ($2))',
    'transfers_' || to_char(first_day, 'YYYY_MM'))
  INTO is_sealed USING feed.next_transaction, feed.in_flight || feed.sealed_by;
  RETURN is_sealed;
END $$;
REVOKE ALL ON FUNCTION month_is_sealed(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION month_is_sealed(date) TO ppuri_worker;

-- As in migration 0191.
CREATE OR REPLACE FUNCTION release_month(first_day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms' AS $$
DECLARE
  partition_name text := 'transfers_' || to_char(first_day, 'YYYY_MM');
  verified verified_months;
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
  IF NOT month_is_sealed(first_day) THEN
    RAISE EXCEPTION 'the month % has transfers that are not sealed yet', first_day
      USING HINT = 'a worker has to seal them first: docs/runbooks/seal-late.md';
  END IF;
  EXECUTE format('DROP TABLE %I', partition_name);
  INSERT INTO archived_months (month, transfers, amount, sha256)
  VALUES (first_day, verified.transfers, verified.amount, verified.digest);
END $$;
