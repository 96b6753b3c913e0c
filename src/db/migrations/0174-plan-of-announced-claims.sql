-- As migration 0152 has it, but each claim finds its sprinkle by itself: a join read all sprinkles where few were counted when a
-- session made its plan (migration 0172).
CREATE OR REPLACE FUNCTION announce_claims() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO announcements (type, subject, user_ids, data)
  SELECT 'sprinkle.claimed', 'sprinkles/' || s.id, ARRAY[n.user_id, s.creator_user_id],
    jsonb_build_object('sprinkle_id', s.id, 'room_id', s.room_id, 'creator_user_id', s.creator_user_id::text,
      'currency', s.currency, 'amount', s.amount::text, 'headcount', cardinality(s.shares), 'claimed_count', n.share_index + 1,
      'claimer_user_id', n.user_id::text, 'claimed_amount', n.amount::text, 'transfer_id', n.transfer_id)
  FROM after n, LATERAL (SELECT * FROM sprinkles s WHERE s.id = n.sprinkle_id OFFSET 0) AS s ORDER BY n.sprinkle_id, n.share_index;
  RETURN NULL;
END $$;
