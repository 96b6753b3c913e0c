-- The ledger is held against itself by a function of the owner, and only by it: whoever takes over a worker cannot write
-- checkpoints or findings of his own. He can leave it undone, which the age of the last reconciliation shows.

-- Adds the new transfers to the checkpoints and holds every account, every currency's sum, and the pots of sprinkles that
-- are open or were closed since the last time against them. Notes and returns how many transfers were added, and at most a
-- hundred findings of a kind, each {kind, id, found, expected}. Its caller opens a REPEATABLE READ transaction, so that all of
-- it is one moment's view, and locks ledger_checkpoints first, since two at once would add the same transfers twice.
CREATE FUNCTION reconcile_ledger(OUT transfers bigint, OUT faults json)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  since timestamptz;
  -- No batch commits a transfer so long after the moment that it carries: post_transfers() refuses one.
  until timestamptz := clock_timestamp() - interval '60 seconds';
BEGIN
  IF current_setting('transaction_isolation') <> 'repeatable read' THEN
    RAISE EXCEPTION 'reconciling needs one view of the ledger: REPEATABLE READ';
  END IF;
  LOCK TABLE ledger_checkpoints IN SHARE ROW EXCLUSIVE MODE;
  SELECT coalesce(max(through), '-infinity') INTO since FROM reconciliations;

  INSERT INTO ledger_checkpoints AS c (account_id, balance, transfers)
  SELECT side.account_id, sum(side.amount)::bigint, count(*) FROM (
    SELECT debit_account_id AS account_id, -amount AS amount FROM transfers t
      WHERE t.created_at >= since AND t.created_at < until
    UNION ALL SELECT credit_account_id, amount FROM transfers t
      WHERE t.created_at >= since AND t.created_at < until) AS side
  GROUP BY side.account_id
  ON CONFLICT (account_id) DO UPDATE
    SET balance = c.balance + excluded.balance, transfers = c.transfers + excluded.transfers;

  SELECT count(*) INTO transfers FROM transfers t WHERE t.created_at >= since AND t.created_at < until;

  SELECT coalesce(json_agg(fault), '[]') INTO faults FROM (
    -- What came after the checkpoints is added on the fly, so that busy accounts are held too.
    (WITH fresh AS (
      SELECT side.account_id, sum(side.amount)::bigint AS amount, count(*) AS transfers FROM (
        SELECT debit_account_id AS account_id, -amount AS amount FROM transfers t WHERE t.created_at >= until
        UNION ALL SELECT credit_account_id, amount FROM transfers t WHERE t.created_at >= until) AS side
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

  INSERT INTO reconciliations (through, transfers, faults) VALUES (until, reconcile_ledger.transfers, reconcile_ledger.faults);
END $$;
REVOKE ALL ON FUNCTION reconcile_ledger() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reconcile_ledger() TO ppuri_worker;

REVOKE ALL ON ledger_checkpoints, reconciliations FROM ppuri_worker;
GRANT SELECT ON reconciliations TO ppuri_worker;
-- MAINTAIN takes a lock and changes no row.
GRANT SELECT, MAINTAIN ON ledger_checkpoints TO ppuri_worker;
