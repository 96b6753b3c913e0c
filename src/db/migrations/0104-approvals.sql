-- Acts of operators that need the approval of a second key. Which these are is data that only the database's owner writes.

-- The RPCs, such as admin.v1.AccountService/ReverseTransfer. None needs an approval at first.
CREATE TABLE approval_rules (
  rpc text PRIMARY KEY CHECK (rpc ~ '^admin\.v1\.\w+/\w+$')
);

-- What was asked for, and who approved it.
CREATE TABLE pending_acts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  rpc text NOT NULL CHECK (length(rpc) <= 200),
  -- SHA-256 of the request, in hexadecimal: the second key approves exactly what the first one asked for.
  fingerprint text NOT NULL CHECK (length(fingerprint) = 64),
  target text NOT NULL CHECK (length(target) <= 200),
  reason text NOT NULL CHECK (length(reason) <= 500),
  asked_by text NOT NULL CHECK (length(asked_by) <= 64),
  asked_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  expires_at timestamptz NOT NULL DEFAULT statement_timestamp() + interval '1 day',
  approved_by text CHECK (length(approved_by) <= 64),
  approved_at timestamptz,
  -- The idempotency key of the call that approved it; empty where it has none.
  approved_with text CHECK (length(approved_with) <= 128),
  CONSTRAINT pending_acts_have_two_keys CHECK (approved_by <> asked_by),
  CONSTRAINT pending_acts_are_approved_by_somebody CHECK (num_nonnulls(approved_by, approved_at, approved_with) IN (0, 3))
);
CREATE UNIQUE INDEX pending_acts_waiting ON pending_acts (rpc, fingerprint) WHERE approved_at IS NULL;
CREATE INDEX pending_acts_approved ON pending_acts (rpc, fingerprint) WHERE approved_at IS NOT NULL;
CREATE TRIGGER pending_acts_stay_approved BEFORE UPDATE ON pending_acts FOR EACH ROW
  WHEN (OLD.approved_at IS NOT NULL) EXECUTE FUNCTION refuse_change();

-- Says whether an act may be done now: it needs no approval, or this call approves what another key asked for, or repeats the call
-- that did, under the same idempotency key. Otherwise it notes the act, and returns what waits for an approval until when. A key
-- approves only what was asked for a day after it was made, or who steals a key would make the second one with it.
CREATE FUNCTION approve_act(for_rpc text, of_request text, on_target text, because text, by_key text, with_key text,
  OUT act_id uuid, OUT expires timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM approval_rules WHERE rpc = for_rpc) THEN RETURN; END IF;
  IF with_key <> '' AND EXISTS (SELECT FROM pending_acts p WHERE p.rpc = for_rpc AND p.fingerprint = of_request
    AND p.approved_at IS NOT NULL AND p.approved_by = by_key AND p.approved_with = with_key) THEN
    RETURN;
  END IF;
  UPDATE pending_acts p SET approved_by = by_key, approved_at = clock_timestamp(), approved_with = with_key
  WHERE p.rpc = for_rpc AND p.fingerprint = of_request AND p.approved_at IS NULL AND p.expires_at > clock_timestamp()
    AND p.asked_by <> by_key
    AND EXISTS (SELECT FROM api_keys k WHERE k.id = by_key AND k.created_at < p.asked_at - interval '1 day');
  IF FOUND THEN RETURN; END IF;
  INSERT INTO pending_acts AS p (rpc, fingerprint, target, reason, asked_by)
  VALUES (for_rpc, of_request, on_target, because, by_key)
  ON CONFLICT (rpc, fingerprint) WHERE approved_at IS NULL DO UPDATE SET asked_by = excluded.asked_by,
    asked_at = excluded.asked_at, expires_at = excluded.expires_at, reason = excluded.reason
  WHERE p.expires_at <= clock_timestamp();
  SELECT p.id, p.expires_at INTO act_id, expires FROM pending_acts p
  WHERE p.rpc = for_rpc AND p.fingerprint = of_request AND p.approved_at IS NULL;
END $$;
REVOKE ALL ON FUNCTION approve_act(text, text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION approve_act(text, text, text, text, text, text) TO ppuri_admin;
GRANT SELECT ON approval_rules, pending_acts TO ppuri_admin;
