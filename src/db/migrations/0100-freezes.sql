-- Freezes and closed wallets. What keeps money from moving lies in the rows that every movement locks, so it holds from the next
-- commit on.

-- Of freezes these are the ends: null where there is none. Those of the user are on each of the user's wallets.
ALTER TABLE accounts ADD COLUMN closed_at timestamptz, ADD COLUMN frozen_out_until timestamptz,
  ADD COLUMN frozen_in_until timestamptz, ADD COLUMN user_frozen_out_until timestamptz,
  ADD COLUMN user_frozen_in_until timestamptz;
COMMENT ON COLUMN accounts.hold_changes IS
  'How often the row changed without a transfer: by holds, freezes and closing. Each of these changes counts in version, too.';

-- Every freeze that was ever set, of a wallet or of a user. A case has one on a target at a time; several cases may have one each.
CREATE TABLE freezes (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  wallet_id uuid REFERENCES accounts (id),
  user_id bigint REFERENCES users (id),
  direction text NOT NULL CHECK (direction IN ('out', 'in', 'both')),
  -- From then on it restricts nothing. A freeze without an end has the end of time, in the year 2200.
  frozen_until timestamptz NOT NULL,
  case_id text NOT NULL CHECK (length(case_id) BETWEEN 1 AND 100),
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
  -- The API key that set it, and the one that lifted it or replaced it.
  frozen_by text NOT NULL CHECK (length(frozen_by) <= 64),
  frozen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  lifted_by text CHECK (length(lifted_by) <= 64),
  lifted_at timestamptz,
  CONSTRAINT freezes_have_one_target CHECK (num_nonnulls(wallet_id, user_id) = 1),
  CONSTRAINT freezes_are_lifted_by_somebody CHECK ((lifted_by IS NULL) = (lifted_at IS NULL))
);
CREATE UNIQUE INDEX freezes_of_wallet ON freezes (wallet_id, case_id) WHERE lifted_at IS NULL AND wallet_id IS NOT NULL;
CREATE UNIQUE INDEX freezes_of_user ON freezes (user_id, case_id) WHERE lifted_at IS NULL AND user_id IS NOT NULL;
CREATE TRIGGER freezes_stay_as_they_were BEFORE UPDATE ON freezes FOR EACH ROW
  WHEN (OLD.lifted_at IS NOT NULL OR NEW.lifted_at IS NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER freezes_are_kept BEFORE DELETE ON freezes FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER freezes_are_not_truncated BEFORE TRUNCATE ON freezes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Locks a wallet, or all wallets of a user, in the order in which batches lock, and returns their ids. While the default wallet of
-- a user is locked no other can be opened, so the second turn finds those that were opened meanwhile and the third one none.
CREATE FUNCTION lock_wallets(target_wallet uuid, target_user bigint) RETURNS uuid[]
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  locked uuid[] := '{}';
  more uuid[];
BEGIN
  LOOP
    more := ARRAY(SELECT a.id FROM accounts a
      WHERE a.kind = 'wallet' AND (a.id = target_wallet OR a.owner_user_id = target_user) AND a.id <> ALL (locked)
      ORDER BY a.id FOR NO KEY UPDATE);
    EXIT WHEN cardinality(more) = 0;
    locked := locked || more;
  END LOOP;
  RETURN locked;
END $$;
REVOKE ALL ON FUNCTION lock_wallets(uuid, bigint) FROM PUBLIC;

-- Writes to wallets, which are locked, what their freezes say; returns them.
CREATE FUNCTION follow_freezes(wallets uuid[]) RETURNS SETOF accounts
LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  UPDATE accounts a SET version = a.version + 1, hold_changes = a.hold_changes + 1,
    frozen_out_until = f.frozen_out, frozen_in_until = f.frozen_in,
    user_frozen_out_until = f.user_frozen_out, user_frozen_in_until = f.user_frozen_in
  FROM (
    SELECT w.id, max(frozen_until) FILTER (WHERE wallet_id IS NOT NULL AND direction <> 'in') AS frozen_out,
      max(frozen_until) FILTER (WHERE wallet_id IS NOT NULL AND direction <> 'out') AS frozen_in,
      max(frozen_until) FILTER (WHERE user_id IS NOT NULL AND direction <> 'in') AS user_frozen_out,
      max(frozen_until) FILTER (WHERE user_id IS NOT NULL AND direction <> 'out') AS user_frozen_in
    FROM accounts w LEFT JOIN freezes ON lifted_at IS NULL AND frozen_until > clock_timestamp()
      AND (wallet_id = w.id OR user_id = w.owner_user_id)
    WHERE w.id = ANY (wallets) GROUP BY w.id
  ) AS f WHERE a.id = f.id RETURNING a.*;
$$;
REVOKE ALL ON FUNCTION follow_freezes(uuid[]) FROM PUBLIC;

-- Freezes a wallet, or a user with all wallets, for a case; a freeze that the case has on this target is replaced. Returns the
-- wallets as they are now; none where there is no such target.
CREATE FUNCTION freeze_wallets(target_wallet uuid, target_user bigint, way text, until_when timestamptz, for_case text,
  because text, by_key text) RETURNS SETOF accounts
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  wallets uuid[] := lock_wallets(target_wallet, target_user);
BEGIN
  IF cardinality(wallets) = 0 THEN RETURN; END IF;
  UPDATE freezes SET lifted_at = clock_timestamp(), lifted_by = by_key
  WHERE (wallet_id = target_wallet OR user_id = target_user) AND case_id = for_case AND lifted_at IS NULL;
  INSERT INTO freezes (wallet_id, user_id, direction, frozen_until, case_id, reason, frozen_by)
  VALUES (target_wallet, target_user, way, until_when, for_case, because, by_key);
  RETURN QUERY SELECT * FROM follow_freezes(wallets);
END $$;
REVOKE ALL ON FUNCTION freeze_wallets(uuid, bigint, text, timestamptz, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION freeze_wallets(uuid, bigint, text, timestamptz, text, text, text) TO ppuri_admin;

-- Lifts the freeze that a case has on a target. Returns the target's wallets as they are now; none where there is no such freeze.
CREATE FUNCTION lift_freeze(target_wallet uuid, target_user bigint, for_case text, by_key text) RETURNS SETOF accounts
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  wallets uuid[] := lock_wallets(target_wallet, target_user);
BEGIN
  UPDATE freezes SET lifted_at = clock_timestamp(), lifted_by = by_key
  WHERE (wallet_id = target_wallet OR user_id = target_user) AND case_id = for_case AND lifted_at IS NULL;
  IF FOUND THEN RETURN QUERY SELECT * FROM follow_freezes(wallets); END IF;
END $$;
REVOKE ALL ON FUNCTION lift_freeze(uuid, bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lift_freeze(uuid, bigint, text, text) TO ppuri_admin;

-- A new wallet is frozen if its user is, whoever opens it.
CREATE FUNCTION freeze_new_wallet() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  SELECT max(frozen_until) FILTER (WHERE direction <> 'in'), max(frozen_until) FILTER (WHERE direction <> 'out')
  INTO NEW.user_frozen_out_until, NEW.user_frozen_in_until
  FROM freezes WHERE user_id = NEW.owner_user_id AND lifted_at IS NULL;
  RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION freeze_new_wallet() FROM PUBLIC;
CREATE TRIGGER accounts_are_frozen_with_their_user BEFORE INSERT ON accounts FOR EACH ROW
  WHEN (NEW.kind = 'wallet') EXECUTE FUNCTION freeze_new_wallet();

GRANT SELECT ON freezes TO ppuri_admin;
