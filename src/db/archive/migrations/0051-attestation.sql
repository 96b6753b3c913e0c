-- The archive vouches for its copies: it measures a month by its own rows and signs what it finds, so that the ledger need
-- not believe who carries it over (migration 0052 of the ledger).
CREATE TABLE archive_secret (
  is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
  -- The key of the HMAC (RFC 2104), filled up to a block of 64 bytes, XOR 0x36 and XOR 0x5c.
  inner_pad bytea NOT NULL CHECK (length(inner_pad) = 64),
  outer_pad bytea NOT NULL CHECK (length(outer_pad) = 64)
);

-- Count, sum and digest of the rows that a query returns as (created_at, id, content, amount). The digest is SHA-256 over the
-- digests of each hour, and those are over the digests of the rows, all in the order of time: it depends on every column
-- of every row, and nobody can make other rows with the same one.
-- The ledger has the same function.
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

-- What there is of a month, signed.
CREATE FUNCTION attest_month(first_day date, OUT transfers bigint, OUT amount numeric, OUT digest bytea, OUT signature bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
  secret archive_secret;
BEGIN
  SELECT * INTO secret FROM archive_secret;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the two databases share no secret; run npm run migrate with ARCHIVE_DATABASE_URL';
  END IF;
  SELECT m.transfers, m.amount, m.digest INTO transfers, amount, digest FROM measure_month('transfers'::regclass, first_day) m;
  signature := sha256(secret.outer_pad || sha256(secret.inner_pad || convert_to(
    concat_ws('|', 'month', first_day, transfers, amount, encode(digest, 'hex')), 'UTF8')));
END $$;
REVOKE ALL ON FUNCTION attest_month(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attest_month(date) TO ppuri_worker;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
