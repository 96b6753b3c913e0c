-- A batch dates all of its transfers alike, and may have more of one wallet than are counted at once. Where those were the wallet's
-- last ones, none could be counted ahead and yet they were too many to be counted, so calls that needed the wallet were refused until
-- it moved or the month was over; and a step shorter than they are came no further, for good. Otherwise as migration 0290 has both.

CREATE OR REPLACE FUNCTION count_usage(wallet uuid, day_start timestamptz, month_start timestamptz, most bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  account record;
  start record;
  more numeric[];
  has_pots boolean;
BEGIN
  SELECT a.owner_user_id AS owner, a.usage, a.updated_at INTO account FROM accounts a WHERE a.id = wallet;
  SELECT * INTO start FROM counted_in_steps(CASE WHEN most IS NOT NULL THEN account.usage END, day_start, month_start);
  -- Of the last moment's own transfers, which a batch may have made many of, none can be counted ahead.
  more := moved_between(wallet, day_start, start.since, 'infinity', CASE WHEN account.updated_at > start.since THEN most END);
  IF more IS NULL THEN RETURN NULL; END IF;
  has_pots := coalesce(
    (SELECT true FROM sprinkles s WHERE s.creator_user_id = account.owner AND s.source_account_id = wallet AND s.closed_at IS NULL
      LIMIT 1),
    (SELECT true FROM payouts p WHERE p.owner_user_id = account.owner AND p.source_account_id = wallet AND p.state = 'running'
      LIMIT 1), false);
  RETURN concat_ws(':', extract(epoch FROM day_start)::bigint * 1000000, extract(epoch FROM month_start)::bigint * 1000000,
    start.counted[1] + more[1], start.counted[2] + more[2], start.counted[3] + more[3], start.counted[4] + more[4],
    start.counted[5] + more[5], has_pots::integer);
END $$;

CREATE OR REPLACE FUNCTION count_ahead(wallet uuid, day_start timestamptz, month_start timestamptz, most bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_sort = off AS $$
DECLARE
  account record;
  since timestamptz;
  counted numeric[];
  horizon timestamptz;
  more numeric[];
  day bigint := extract(epoch FROM day_start) * 1000000;
  month bigint := extract(epoch FROM month_start) * 1000000;
BEGIN
  SELECT a.usage, a.usage_transfers, a.updated_at, a.usage_transfers = a.version - a.hold_changes
    AND starts_with(a.usage, concat_ws(':', day, month, '')) AS is_right
  INTO account FROM accounts a WHERE a.id = wallet;
  SELECT c.since, c.counted INTO since, counted FROM counted_in_steps(account.usage, day_start, month_start) AS c;
  IF account.is_right OR account.updated_at <= since THEN RETURN true; END IF;
  horizon := least(
    (SELECT t.created_at FROM transfers t WHERE t.debit_account_id = wallet AND t.created_at >= since
      ORDER BY t.created_at, t.id OFFSET most LIMIT 1),
    (SELECT t.created_at FROM transfers t WHERE t.credit_account_id = wallet AND t.created_at >= since
      ORDER BY t.created_at, t.id OFFSET most LIMIT 1));
  -- A batch gives all of its transfers one moment: where that moment has more than `most`, they are counted together.
  horizon := CASE WHEN horizon = since THEN since + interval '1 microsecond' ELSE horizon END;
  more := moved_between(wallet, day_start, since, least(horizon, account.updated_at), NULL);
  UPDATE accounts a SET usage_transfers = NULL, usage = concat_ws(':', day, month, counted[1] + more[1],
    counted[2] + more[2], counted[3] + more[3], counted[4] + more[4], counted[5] + more[5], 1,
    (extract(epoch FROM least(horizon, account.updated_at)) * 1000000)::bigint)
  WHERE a.id = wallet AND a.usage IS NOT DISTINCT FROM account.usage
    AND a.usage_transfers IS NOT DISTINCT FROM account.usage_transfers;
  RETURN horizon IS NULL;
END $$;
