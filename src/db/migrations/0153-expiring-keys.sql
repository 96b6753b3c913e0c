-- Announces API keys that expire within 14 days and that nothing replaces yet, each once; returns how many. Keys that never expire
-- and those that were revoked are passed over. A worker calls it every day.
CREATE FUNCTION announce_expiring_keys() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  announced integer;
BEGIN
  -- Several workers may do it at once; the second one finds what the first has announced.
  PERFORM pg_advisory_xact_lock(hashtext('announce_expiring_keys'));
  INSERT INTO announcements (type, subject, user_ids, data)
  SELECT 'key.expiring', 'api-keys/' || k.id, array_remove(ARRAY[k.user_id], NULL),
    jsonb_build_object('key_id', k.id, 'expires_at', (extract(epoch FROM k.expires_at) * 1000000)::bigint::text)
  FROM api_keys k
  WHERE k.revoked_at IS NULL AND k.expires_at BETWEEN clock_timestamp() AND clock_timestamp() + interval '14 days'
    AND NOT EXISTS (SELECT 1 FROM api_keys newer WHERE newer.replaces_id = k.id)
    AND NOT EXISTS (SELECT 1 FROM announcements a
      WHERE a.type = 'key.expiring' AND a.subject = 'api-keys/' || k.id);
  GET DIAGNOSTICS announced = ROW_COUNT;
  RETURN announced;
END $$;
REVOKE ALL ON FUNCTION announce_expiring_keys() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION announce_expiring_keys() TO ppuri_worker;
-- few rows: announcements are new in this release, and those of keys are few.
CREATE INDEX announcements_of_keys ON announcements (subject) WHERE type = 'key.expiring';
