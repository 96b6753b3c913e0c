-- Reconciling goes by what is settled for this snapshot, and not by how old it is.

CREATE INDEX transfers_by_writer ON ONLY transfers USING brin (written_by) WITH (pages_per_range = 16, autosummarize = on);
DO $$
DECLARE
  part text;
BEGIN
  FOR part IN SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = oid WHERE inhparent = 'transfers'::regclass LOOP
    -- A partition that was made a moment ago is empty and has none yet.
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I USING brin (written_by) WITH (pages_per_range = 16, autosummarize = on)',
      part || '_by_writer', part);
    EXECUTE format('ALTER INDEX transfers_by_writer ATTACH PARTITION %I', part || '_by_writer');
  END LOOP;
END $$;

-- Adds the new transfers to the checkpoints and holds every account, every currency's sum, and the pots of sprinkles that
-- are open or were closed since the last time against them. Notes and returns how many transfers were added, and at most a
-- hundred findings of a kind, each {kind, id, found, expected}. Its caller opens a REPEATABLE READ transaction, so that all of
-- it is one moment's view, and locks ledger_checkpoints first, since two at once would add the same transfers twice.
-- Transactions that are under way hold back what is added, and change nothing of what is found.
CREATE OR REPLACE FUNCTION reconcile_ledger(OUT transfers bigint, OUT faults json)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  since timestamptz;
  -- What is added may be younger; what is older and not added yet is of a transaction that is still under way.
  until timestamptz := clock_timestamp() - interval '60 seconds';
  -- Null where no reconciliation has gone by transactions yet: then those of before are added by their moments.
  settled_since bigint;
  settled_now bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'repeatable read' THEN
    RAISE EXCEPTION 'reconciling needs one view of the ledger: REPEATABLE READ';
  END IF;
  LOCK TABLE ledger_checkpoints IN SHARE ROW EXCLUSIVE MODE;
  SELECT coalesce(max(through), '-infinity'), max(settled_below) INTO since, settled_since FROM reconciliations;
  IF settled_now < settled_since THEN
    -- Another cluster counts its transactions anew; what is new cannot be told from what was added.
    RAISE EXCEPTION 'transactions are numbered from % on, and % were reconciled before: the ledger was copied into another cluster',
      settled_now, settled_since
      USING HINT = 'set the next transaction id of the cluster above it: pg_resetwal --epoch and --next-transaction-id';
  END IF;

  WITH new AS MATERIALIZED (
    SELECT t.debit_account_id, t.credit_account_id, t.amount FROM transfers t
      WHERE t.written_by >= coalesce(settled_since, 0) AND t.written_by < settled_now
    UNION ALL SELECT t.debit_account_id, t.credit_account_id, t.amount FROM transfers t
      WHERE settled_since IS NULL AND t.written_by IS NULL AND t.created_at >= since
  ), added AS (
    INSERT INTO ledger_checkpoints AS c (account_id, balance, transfers)
    SELECT side.account_id, sum(side.amount)::bigint, count(*) FROM (
      SELECT debit_account_id AS account_id, -amount AS amount FROM new
      UNION ALL SELECT credit_account_id, amount FROM new) AS side
    GROUP BY side.account_id
    ON CONFLICT (account_id) DO UPDATE
      SET balance = c.balance + excluded.balance, transfers = c.transfers + excluded.transfers
  )
  SELECT count(*) INTO transfers FROM new;

  SELECT coalesce(json_agg(fault), '[]') INTO faults FROM (
    -- What came after the checkpoints is added on the fly, so that busy accounts are held too.
    (WITH fresh AS (
      SELECT side.account_id, sum(side.amount)::bigint AS amount, count(*) AS transfers FROM (
        SELECT debit_account_id AS account_id, -amount AS amount FROM transfers t WHERE t.written_by >= settled_now
        UNION ALL SELECT credit_account_id, amount FROM transfers t WHERE t.written_by >= settled_now) AS side
      GROUP BY side.account_id)
    SELECT 'account' AS kind, a.id::text AS id, format('%s after %s transfers', a.balance, a.version) AS found,
      format('%s after %s transfers', coalesce(c.balance, 0) + coalesce(f.amount, 0),
        coalesce(c.transfers, 0) + coalesce(f.transfers, 0)) AS expected
    FROM accounts a LEFT JOIN ledger_checkpoints c ON c.account_id = a.id LEFT JOIN fresh f ON f.account_id = a.id
    WHERE a.balance <> coalesce(c.balance, 0) + coalesce(f.amount, 0)
       OR a.version <> coalesce(c.transfers, 0) + coalesce(f.transfers, 0) LIMIT 100)
    UNION ALL
    SELECT 'currency', currency, sum(balance)::text, '0' FROM accounts GROUP BY currency HAVING sum(balance) <> 0
    UNION ALL
    (SELECT 'sprinkle', s.id::text, p.balance::text, left_over::text
    FROM sprinkles s JOIN accounts p ON p.id = s.pot_account_id,
      LATERAL (SELECT CASE WHEN s.closed_at IS NULL
        THEN (SELECT coalesce(sum(share), 0) FROM unnest(s.shares[s.claimed_count + 1 :]) AS share) ELSE 0 END)
        AS l (left_over)
    WHERE p.balance <> left_over AND (s.closed_at IS NULL OR s.closed_at >= since) LIMIT 100)
  ) AS fault;

  INSERT INTO reconciliations (through, transfers, faults, settled_below)
  VALUES (until, reconcile_ledger.transfers, reconcile_ledger.faults, settled_now);
END $$;
