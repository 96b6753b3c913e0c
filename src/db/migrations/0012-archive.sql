-- Months of transfers that were copied to the archive and left this database.

CREATE TABLE archived_months (
  -- The first day of the month, in UTC.
  month date PRIMARY KEY CHECK (extract(day FROM month) = 1),
  transfers bigint NOT NULL,
  -- What told that the copy is the same: the sums of the amounts and of digests of all rows.
  amount numeric NOT NULL,
  digest numeric NOT NULL,
  archived_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON archived_months TO ppuri_app;

-- Lets a month of transfers go whose copy was found to be the same. It runs with its owner's rights, so that nobody else
-- needs the right to drop anything, and it lets go only of the oldest month, long over, added up, and as large as its copy.
-- It gives up rather than let others queue behind its lock.
CREATE FUNCTION drop_archived_month(first_day date, copied bigint, copied_amount numeric, copied_digest numeric)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
  partition_name text := 'transfers_' || to_char(first_day, 'YYYY_MM');
  found bigint;
BEGIN
  IF first_day + interval '2 months' > now() THEN
    RAISE EXCEPTION 'the month % is too young to leave', first_day;
  END IF;
  IF NOT EXISTS (SELECT FROM reconciliations WHERE through >= first_day + interval '1 month') THEN
    RAISE EXCEPTION 'the month % has not been reconciled', first_day;
  END IF;
  IF EXISTS (SELECT FROM transfers WHERE created_at < first_day) THEN
    RAISE EXCEPTION 'an older month than % is still here', first_day;
  END IF;
  EXECUTE format('SELECT count(*) FROM %I', partition_name) INTO found;
  IF found <> copied THEN
    RAISE EXCEPTION 'the month % has % transfers here and % in the archive', first_day, found, copied;
  END IF;
  EXECUTE format('ALTER TABLE transfers DETACH PARTITION %I', partition_name);
  EXECUTE format('DROP TABLE %I', partition_name);
  INSERT INTO archived_months (month, transfers, amount, digest)
  VALUES (first_day, copied, copied_amount, copied_digest);
END $$;
REVOKE ALL ON FUNCTION drop_archived_month(date, bigint, numeric, numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_archived_month(date, bigint, numeric, numeric) TO ppuri_worker;
