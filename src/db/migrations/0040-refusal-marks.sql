-- A refusal under an idempotency key leaves a mark: a row without an outcome. It is under the same unique key as answers,
-- so an earlier attempt that is still on its way meets it, and one that has not seen it runs into the key.
ALTER TABLE idempotency_keys ALTER COLUMN fingerprint DROP NOT NULL, ALTER COLUMN outcome DROP NOT NULL;
-- Of a mark: when the refused attempt was signed, in seconds by its caller's clock. Its created_at is the database's
-- clock when it was refused.
ALTER TABLE idempotency_keys ADD COLUMN signed_at bigint;
-- Of an answer: the RPC that gave it; empty on answers of the system's own jobs and on those from before.
ALTER TABLE idempotency_keys ADD COLUMN rpc text;
ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_answer_or_mark CHECK (
  CASE WHEN outcome IS NULL THEN fingerprint IS NULL AND rpc IS NULL AND signed_at IS NOT NULL
  ELSE fingerprint IS NOT NULL AND signed_at IS NULL END) NOT VALID;

-- An answer is never changed; a mark gives way to a later mark or to an answer.
DROP TRIGGER idempotency_keys_are_immutable ON idempotency_keys;
CREATE TRIGGER idempotency_keys_are_immutable BEFORE UPDATE ON idempotency_keys
  FOR EACH ROW WHEN (OLD.outcome IS NOT NULL) EXECUTE FUNCTION refuse_change();
GRANT UPDATE (fingerprint, outcome, rpc, signed_at, created_at) ON idempotency_keys TO ppuri_app;

-- Deletes marks that are older than any attempt can be: a signature is taken for a minute, an attempt is decided within
-- five, and a transaction does not last an hour. Answers stay for good. It runs with its owner's rights, so that nobody
-- needs the right to delete what stands under a key.
CREATE FUNCTION purge_refusal_marks(at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  gone integer;
BEGIN
  DELETE FROM idempotency_keys WHERE (user_id, key) IN (
    SELECT user_id, key FROM idempotency_keys
    WHERE outcome IS NULL AND created_at < clock_timestamp() - interval '1 hour'
    LIMIT at_most FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$;
REVOKE ALL ON FUNCTION purge_refusal_marks(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_refusal_marks(integer) TO ppuri_worker;
