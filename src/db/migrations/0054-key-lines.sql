-- At most two keys of a line of replacements are live at any moment: the new one and one that is on its way out. Two that
-- replace the same key meet at the unique key on replaces_id, so a line has no branches, and its end is read committed.
CREATE FUNCTION bound_key_line() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  live bigint;
BEGIN
  -- Ends only come nearer (api_keys_go_forward), so who has ended by the time that the new key begins stays so.
  WITH RECURSIVE line AS (
    SELECT k.replaces_id, k.revoked_at, k.expires_at FROM api_keys k WHERE k.id = NEW.replaces_id
    UNION ALL
    SELECT k.replaces_id, k.revoked_at, k.expires_at FROM line JOIN api_keys k ON k.id = line.replaces_id)
  SELECT count(*) INTO live FROM line WHERE coalesce(least(revoked_at, expires_at) > NEW.active_from, true);
  IF live > 1 THEN
    RAISE EXCEPTION 'two keys of this line are live already'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'api_keys_two_of_a_line';
  END IF;
  RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION bound_key_line() FROM PUBLIC;
CREATE TRIGGER api_keys_two_of_a_line BEFORE INSERT ON api_keys FOR EACH ROW
  WHEN (NEW.replaces_id IS NOT NULL) EXECUTE FUNCTION bound_key_line();
