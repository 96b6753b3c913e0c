-- Statements of functions that join what they are given with a table. A session plans each once, maybe when the table has few rows, and then
-- a join may read all of an index for each batch, and EXISTS all of a table. So each row is found by a subquery of its own, which
-- OFFSET 0 keeps apart; an UPDATE goes by the ctid of what was found, whose row the caller has locked; and a scalar subquery stands
-- for EXISTS. Otherwise these functions are as they were.

-- As migration 0081 has it.
CREATE OR REPLACE FUNCTION follow_holds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  changed public.holds_change[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    changed := ARRAY(SELECT ROW(wallet_id, pot_account_id, currency, amount - captured_amount, amount - captured_amount)
      ::public.holds_change FROM after);
  ELSE
    -- Only holds that are open change, so all that was left of one before is what it had not captured.
    changed := ARRAY(SELECT ROW(wallet_id, pot_account_id, currency, sum(left_over)::bigint, sum(change)::bigint)
      ::public.holds_change FROM (
        SELECT id, wallet_id, pot_account_id, currency, state, captured_amount,
          CASE WHEN closed_at IS NULL THEN amount - captured_amount ELSE 0 END AS left_over,
          CASE WHEN closed_at IS NULL THEN amount - captured_amount ELSE 0 END AS change FROM after
        UNION ALL SELECT id, wallet_id, pot_account_id, currency, state, captured_amount, 0, captured_amount - amount FROM before
      ) AS both_states
      GROUP BY id, wallet_id, pot_account_id, currency
      HAVING min(captured_amount) <> max(captured_amount) OR min(state) <> max(state));
  END IF;
  IF EXISTS (SELECT 1 FROM unnest(changed) AS c, LATERAL (SELECT * FROM accounts p WHERE p.id = c.pot_account_id OFFSET 0) AS p
    WHERE p.kind <> 'hold' OR p.currency <> c.currency OR p.balance <> c.left_over) THEN
    RAISE EXCEPTION 'the pot of a hold is not what is left of it' USING ERRCODE = 'check_violation';
  END IF;
  UPDATE accounts a SET held_amount = a.held_amount + c.change, hold_changes = a.hold_changes + c.count,
    version = a.version + c.count
  FROM (SELECT wallet_id, sum(change)::bigint AS change, count(*) FROM unnest(changed) AS one GROUP BY wallet_id) AS c,
    LATERAL (SELECT i.ctid FROM accounts i WHERE i.id = c.wallet_id OFFSET 0) AS found
  WHERE a.ctid = found.ctid;
  RETURN NULL;
END $$;

-- As migration 0103 has it.
CREATE OR REPLACE FUNCTION follow_refunds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM after WHERE (SELECT 1 FROM transfers t
    WHERE t.id = after.refund_id AND t.created_at = after.created_at AND t.kind IN ('refund', 'reversal') AND t.amount = after.amount
      AND t.written_by = pg_current_xact_id()::text::bigint LIMIT 1) IS NULL) THEN
    RAISE EXCEPTION 'a refund is not what its transfer moved' USING ERRCODE = 'check_violation';
  END IF;
  IF EXISTS (SELECT 1 FROM after, LATERAL (SELECT * FROM transfers o WHERE o.id = after.transfer_id OFFSET 0) AS o,
    LATERAL (SELECT * FROM transfers t WHERE t.id = after.refund_id AND t.created_at = after.created_at OFFSET 0) AS t
    WHERE o.amount <> after.transfer_amount OR o.credit_account_id <> t.debit_account_id) THEN
    RAISE EXCEPTION 'a refund does not fit the transfer that it refunds' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO refunded_transfers AS r (transfer_id, amount, refunded_amount)
  SELECT transfer_id, transfer_amount, sum(amount)::bigint FROM after GROUP BY transfer_id, transfer_amount
  ON CONFLICT (transfer_id) DO UPDATE SET refunded_amount = r.refunded_amount + excluded.refunded_amount;
  RETURN NULL;
END $$;

-- As migration 0120 has it.
CREATE OR REPLACE FUNCTION follow_annotations() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM after n WHERE NOT coalesce(CASE n.subject
    WHEN 'transfer' THEN (
      SELECT bool_or(coalesce(d.owner_user_id = n.user_id, false) OR coalesce(c.owner_user_id = n.user_id, false)
        OR (d.kind = 'payout' AND (SELECT p.owner_user_id FROM payouts p WHERE p.pot_account_id = d.id) = n.user_id))
      FROM (SELECT * FROM transfers t WHERE t.id = n.subject_id AND t.created_at = n.created_at
          AND t.written_by = pg_current_xact_id()::text::bigint OFFSET 0) AS t,
        LATERAL (SELECT * FROM accounts d WHERE d.id = t.debit_account_id OFFSET 0) AS d,
        LATERAL (SELECT * FROM accounts c WHERE c.id = t.credit_account_id OFFSET 0) AS c)
    WHEN 'wallet' THEN (SELECT a.owner_user_id FROM accounts a WHERE a.id = n.subject_id) = n.user_id
    WHEN 'hold' THEN (SELECT h.user_id FROM holds h WHERE h.id = n.subject_id) = n.user_id
    ELSE (SELECT p.owner_user_id FROM payouts p WHERE p.id = n.subject_id) = n.user_id END, false)) THEN
    RAISE EXCEPTION 'a reference or label is attached to what its user has not made' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO transfer_labels (account_id, key, value, created_at, transfer_id)
  SELECT a.id, label ->> 0, label ->> 1, t.created_at, t.id
  FROM after n, LATERAL (SELECT * FROM transfers t WHERE t.id = n.subject_id AND t.created_at = n.created_at OFFSET 0) AS t,
    LATERAL (SELECT * FROM accounts a WHERE a.id IN (t.debit_account_id, t.credit_account_id) OFFSET 0) AS a,
    LATERAL json_array_elements(n.labels) AS label
  WHERE n.subject = 'transfer' AND a.owner_user_id = n.user_id;
  RETURN NULL;
END $$;

-- As migration 0101 has it.
CREATE OR REPLACE FUNCTION change_wallets(wallets uuid[], names text[], defaults boolean[], closings timestamptz[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  written integer;
  has_closed_full boolean;
BEGIN
  -- First of all no wallet of these is the default one that is not to be: there is only one at any time.
  UPDATE accounts a SET is_default = false FROM unnest(wallets, defaults) AS g (id, is_default),
    LATERAL (SELECT i.ctid, i.is_default FROM accounts i WHERE i.id = g.id OFFSET 0) AS found
  WHERE a.ctid = found.ctid AND found.is_default AND NOT g.is_default;
  WITH changed AS (
    UPDATE accounts a SET display_name = g.name, is_default = g.is_default, closed_at = coalesce(a.closed_at, g.closing),
      version = a.version + 1, hold_changes = a.hold_changes + 1
    FROM unnest(wallets, names, defaults, closings) AS g (id, name, is_default, closing),
      LATERAL (SELECT i.ctid, i.kind FROM accounts i WHERE i.id = g.id OFFSET 0) AS found
    WHERE a.ctid = found.ctid AND found.kind = 'wallet'
    RETURNING old.closed_at IS NULL AND a.closed_at IS NOT NULL AND (a.balance <> 0 OR a.held_amount <> 0) AS is_closed_full
  )
  SELECT count(*), bool_or(is_closed_full) INTO written, has_closed_full FROM changed;
  IF has_closed_full THEN
    RAISE EXCEPTION 'a wallet with money or holds is not closed' USING ERRCODE = 'check_violation';
  END IF;
  IF EXISTS (SELECT 1 FROM unnest(wallets) AS g (id), LATERAL (SELECT * FROM accounts i WHERE i.id = g.id OFFSET 0) AS a
    WHERE (SELECT d.id FROM accounts d WHERE d.owner_user_id = a.owner_user_id AND d.is_default) IS NULL) THEN
    RAISE EXCEPTION 'a user has no default wallet' USING ERRCODE = 'check_violation';
  END IF;
  IF written <> cardinality(wallets) THEN
    RAISE EXCEPTION '% of % wallets were changed', written, cardinality(wallets) USING ERRCODE = 'serialization_failure';
  END IF;
END $$;
