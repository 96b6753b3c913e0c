-- The audit trail: what ops did, and what was refused. It only grows, for its owner too, until a line is five years old.

CREATE TABLE audit_acts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- The database's clock: who writes a line cannot say when it was.
  occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- What the lines of one act have in common.
  act_id uuid NOT NULL,
  key_id text NOT NULL CHECK (length(key_id) <= 64),
  actor text NOT NULL CHECK (length(actor) BETWEEN 1 AND 200),
  client_address text NOT NULL CHECK (length(client_address) <= 64),
  rpc text NOT NULL CHECK (length(rpc) BETWEEN 1 AND 200),
  target text NOT NULL CHECK (length(target) <= 200),
  outcome text NOT NULL
    CHECK (outcome IN ('attempted', 'done', 'refused', 'failed', 'denied', 'unauthenticated', 'dropped')),
  reason text NOT NULL CHECK (length(reason) <= 500),
  before jsonb,
  after jsonb,
  request_id text NOT NULL CHECK (length(request_id) <= 64),
  -- How many calls this line stands for.
  count bigint NOT NULL CHECK (count > 0)
);
CREATE INDEX audit_acts_of_key ON audit_acts (key_id, id DESC);
CREATE INDEX audit_acts_on_target ON audit_acts (target, id DESC) WHERE target <> '';
CREATE INDEX audit_acts_by_time ON audit_acts USING brin (occurred_at);

CREATE TRIGGER audit_acts_are_final BEFORE UPDATE ON audit_acts
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_acts_are_not_emptied BEFORE TRUNCATE ON audit_acts
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_acts_are_kept BEFORE DELETE ON audit_acts
  FOR EACH ROW WHEN (OLD.occurred_at > now() - interval '5 years') EXECUTE FUNCTION refuse_change();

-- Removes lines from before a moment, which must be five years ago; how many. For the owner alone: no process calls it.
CREATE FUNCTION purge_audit_acts(before_moment timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE removed bigint;
BEGIN
  IF before_moment > now() - interval '5 years' THEN
    RAISE EXCEPTION 'lines of the audit trail are kept for five years';
  END IF;
  DELETE FROM audit_acts WHERE occurred_at < before_moment;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END $$;
REVOKE ALL ON FUNCTION purge_audit_acts FROM PUBLIC;

GRANT INSERT (act_id, key_id, actor, client_address, rpc, target, outcome, reason, before, after, request_id, count)
  ON audit_acts TO ppuri_app, ppuri_admin;
GRANT SELECT ON audit_acts TO ppuri_admin;
