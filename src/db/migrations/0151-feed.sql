-- The feed: one order of all transfers, and of all else that is told, in which nothing ever appears before what was already read.

CREATE INDEX transfers_by_transaction ON ONLY transfers (written_by);
DO $$
DECLARE
  part text;
BEGIN
  FOR part IN SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = oid WHERE inhparent = 'transfers'::regclass LOOP
    -- A partition that was made a moment ago is empty and has none yet.
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (written_by)', part || '_by_transaction', part);
    EXECUTE format('ALTER INDEX transfers_by_transaction ATTACH PARTITION %I', part || '_by_transaction');
  END LOOP;
END $$;

-- What is told besides transfers, written in the transaction of what it tells. Only functions of the owner write it.
CREATE TABLE announcements (
  id uuid PRIMARY KEY DEFAULT uuidv7(),
  written_by bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
  occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  type text NOT NULL CHECK (type ~ '^[a-z_]{1,30}\.[a-z_]{1,30}$'),
  -- What it is about: `holds/…`, `wallets/…`.
  subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 100),
  -- The users whom it concerns.
  user_ids bigint[] NOT NULL,
  -- Amounts and numbers of users are text, because JSON readers round large numbers.
  data jsonb NOT NULL CHECK (jsonb_typeof(data) = 'object')
);
CREATE INDEX announcements_by_transaction ON announcements (written_by);
CREATE INDEX announcements_by_age ON announcements USING brin (occurred_at);
CREATE TRIGGER announcements_are_immutable BEFORE UPDATE ON announcements
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER announcements_are_kept BEFORE DELETE ON announcements
  FOR EACH ROW WHEN (OLD.occurred_at > now() - interval '30 days') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER announcements_are_not_truncated BEFORE TRUNCATE ON announcements
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Tells something, for functions and triggers of the owner.
CREATE FUNCTION announce(of_type text, about text, users bigint[], facts jsonb) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  INSERT INTO announcements (type, subject, user_ids, data) VALUES (of_type, about, array_remove(users, NULL), facts);
$$;
REVOKE ALL ON FUNCTION announce(text, text, bigint[], jsonb) FROM PUBLIC;

-- How far the feed is sealed.
CREATE TABLE feed_state (
  is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
  -- A random name. After a restore another epoch begins, because numbers may then mean something else.
  epoch text NOT NULL DEFAULT left(replace(gen_random_uuid()::text, '-', ''), 16) CHECK (epoch ~ '^[0-9a-f]{16}$'),
  -- The number of the last entry, and how many transfers there are among them.
  last_sequence bigint NOT NULL DEFAULT 0,
  leaves bigint NOT NULL DEFAULT 0,
  -- Events up to this number were purged.
  purged_through bigint NOT NULL DEFAULT 0,
  -- What the last seal saw: transactions below the first one that were not in flight, all but the one that sealed.
  next_transaction bigint NOT NULL,
  in_flight bigint[] NOT NULL,
  sealed_by bigint NOT NULL,
  sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- The feed begins here: transfers that can be seen by now are not told.
INSERT INTO feed_state (next_transaction, in_flight, sealed_by)
SELECT pg_snapshot_xmax(seen)::text::bigint, ARRAY(SELECT xip::text::bigint FROM pg_snapshot_xip(seen) AS xip), 0
FROM pg_current_snapshot() AS seen;
CREATE TRIGGER feed_state_is_kept BEFORE DELETE ON feed_state FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER feed_state_goes_forward BEFORE UPDATE ON feed_state FOR EACH ROW
  WHEN (NEW.last_sequence < OLD.last_sequence OR NEW.leaves < OLD.leaves OR NEW.purged_through < OLD.purged_through)
  EXECUTE FUNCTION refuse_change();

-- The order, at most 500 entries a row: a row for each would cost the ledger as much again as it writes by itself.
CREATE TABLE feed_segments (
  -- The numbers of its entries, from 1 on and without gaps.
  last_sequence bigint PRIMARY KEY,
  first_sequence bigint NOT NULL,
  -- Transfers are counted apart, from 0 on: the number of its first one, and that of the first one after it.
  first_leaf bigint NOT NULL,
  next_leaf bigint NOT NULL,
  -- Transfers and announcements in their order.
  ids uuid[] NOT NULL,
  -- Which of them are announcements, by their places from 1 on.
  announced integer[] NOT NULL,
  -- The transactions that wrote them, and the moments of the transfers among them.
  writers int8range NOT NULL,
  first_at timestamptz,
  last_at timestamptz,
  sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT feed_segments_number_their_entries CHECK (last_sequence - first_sequence + 1 = cardinality(ids)),
  CONSTRAINT feed_segments_number_their_transfers CHECK (next_leaf - first_leaf = cardinality(ids) - cardinality(announced))
);
-- Ids are half random: compressing them costs time and gains nothing.
ALTER TABLE feed_segments ALTER COLUMN ids SET STORAGE EXTERNAL;
CREATE INDEX feed_segments_by_leaf ON feed_segments (next_leaf);
CREATE INDEX feed_segments_by_writers ON feed_segments USING gist (writers);
CREATE INDEX feed_segments_by_age ON feed_segments (sealed_at);
CREATE INDEX feed_segments_announcing ON feed_segments (last_sequence) WHERE announced <> '{}';
CREATE TRIGGER feed_segments_are_immutable BEFORE UPDATE OR DELETE ON feed_segments
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER feed_segments_are_not_truncated BEFORE TRUNCATE ON feed_segments
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- When the entry that waits longest to be sealed was made; null where none waits. What a transaction wrote that has not ended does
-- not wait yet.
CREATE FUNCTION oldest_unsealed() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
  SELECT min(at) FROM feed_state s, LATERAL (
    (SELECT t.created_at AS at FROM transfers t WHERE t.written_by >= s.next_transaction ORDER BY t.written_by LIMIT 1)
    UNION ALL (SELECT t.created_at FROM transfers t
      WHERE t.written_by = ANY (s.in_flight || s.sealed_by) AND t.written_by < s.next_transaction LIMIT 1)
    UNION ALL (SELECT a.occurred_at FROM announcements a WHERE a.written_by >= s.next_transaction
      ORDER BY a.written_by LIMIT 1)
    UNION ALL (SELECT a.occurred_at FROM announcements a
      WHERE a.written_by = ANY (s.in_flight || s.sealed_by) AND a.written_by < s.next_transaction LIMIT 1)
  ) AS unsealed;
$$;
REVOKE ALL ON FUNCTION oldest_unsealed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION oldest_unsealed() TO ppuri_worker;

-- Seals what was committed since the last time; returns how many entries that is. A segment takes exactly what its snapshot sees
-- and the one before did not see: rows of transactions that were in flight then, or had not begun. So each row is in one
-- segment, and if a row was written after another one was seen, it is not in an earlier segment. Taking what is below
-- pg_snapshot_xmin() instead would break the order of accounts: a transaction gets its number with its first lock and may then
-- wait for an account that a transaction with a higher number pays first. Within a segment the order is that of the books, by
-- moment and id, which for each account is the order of its balances.
-- Any number of sessions may call it; one seals and the others return 0.
CREATE FUNCTION seal_feed() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
  state feed_state;
  sealed bigint;
BEGIN
  SELECT * INTO state FROM feed_state;
  IF pg_snapshot_xmax(pg_current_snapshot())::text::bigint < state.next_transaction THEN
    -- Another cluster counts its transactions anew; what is new cannot be told from what was sealed.
    RAISE EXCEPTION 'transactions are numbered from % on, and those below % were sealed: the ledger was copied into another cluster',
      pg_snapshot_xmax(pg_current_snapshot()), state.next_transaction
      USING HINT = 'set the next transaction id of the cluster above it: pg_resetwal --epoch and --next-transaction-id';
  END IF;
  -- Nothing is written where there is nothing to seal, but every 10 seconds, so that transactions that have ended are forgotten.
  IF oldest_unsealed() IS NULL
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
REVOKE ALL ON FUNCTION seal_feed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION seal_feed() TO ppuri_worker;

-- Forgets events that were sealed more than 30 days ago, and deletes their announcements a day later, up to so many at a time; how
-- many. Transfers and their order stay.
CREATE FUNCTION purge_events(at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  through bigint;
  gone integer;
BEGIN
  SELECT last_sequence INTO through FROM feed_segments WHERE sealed_at < clock_timestamp() - interval '30 days'
  ORDER BY sealed_at DESC, last_sequence DESC LIMIT 1;
  UPDATE feed_state SET purged_through = through WHERE purged_through < through;
  DELETE FROM announcements WHERE id IN (
    SELECT a.id FROM announcements a, feed_state s
    WHERE a.occurred_at < clock_timestamp() - interval '31 days' AND a.written_by < s.next_transaction
      AND a.written_by <> ALL (s.in_flight || s.sealed_by)
    LIMIT at_most);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$;
REVOKE ALL ON FUNCTION purge_events(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_events(integer) TO ppuri_worker;

GRANT SELECT ON announcements, feed_state, feed_segments TO ppuri_app, ppuri_worker;
