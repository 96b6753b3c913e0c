-- What a hold refers to is looked up once for all holds of a batch, and compared besides: the wallet is its user's, and the other wallet
-- that of who receives it. Foreign keys asked for each of five references of each hold, and locked users' rows for it; nothing
-- deletes accounts or users.
CREATE OR REPLACE FUNCTION follow_holds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  changed public.holds_change[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    changed := ARRAY(SELECT ROW(wallet_id, pot_account_id, currency, amount - captured_amount, amount - captured_amount)
      ::public.holds_change FROM after);
    IF EXISTS (SELECT 1 FROM after AS h
      LEFT JOIN LATERAL (SELECT * FROM accounts w WHERE w.id = h.wallet_id OFFSET 0) AS w ON true
      LEFT JOIN LATERAL (SELECT * FROM accounts w WHERE w.id = h.credit_wallet_id OFFSET 0) AS receiver ON true
      WHERE w.kind IS DISTINCT FROM 'wallet' OR w.owner_user_id <> h.user_id
        OR receiver.owner_user_id IS DISTINCT FROM h.credit_user_id) THEN
      RAISE EXCEPTION 'a hold names a wallet that is not its user''s' USING ERRCODE = 'check_violation';
    END IF;
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
  IF EXISTS (SELECT 1 FROM unnest(changed) AS c
    LEFT JOIN LATERAL (SELECT * FROM accounts p WHERE p.id = c.pot_account_id OFFSET 0) AS p ON true
    WHERE p.kind IS DISTINCT FROM 'hold' OR p.currency <> c.currency OR p.balance <> c.left_over) THEN
    RAISE EXCEPTION 'the pot of a hold is not what is left of it' USING ERRCODE = 'check_violation';
  END IF;
  UPDATE accounts a SET held_amount = a.held_amount + c.change, hold_changes = a.hold_changes + c.count,
    version = a.version + c.count
  FROM (SELECT wallet_id, sum(change)::bigint AS change, count(*) FROM unnest(changed) AS one GROUP BY wallet_id) AS c,
    LATERAL (SELECT i.ctid FROM accounts i WHERE i.id = c.wallet_id OFFSET 0) AS found
  WHERE a.ctid = found.ctid;
  RETURN NULL;
END $$;

ALTER TABLE holds
  DROP CONSTRAINT holds_wallet_id_fkey,
  DROP CONSTRAINT holds_pot_account_id_fkey,
  DROP CONSTRAINT holds_user_id_fkey,
  DROP CONSTRAINT holds_credit_wallet_id_fkey,
  DROP CONSTRAINT holds_credit_user_id_fkey;
