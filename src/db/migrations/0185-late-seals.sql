-- Sealing as in migration 0154, which took it for granted that all numbers below that of the seal had ended: a transaction that had got
-- its number before a seal, and ended after it, was not sealed before yet another one ended. So what has ended is counted exactly.
CREATE OR REPLACE FUNCTION seal_feed() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
  state feed_state;
  visible pg_snapshot;
  running bigint[];
  -- How many transactions have ended that the last seal did not know of, but for its own.
  ended bigint;
  sealed bigint;
BEGIN
  SELECT * INTO state FROM feed_state;
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
  -- Nothing is written where there is nothing to seal, but every 10 seconds, so that transactions that have ended are forgotten.
  -- Where many have ended there nearly always is something, and asking for it first would cost as much again.
  IF ended < 5 AND oldest_unsealed() IS NULL
    AND (state.in_flight = '{}' OR state.sealed_at BETWEEN clock_timestamp() - interval '10 seconds' AND clock_timestamp()) THEN
    RETURN 0;
  END IF;
  SELECT * INTO state FROM feed_state FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN 0; END IF;
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
  ), placed AS (
    SELECT u.*, row_number() OVER running AS place,
      count(*) FILTER (WHERE NOT is_announced) OVER (running ROWS UNBOUNDED PRECEDING) AS leaves
    FROM unsealed u WHERE u.written_by <> pg_current_xact_id()::text::bigint
    WINDOW running AS (ORDER BY at, id)
  ), inserted AS (
    INSERT INTO feed_segments (last_sequence, first_sequence, first_leaf, next_leaf, ids, announced, writers, first_at, last_at)
    SELECT state.last_sequence + max(place), state.last_sequence + min(place),
      state.leaves + max(leaves) - count(*) FILTER (WHERE NOT is_announced), state.leaves + max(leaves),
      array_agg(id ORDER BY place),
      coalesce(array_agg(((place - 1) % 500 + 1)::integer ORDER BY place) FILTER (WHERE is_announced), '{}'),
      int8range(min(written_by), max(written_by), '[]'),
      min(at) FILTER (WHERE NOT is_announced), max(at) FILTER (WHERE NOT is_announced)
    FROM placed GROUP BY (place - 1) / 500
    RETURNING last_sequence, next_leaf
  )
  UPDATE feed_state SET
    last_sequence = greatest(state.last_sequence, (SELECT max(i.last_sequence) FROM inserted i)),
    leaves = greatest(state.leaves, (SELECT max(i.next_leaf) FROM inserted i)),
    next_transaction = pg_snapshot_xmax(seen.snapshot)::text::bigint,
    in_flight = ARRAY(SELECT xip::text::bigint FROM pg_snapshot_xip(seen.snapshot) AS xip),
    sealed_by = pg_current_xact_id()::text::bigint, sealed_at = clock_timestamp()
  FROM seen
  RETURNING new.last_sequence - state.last_sequence INTO sealed;
  RETURN sealed;
END $$;
