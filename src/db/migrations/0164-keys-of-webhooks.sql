-- A webhook belongs to the first key of a line of replacements. A key that was replaced long ago is kept while its line has a webhook
-- and can sign: without it the line would fall apart, and the webhook would send nothing more and belong to nobody. Otherwise as
-- migration 0052 has it.
CREATE OR REPLACE FUNCTION purge_api_keys(ended_before timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  gone integer;
BEGIN
  DELETE FROM api_keys k
  WHERE least(k.revoked_at, k.expires_at) < least(ended_before, clock_timestamp() - interval '30 days')
    AND NOT EXISTS (SELECT 1 FROM webhooks w
      WHERE w.owner_key_id = key_line(k.id) AND w.deleted_at IS NULL AND key_line_is_live(w.owner_key_id));
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$;
