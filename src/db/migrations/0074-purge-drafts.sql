-- Drafts of payouts that are never started do not stay for ever.

-- Deletes up to so many drafts that were made before a moment, with their lines; how many. A draft that somebody adds lines
-- to or starts right now is left for the next time. Its pot, which has never held anything, stays as an empty account.
CREATE FUNCTION purge_payout_drafts(made_before timestamptz, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  old_ids uuid[];
BEGIN
  IF made_before > clock_timestamp() - interval '1 day' THEN
    RAISE EXCEPTION 'drafts stay for a day at least';
  END IF;
  old_ids := ARRAY(SELECT id FROM payouts WHERE state = 'draft' AND created_at < made_before
    LIMIT at_most FOR UPDATE SKIP LOCKED);
  DELETE FROM payout_lines WHERE payout_id = ANY (old_ids);
  DELETE FROM payouts WHERE id = ANY (old_ids);
  RETURN cardinality(old_ids);
END $$;
REVOKE ALL ON FUNCTION purge_payout_drafts(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_payout_drafts(timestamptz, integer) TO ppuri_worker;
