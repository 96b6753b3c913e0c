-- A seal that finds much costs in proportion to it. seal_feed() cut the segments out of one array of everything, which it read anew for
-- each of them: what half a million transfers had left after a time without workers took a minute, and as long as its snapshot was
-- held no table was cleaned of old versions of rows, so that every payment cost Postgres ten times as much. Otherwise as migration
-- 0190 has it.
CREATE OR REPLACE FUNCTION seal_feed() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
  state feed_end;
  visible pg_snapshot;
  running bigint[];
  -- How many transactions have ended that the last seal did not know of, but for its own.
  ended bigint;
  sealed bigint;
BEGIN
  -- The lock of a seal keeps others away only where each statement sees what was committed before it.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'the feed is sealed under READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  SELECT * INTO state FROM feed_end;
  visible := pg_current_snapshot();
  IF pg_snapshot_xmax(visible)::text::bigint < state.next_transaction THEN
    -- Another cluster counts its transactions anew; what is new cannot be told from what was sealed.
    RAISE EXCEPTION 'transactions are numbered from % on, and those below % were sealed: the ledger was copied into another cluster',
      pg_snapshot_xmax(visible), state.next_transaction
      USING HINT = 'set the next transaction id of the cluster above it: pg_resetwal --epoch and --next-transaction-id';
  END IF;
  running := ARRAY(SELECT xip::text::bigint FROM pg_snapshot_xip(visible) AS xip);
  ended := pg_snapshot_xmax(visible)::text::bigint - state.next_transaction
    - (state.sealed_by >= state.next_transaction)::integer
    - (SELECT count(*) FROM unnest(running) AS xip WHERE xip >= state.next_transaction);
  IF ended <= 0 AND state.in_flight <@ running THEN RETURN 0; END IF;
  -- Where many have ended there nearly always is something, and asking for it first would cost as much again.
  IF ended < 5 AND oldest_unsealed() IS NULL
    AND (state.in_flight = '{}' OR state.sealed_at BETWEEN clock_timestamp() - interval '10 seconds' AND clock_timestamp()) THEN
    RETURN 0;
  END IF;
  PERFORM FROM feed_state FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN 0; END IF;
  -- Another session may have sealed until the row was locked.
  SELECT * INTO state FROM feed_end;
  -- One statement, so one snapshot: the one that is noted is the one that sees the rows. What this transaction may have written
  -- by itself is left to the next seal, also where it was written before.
  WITH seen AS MATERIALIZED (
    SELECT pg_current_snapshot() AS snapshot
  ), unsealed AS (
    SELECT t.id, t.created_at AS at, t.written_by, false AS is_announced FROM transfers t
      WHERE t.written_by >= state.next_transaction
    UNION ALL SELECT t.id, t.created_at, t.written_by, false FROM transfers t
      WHERE t.written_by = ANY (state.in_flight || state.sealed_by) AND t.written_by < state.next_transaction
    UNION ALL SELECT a.id, a.occurred_at, a.written_by, true FROM announcements a
      WHERE a.written_by >= state.next_transaction
    UNION ALL SELECT a.id, a.occurred_at, a.written_by, true FROM announcements a
      WHERE a.written_by = ANY (state.in_flight || state.sealed_by) AND a.written_by < state.next_transaction
  ), numbered AS (
    SELECT id, at, written_by, is_announced, row_number() OVER (ORDER BY at, id) - 1 AS place
    FROM unsealed WHERE written_by <> pg_current_xact_id()::text::bigint
  ), slices AS (
    SELECT 500 * (place / 500) + 1 AS first, array_agg(id ORDER BY place) AS ids, min(at) AS first_at, max(at) AS last_at,
      int8range(min(written_by), max(written_by), '[]') AS writers,
      coalesce(array_agg((place % 500 + 1)::integer ORDER BY place) FILTER (WHERE is_announced), '{}') AS announced
    FROM numbered GROUP BY place / 500
  ), counted AS (
    SELECT *, sum(cardinality(ids) - cardinality(announced)) OVER (ORDER BY first) AS leaves FROM slices
  ), inserted AS (
    INSERT INTO feed_segments (last_sequence, first_sequence, first_leaf, next_leaf, ids, announced, writers, first_at, last_at,
      next_transaction, in_flight, sealed_by)
    SELECT state.last_sequence + first - 1 + cardinality(ids), state.last_sequence + first,
      state.leaves + leaves - (cardinality(ids) - cardinality(announced)), state.leaves + leaves, ids, announced, writers,
      CASE WHEN cardinality(announced) < cardinality(ids) THEN first_at END,
      CASE WHEN cardinality(announced) < cardinality(ids) THEN last_at END,
      pg_snapshot_xmax(snapshot)::text::bigint, ARRAY(SELECT xip::text::bigint FROM pg_snapshot_xip(snapshot) AS xip),
      pg_current_xact_id()::text::bigint
    FROM counted, seen
    RETURNING last_sequence
  ), noted AS (
    -- Where nothing was found that is noted too, but not each time, so that transactions that have ended are forgotten.
    UPDATE feed_state SET last_sequence = state.last_sequence, leaves = state.leaves,
      next_transaction = pg_snapshot_xmax(snapshot)::text::bigint,
      in_flight = ARRAY(SELECT xip::text::bigint FROM pg_snapshot_xip(snapshot) AS xip),
      sealed_by = pg_current_xact_id()::text::bigint, sealed_at = clock_timestamp()
    FROM seen WHERE NOT EXISTS (SELECT FROM inserted)
      AND state.sealed_at NOT BETWEEN clock_timestamp() - interval '10 seconds' AND clock_timestamp()
  )
  SELECT max(last_sequence) - state.last_sequence INTO sealed FROM inserted;
  RETURN coalesce(sealed, 0);
END $$;
