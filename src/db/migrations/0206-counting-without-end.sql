-- What a wallet has moved is counted as the most that a bigint holds once it is more: 1,025 of the largest transfers were, and then
-- counting failed, and so did each transfer of the wallet until the month was over. No limit is above that, so all are kept
-- (src/domain/usage.ts says the same). Otherwise as migration 0180 has it.
CREATE OR REPLACE FUNCTION count_usage(wallet uuid, day_start timestamptz, month_start timestamptz) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp SET enable_sort = off AS $$
DECLARE
  most constant numeric := 9223372036854775807;
  owner bigint;
  is_only boolean;
  transfer_count bigint;
  paid record;
  received record;
  has_pots boolean;
BEGIN
  SELECT a.owner_user_id, a.is_default AND NOT a.owner_has_more, a.version - a.hold_changes INTO owner, is_only, transfer_count
  FROM accounts a WHERE a.id = wallet;
  SELECT least(coalesce(sum(t.amount) FILTER (WHERE t.created_at >= day_start), 0), most)::bigint AS day,
    count(*) FILTER (WHERE t.created_at >= day_start) AS count, least(coalesce(sum(t.amount), 0), most)::bigint AS month
  INTO paid FROM (SELECT * FROM transfers t WHERE t.debit_account_id = wallet AND t.created_at >= month_start
    ORDER BY t.created_at DESC, t.id DESC OFFSET 0) AS t
  WHERE t.kind IN ('withdrawal', 'sprinkle', 'payout', 'hold', 'gift') OR (t.kind = 'transfer'
    AND (is_only OR (SELECT o.owner_user_id FROM accounts o WHERE o.id = t.credit_account_id) IS DISTINCT FROM owner));
  SELECT least(coalesce(sum(t.amount) FILTER (WHERE t.created_at >= day_start), 0), most)::bigint AS day,
    least(coalesce(sum(t.amount), 0), most)::bigint AS month
  INTO received FROM (SELECT * FROM transfers t WHERE t.credit_account_id = wallet AND t.created_at >= month_start
    ORDER BY t.created_at DESC, t.id DESC OFFSET 0) AS t
  WHERE CASE
    WHEN t.kind IN ('deposit', 'claim') THEN true
    WHEN t.kind = 'transfer' THEN
      is_only OR (SELECT o.owner_user_id FROM accounts o WHERE o.id = t.debit_account_id) IS DISTINCT FROM owner
    WHEN t.kind IN ('capture', 'gift_accept') THEN
      (SELECT h.user_id FROM holds h WHERE h.pot_account_id = t.debit_account_id) IS DISTINCT FROM owner
    WHEN t.kind = 'payout_line' THEN
      (SELECT p.owner_user_id FROM payouts p WHERE p.pot_account_id = t.debit_account_id) IS DISTINCT FROM owner
    ELSE false END;
  has_pots := coalesce(
    (SELECT true FROM sprinkles s WHERE s.creator_user_id = owner AND s.source_account_id = wallet AND s.closed_at IS NULL LIMIT 1),
    (SELECT true FROM payouts p WHERE p.owner_user_id = owner AND p.source_account_id = wallet AND p.state = 'running' LIMIT 1), false);
  RETURN ARRAY[transfer_count, extract(epoch FROM day_start)::bigint * 1000000,
    extract(epoch FROM month_start)::bigint * 1000000, paid.day, received.day, paid.count, paid.month, received.month,
    has_pots::integer];
END $$;
