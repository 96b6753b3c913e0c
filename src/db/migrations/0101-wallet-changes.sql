-- Wallets are renamed, made the default wallet of their user, closed and opened again. Nobody writes these columns but by this.

-- Writes what a batch, which holds the locks, has made of wallets: their names, which one is the default wallet, and the moments
-- at which they were closed. It opens none again, closes none that has money or holds, and leaves each user one default wallet.
-- Raises a serialization failure where one of them is missing.
CREATE FUNCTION change_wallets(wallets uuid[], names text[], defaults boolean[], closings timestamptz[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  written integer;
  has_closed_full boolean;
BEGIN
  -- First of all no wallet of these is the default one that is not to be: there is only one at any time.
  UPDATE accounts a SET is_default = false FROM unnest(wallets, defaults) AS g (id, is_default)
  WHERE a.id = g.id AND a.is_default AND NOT g.is_default;
  WITH changed AS (
    UPDATE accounts a SET display_name = g.name, is_default = g.is_default, closed_at = coalesce(a.closed_at, g.closing),
      version = a.version + 1, hold_changes = a.hold_changes + 1
    FROM unnest(wallets, names, defaults, closings) AS g (id, name, is_default, closing)
    WHERE a.id = g.id AND a.kind = 'wallet'
    RETURNING old.closed_at IS NULL AND a.closed_at IS NOT NULL AND (a.balance <> 0 OR a.held_amount <> 0) AS is_closed_full
  )
  SELECT count(*), bool_or(is_closed_full) INTO written, has_closed_full FROM changed;
  IF has_closed_full THEN
    RAISE EXCEPTION 'a wallet with money or holds is not closed' USING ERRCODE = 'check_violation';
  END IF;
  IF EXISTS (SELECT 1 FROM accounts a WHERE a.id = ANY (wallets)
    AND NOT EXISTS (SELECT 1 FROM accounts d WHERE d.owner_user_id = a.owner_user_id AND d.is_default)) THEN
    RAISE EXCEPTION 'a user has no default wallet' USING ERRCODE = 'check_violation';
  END IF;
  IF written <> cardinality(wallets) THEN
    RAISE EXCEPTION '% of % wallets were changed', written, cardinality(wallets) USING ERRCODE = 'serialization_failure';
  END IF;
END $$;
REVOKE ALL ON FUNCTION change_wallets(uuid[], text[], boolean[], timestamptz[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION change_wallets(uuid[], text[], boolean[], timestamptz[]) TO ppuri_app;

-- Opens a closed wallet again, for operators. Its freezes are as they were. Returns it as it is now; nothing if it was not closed.
CREATE FUNCTION reopen_wallet(wallet uuid) RETURNS SETOF accounts
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  wallets uuid[] := lock_wallets(wallet, NULL);
BEGIN
  UPDATE accounts SET closed_at = NULL WHERE id = ANY (wallets) AND closed_at IS NOT NULL;
  IF FOUND THEN RETURN QUERY SELECT * FROM follow_freezes(wallets); END IF;
END $$;
REVOKE ALL ON FUNCTION reopen_wallet(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reopen_wallet(uuid) TO ppuri_admin;
