-- The end of the feed stands in its last segment. It stood in the one row of feed_state, which each seal changed: while an old snapshot
-- was held, each change left a version behind that every later read of the row had to pass, ten more a second. Segments are only
-- added, so their end is found by an index, however many there are.

-- What the seal that made the segment saw; null in those from before this migration.
ALTER TABLE feed_segments ADD COLUMN next_transaction bigint, ADD COLUMN in_flight bigint[], ADD COLUMN sealed_by bigint;

-- How far the feed is sealed: as the last segment says, unless a later seal found nothing, which feed_state notes every 10 seconds.
CREATE VIEW feed_end WITH (security_invoker = true) AS
SELECT s.epoch, s.purged_through, CASE WHEN is_later THEN l.last_sequence ELSE s.last_sequence END AS last_sequence,
  CASE WHEN is_later THEN l.next_leaf ELSE s.leaves END AS leaves,
  CASE WHEN is_later THEN l.next_transaction ELSE s.next_transaction END AS next_transaction,
  CASE WHEN is_later THEN l.in_flight ELSE s.in_flight END AS in_flight,
  CASE WHEN is_later THEN l.sealed_by ELSE s.sealed_by END AS sealed_by,
  CASE WHEN is_later THEN l.sealed_at ELSE s.sealed_at END AS sealed_at
FROM feed_state s LEFT JOIN LATERAL (
  SELECT last_sequence, next_leaf, next_transaction, in_flight, sealed_by, sealed_at
  FROM feed_segments ORDER BY last_sequence DESC LIMIT 1) AS l ON true,
  LATERAL (SELECT coalesce(l.last_sequence > s.last_sequence, false) AS is_later) AS later;
GRANT SELECT ON feed_end TO ppuri_app, ppuri_worker;

CREATE OR REPLACE FUNCTION oldest_unsealed() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
  SELECT min(at) FROM feed_end s, LATERAL (
    (SELECT t.created_at AS at FROM transfers t WHERE t.written_by >= s.next_transaction ORDER BY t.written_by LIMIT 1)
    UNION ALL (SELECT t.created_at FROM transfers t
      WHERE t.written_by = ANY (s.in_flight || s.sealed_by) AND t.written_by < s.next_transaction LIMIT 1)
    UNION ALL (SELECT a.occurred_at FROM announcements a WHERE a.written_by >= s.next_transaction
      ORDER BY a.written_by LIMIT 1)
    UNION ALL (SELECT a.occurred_at FROM announcements a
      WHERE a.written_by = ANY (s.in_flight || s.sealed_by) AND a.written_by < s.next_transaction LIMIT 1)
  ) AS unsealed;
$$;

CREATE OR REPLACE FUNCTION purge_events(at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  through bigint;
  gone integer;
BEGIN
  SELECT last_sequence INTO through FROM feed_segments WHERE sealed_at < clock_timestamp() - interval '30 days'
  ORDER BY sealed_at DESC, last_sequence DESC LIMIT 1;
  UPDATE feed_state SET purged_through = through WHERE purged_through < through;
  DELETE FROM announcements WHERE id IN (
    SELECT a.id FROM announcements a, feed_end s
    WHERE a.occurred_at < clock_timestamp() - interval '31 days' AND a.written_by < s.next_transaction
      AND a.written_by <> ALL (s.in_flight || s.sealed_by)
    LIMIT at_most);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$;

-- Sealing as in migration 0185, into the segments alone. One sort orders all that is sealed, and segments are slices of it.
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
  ), entries AS MATERIALIZED (
    SELECT array_agg(id ORDER BY at, id) AS ids, array_agg(at ORDER BY at, id) AS moments,
      array_agg(written_by ORDER BY at, id) AS writers, array_agg(is_announced ORDER BY at, id) AS kinds,
      bool_or(is_announced) AS has_announced
    FROM unsealed u WHERE u.written_by <> pg_current_xact_id()::text::bigint
  ), slices AS (
    SELECT first, ids[first : first + 499] AS ids, moments[first] AS first_at,
      moments[least(first + 499, cardinality(ids))] AS last_at,
      (SELECT int8range(min(writer), max(writer), '[]') FROM unnest(e.writers[first : first + 499]) AS writer) AS writers,
      CASE WHEN has_announced THEN ARRAY(
        SELECT place::integer FROM unnest(kinds[first : first + 499]) WITH ORDINALITY AS kind (is_announced, place)
        WHERE is_announced ORDER BY place) ELSE '{}' END AS announced
    FROM entries e, generate_series(1, cardinality(e.ids), 500) AS first
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
