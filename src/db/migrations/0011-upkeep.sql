-- Upkeep: what old data may go, and how the ledger is held against itself.

-- Sprinkles are written in the order of time, so a small index by blocks is enough to find the old ones.
CREATE INDEX sprinkles_by_age ON sprinkles USING brin (created_at);

-- Deletes sprinkles that were made before a moment and are closed, with their claims and tokens; what they moved stays in
-- the ledger for good. It runs with its owner's rights, so that nobody needs the right to delete any other sprinkle.
CREATE FUNCTION purge_sprinkles(made_before timestamptz, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  old_ids uuid[];
BEGIN
  old_ids := ARRAY(SELECT id FROM sprinkles WHERE created_at < made_before AND closed_at IS NOT NULL
    LIMIT at_most FOR UPDATE SKIP LOCKED);
  DELETE FROM sprinkle_tokens WHERE sprinkle_id = ANY (old_ids);
  DELETE FROM sprinkle_claims WHERE sprinkle_id = ANY (old_ids);
  DELETE FROM sprinkles WHERE id = ANY (old_ids);
  RETURN cardinality(old_ids);
END $$;
CREATE INDEX sprinkle_tokens_by_sprinkle ON sprinkle_tokens (sprinkle_id);
REVOKE ALL ON FUNCTION purge_sprinkles(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_sprinkles(timestamptz, integer) TO ppuri_worker;

-- A key that replaced one that is gone replaced none that can be shown.
ALTER TABLE api_keys DROP CONSTRAINT api_keys_replaces_id_fkey,
  ADD CONSTRAINT api_keys_replaces_id_fkey FOREIGN KEY (replaces_id) REFERENCES api_keys (id) ON DELETE SET NULL;
CREATE FUNCTION purge_api_keys(ended_before timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  gone integer;
BEGIN
  DELETE FROM api_keys WHERE least(revoked_at, expires_at) < ended_before;
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$;
REVOKE ALL ON FUNCTION purge_api_keys(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_api_keys(timestamptz) TO ppuri_worker;

-- What each account's transfers sum up to, as far as they have been added up.
CREATE TABLE ledger_checkpoints (
  account_id uuid PRIMARY KEY,
  balance bigint NOT NULL,
  transfers bigint NOT NULL
);
-- Each time the ledger was held against itself, and what was found wrong.
CREATE TABLE reconciliations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Transfers before this moment are in the checkpoints.
  through timestamptz NOT NULL,
  transfers bigint NOT NULL,
  faults json NOT NULL,
  ran_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON ledger_checkpoints, reconciliations TO ppuri_app;
GRANT INSERT, UPDATE ON ledger_checkpoints TO ppuri_worker;
GRANT INSERT ON reconciliations TO ppuri_worker;
