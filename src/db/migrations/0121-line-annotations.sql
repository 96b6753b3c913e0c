-- Lines of payouts carry the reference and labels of their transfers, and a purged draft takes its own along.
ALTER TABLE payout_lines ADD COLUMN reference text COLLATE "C", ADD COLUMN labels json;

-- As migration 0074 has it, with what is attached to the drafts.
CREATE OR REPLACE FUNCTION purge_payout_drafts(made_before timestamptz, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  old_ids uuid[];
BEGIN
  IF made_before > clock_timestamp() - interval '1 day' THEN
    RAISE EXCEPTION 'drafts stay for a day at least';
  END IF;
  old_ids := ARRAY(SELECT id FROM payouts WHERE state = 'draft' AND created_at < made_before
    LIMIT at_most FOR UPDATE SKIP LOCKED);
  DELETE FROM annotations WHERE subject_id = ANY (old_ids);
  DELETE FROM payout_lines WHERE payout_id = ANY (old_ids);
  DELETE FROM payouts WHERE id = ANY (old_ids);
  RETURN cardinality(old_ids);
END $$;
