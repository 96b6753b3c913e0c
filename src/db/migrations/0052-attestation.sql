-- A month leaves the ledger only where the archive itself vouches for its copy. The worker carries the words of the one
-- database to the other and could lie, so the archive signs them: an HMAC (RFC 2104) with SHA-256, under a secret that only
-- functions of the two owners read. `npm run migrate` puts it into both databases.
CREATE TABLE archive_secret (
  is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
  -- The key, filled up to a block of 64 bytes, XOR 0x36 and XOR 0x5c.
  inner_pad bytea NOT NULL CHECK (length(inner_pad) = 64),
  outer_pad bytea NOT NULL CHECK (length(outer_pad) = 64)
);

-- Months whose copies were found to be the same. Transfers never change, so what was true stays true.
CREATE TABLE verified_months (
  -- The first day of the month, in UTC.
  month date PRIMARY KEY,
  transfers bigint NOT NULL,
  amount numeric NOT NULL,
  digest bytea NOT NULL,
  verified_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE archived_months ALTER COLUMN digest DROP NOT NULL;
-- SHA-256 over all rows of the month, which took the place of the sum of parts of MD5.
ALTER TABLE archived_months ADD COLUMN sha256 bytea;

-- Count, sum and digest of the rows that a query returns as (created_at, id, content, amount). The digest is SHA-256 over the
-- digests of each hour, and those are over the digests of the rows, all in the order of time: it depends on every column
-- of every row, and nobody can make other rows with the same one.
CREATE FUNCTION measure_month(source regclass, first_day date, OUT transfers bigint, OUT amount numeric, OUT digest bytea)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
BEGIN
  EXECUTE format($query$
    WITH hours AS (
      SELECT count(*) AS transfers, sum(t.amount) AS amount, date_trunc('hour', t.created_at) AS hour,
        sha256(string_agg(sha256(convert_to(to_jsonb(t)::text, 'UTF8')), ''::bytea ORDER BY t.created_at, t.id)) AS digest
      FROM %s t WHERE t.created_at >= $1 AND t.created_at < $1 + interval '1 month'
      GROUP BY date_trunc('hour', t.created_at))
    SELECT coalesce(sum(transfers), 0), coalesce(sum(amount), 0),
      sha256(coalesce(string_agg(digest, ''::bytea ORDER BY hour), ''::bytea)) FROM hours
    $query$, source)
  INTO transfers, amount, digest USING first_day::timestamptz;
END $$;
REVOKE ALL ON FUNCTION measure_month(regclass, date) FROM PUBLIC;

-- Whether the copy of a month is the same as the original; where it is, that is noted. Refuses words that the archive did
-- not sign.
CREATE FUNCTION verify_archived_month(first_day date, copied bigint, copied_amount numeric, copied_digest bytea,
  signature bytea)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
  secret archive_secret;
  expected bytea;
  original record;
BEGIN
  SELECT * INTO secret FROM archive_secret;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the two databases share no secret; run npm run migrate with ARCHIVE_DATABASE_URL';
  END IF;
  expected := sha256(secret.outer_pad || sha256(secret.inner_pad || convert_to(
    concat_ws('|', 'month', first_day, copied, copied_amount, encode(copied_digest, 'hex')), 'UTF8')));
  -- Digests are compared and not the signatures, so the time it takes tells nothing of the right one.
  IF signature IS NULL OR sha256(signature) <> sha256(expected) THEN
    RAISE EXCEPTION 'the archive did not sign this of %', first_day USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT * INTO original FROM measure_month(('transfers_' || to_char(first_day, 'YYYY_MM'))::regclass, first_day);
  IF (copied, copied_amount, copied_digest) IS DISTINCT FROM (original.transfers, original.amount, original.digest) THEN
    RETURN false;
  END IF;
  INSERT INTO verified_months (month, transfers, amount, digest)
  VALUES (first_day, copied, copied_amount, copied_digest) ON CONFLICT (month) DO NOTHING;
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION verify_archived_month(date, bigint, numeric, bytea, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION verify_archived_month(date, bigint, numeric, bytea, bytea) TO ppuri_worker;

-- Lets a verified month go: the oldest, long over and reconciled. It takes the place of drop_archived_month, which believed
-- the worker. It gives up rather than let others queue behind its lock, and is to be tried again.
CREATE FUNCTION release_month(first_day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
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
  EXECUTE format('DROP TABLE %I', partition_name);
  INSERT INTO archived_months (month, transfers, amount, sha256)
  VALUES (first_day, verified.transfers, verified.amount, verified.digest);
END $$;
REVOKE ALL ON FUNCTION release_month(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION release_month(date) TO ppuri_worker;
REVOKE ALL ON FUNCTION drop_archived_month(date, bigint, numeric, numeric) FROM ppuri_worker;

-- What may be purged is old, whatever the worker says: a key a month after its end, a sprinkle a day after it was made.
CREATE OR REPLACE FUNCTION purge_api_keys(ended_before timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  gone integer;
BEGIN
  DELETE FROM api_keys
  WHERE least(revoked_at, expires_at) < least(ended_before, clock_timestamp() - interval '30 days');
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$;
CREATE OR REPLACE FUNCTION purge_sprinkles(made_before timestamptz, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  old_ids uuid[];
BEGIN
  old_ids := ARRAY(SELECT id FROM sprinkles
    WHERE created_at < least(made_before, clock_timestamp() - interval '1 day') AND closed_at IS NOT NULL
    LIMIT at_most FOR UPDATE SKIP LOCKED);
  DELETE FROM sprinkle_tokens WHERE sprinkle_id = ANY (old_ids);
  DELETE FROM sprinkle_claims WHERE sprinkle_id = ANY (old_ids);
  DELETE FROM sprinkles WHERE id = ANY (old_ids);
  RETURN cardinality(old_ids);
END $$;
