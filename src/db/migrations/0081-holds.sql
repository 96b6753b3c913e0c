-- Holds: money of a wallet that is set aside, to be captured or given back.

-- What is set aside in open holds on a wallet, and how often holds changed it. Each of these changes counts in `version`, too.
-- It comes before the tables that refer to accounts: a transaction that asks for a stronger lock later can deadlock with payments.
ALTER TABLE accounts ADD COLUMN held_amount bigint NOT NULL DEFAULT 0, ADD COLUMN hold_changes bigint NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD CONSTRAINT accounts_hold_no_less_than_nothing CHECK (held_amount >= 0) NOT VALID;

CREATE TABLE holds (
  id uuid PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users (id),
  -- Where the money came from and where what is left goes back to.
  wallet_id uuid NOT NULL REFERENCES accounts (id),
  pot_account_id uuid NOT NULL UNIQUE REFERENCES accounts (id),
  -- Who is paid; null where the holder names somebody with each capture.
  credit_wallet_id uuid REFERENCES accounts (id),
  credit_user_id bigint REFERENCES users (id),
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  captured_amount bigint NOT NULL DEFAULT 0,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'captured', 'voided', 'expired')),
  reason text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  -- When its pot was emptied for good.
  closed_at timestamptz,
  -- When its expiry failed and got a job of its own; the expiry of others no longer meets it.
  set_aside_at timestamptz,
  CONSTRAINT holds_capture_what_they_have CHECK (captured_amount BETWEEN 0 AND amount),
  CONSTRAINT holds_are_closed_when_not_open CHECK ((state = 'open') = (closed_at IS NULL)),
  CONSTRAINT holds_name_a_wallet_with_its_user CHECK ((credit_wallet_id IS NULL) = (credit_user_id IS NULL))
) WITH (fillfactor = 80);

-- A list takes the newest of each state.
CREATE INDEX holds_by_wallet ON holds (wallet_id, state, created_at DESC, id DESC);
CREATE INDEX holds_by_receiver ON holds (credit_wallet_id, state, created_at DESC, id DESC) WHERE credit_wallet_id IS NOT NULL;
-- What is to expire, in eight equal parts that several workers can work on without meeting.
CREATE INDEX holds_open ON holds ((get_byte(uuid_send(id), 15) & 7), expires_at, id)
  WHERE closed_at IS NULL AND set_aside_at IS NULL;

CREATE TRIGGER holds_go_forward BEFORE UPDATE ON holds FOR EACH ROW
  WHEN (OLD.closed_at IS NOT NULL OR NEW.captured_amount < OLD.captured_amount)
  EXECUTE FUNCTION refuse_change();

-- A hold that a statement made or changed: what is left of it, and by how much that is more than before.
CREATE TYPE holds_change AS (wallet_id uuid, pot_account_id uuid, currency text, left_over bigint, change bigint);

-- What wallets hold follows from holds, and holds from their pots: whoever takes over a server can write neither by itself.
-- A pot must hold exactly what is left of its hold; where it does not, nothing is written. No batch can come between, because
-- both are read under the pot's lock, so running again would not help. Transition tables have no index, so none is joined.
CREATE FUNCTION follow_holds() RETURNS trigger
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
  IF EXISTS (SELECT 1 FROM unnest(changed) AS c JOIN accounts p ON p.id = c.pot_account_id
    WHERE p.kind <> 'hold' OR p.currency <> c.currency OR p.balance <> c.left_over) THEN
    RAISE EXCEPTION 'the pot of a hold is not what is left of it' USING ERRCODE = 'check_violation';
  END IF;
  UPDATE accounts a SET held_amount = a.held_amount + c.change, hold_changes = a.hold_changes + c.count,
    version = a.version + c.count
  FROM (SELECT wallet_id, sum(change)::bigint AS change, count(*) FROM unnest(changed) AS one GROUP BY wallet_id) AS c
  WHERE a.id = c.wallet_id;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION follow_holds() FROM PUBLIC;
CREATE TRIGGER holds_are_followed AFTER INSERT ON holds REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION follow_holds();
CREATE TRIGGER holds_are_followed_on AFTER UPDATE ON holds REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION follow_holds();

GRANT SELECT, UPDATE (captured_amount, state, closed_at) ON holds TO ppuri_app, ppuri_worker;
GRANT INSERT (id, user_id, wallet_id, pot_account_id, credit_wallet_id, credit_user_id, currency, amount, reason, created_at,
  expires_at) ON holds TO ppuri_app;
GRANT UPDATE (set_aside_at) ON holds TO ppuri_worker;
