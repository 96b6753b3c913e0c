-- Reversals by operators are refunds, too: each has a row in refunds, so that what receivers and operators give back is counted
-- together and never exceeds the transfer.

-- As migration 0084 has it, for both kinds.
CREATE OR REPLACE FUNCTION follow_refunds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM after WHERE NOT EXISTS (SELECT 1 FROM transfers t
    WHERE t.id = after.refund_id AND t.created_at = after.created_at AND t.kind IN ('refund', 'reversal') AND t.amount = after.amount
      AND t.written_by = pg_current_xact_id()::text::bigint)) THEN
    RAISE EXCEPTION 'a refund is not what its transfer moved' USING ERRCODE = 'check_violation';
  END IF;
  IF EXISTS (SELECT 1 FROM after JOIN transfers o ON o.id = after.transfer_id
    JOIN transfers t ON t.id = after.refund_id AND t.created_at = after.created_at
    WHERE o.amount <> after.transfer_amount OR o.credit_account_id <> t.debit_account_id) THEN
    RAISE EXCEPTION 'a refund does not fit the transfer that it refunds' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO refunded_transfers AS r (transfer_id, amount, refunded_amount)
  SELECT transfer_id, transfer_amount, sum(amount)::bigint FROM after GROUP BY transfer_id, transfer_amount
  ON CONFLICT (transfer_id) DO UPDATE SET refunded_amount = r.refunded_amount + excluded.refunded_amount;
  RETURN NULL;
END $$;

-- As migration 0085 has it; a refund may have been moved by a reversal.
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
    SELECT 'account' AS kind, a.id::text AS id, format('%s after %s transfers', a.balance, a.version - a.hold_changes) AS found,
      format('%s after %s transfers', coalesce(c.balance, 0) + coalesce(f.amount, 0),
        coalesce(c.transfers, 0) + coalesce(f.transfers, 0)) AS expected
    FROM accounts a LEFT JOIN ledger_checkpoints c ON c.account_id = a.id LEFT JOIN fresh f ON f.account_id = a.id
    WHERE a.balance <> coalesce(c.balance, 0) + coalesce(f.amount, 0)
       OR a.version - a.hold_changes <> coalesce(c.transfers, 0) + coalesce(f.transfers, 0) LIMIT 100)
    UNION ALL
    SELECT 'currency', currency, sum(balance)::text, '0' FROM accounts GROUP BY currency HAVING sum(balance) <> 0
    UNION ALL
    (SELECT 'sprinkle', s.id::text, p.balance::text, left_over::text
    FROM sprinkles s JOIN accounts p ON p.id = s.pot_account_id,
      LATERAL (SELECT CASE WHEN s.closed_at IS NULL
        THEN (SELECT coalesce(sum(share), 0) FROM unnest(s.shares[s.claimed_count + 1 :]) AS share) ELSE 0 END)
        AS l (left_over)
    WHERE p.balance <> left_over AND (s.closed_at IS NULL OR s.closed_at >= since) LIMIT 100)
    UNION ALL
    (SELECT 'hold', h.id::text, p.balance::text, left_over::text
    FROM holds h JOIN accounts p ON p.id = h.pot_account_id,
      LATERAL (SELECT CASE WHEN h.closed_at IS NULL THEN h.amount - h.captured_amount ELSE 0 END) AS l (left_over)
    WHERE p.balance <> left_over AND (h.closed_at IS NULL OR h.closed_at >= since) LIMIT 100)
    UNION ALL
    (SELECT 'held', a.id::text, a.held_amount::text, coalesce(h.left_over, 0)::text
    FROM accounts a LEFT JOIN (SELECT wallet_id, sum(amount - captured_amount) AS left_over FROM holds
      WHERE closed_at IS NULL GROUP BY wallet_id) AS h ON h.wallet_id = a.id
    WHERE a.held_amount <> coalesce(h.left_over, 0) LIMIT 100)
    UNION ALL
    (SELECT 'refunded', r.transfer_id::text, r.refunded_amount::text, coalesce(sum(f.amount), 0)::text
    FROM refunded_transfers r LEFT JOIN refunds f ON f.transfer_id = r.transfer_id
    GROUP BY r.transfer_id HAVING r.refunded_amount <> coalesce(sum(f.amount), 0) LIMIT 100)
    UNION ALL
    -- Of months that were reconciled before, the transfers may be in the archive.
    (SELECT 'refund', f.refund_id::text, f.amount::text, coalesce(t.amount, 0)::text
    FROM refunds f LEFT JOIN transfers t ON t.id = f.refund_id AND t.created_at = f.created_at AND t.kind IN ('refund', 'reversal')
    WHERE f.created_at >= since AND f.amount <> coalesce(t.amount, 0) LIMIT 100)
  ) AS fault;

  INSERT INTO reconciliations (through, transfers, faults, settled_below)
  VALUES (until, reconcile_ledger.transfers, reconcile_ledger.faults, settled_now);
END $$;
