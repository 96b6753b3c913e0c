-- What wallets have moved is text, which Postgres only passes on, and a batch no longer reads an array of numbers for each wallet. A wallet
-- with many transfers is counted in steps and without its lock, up to a moment that its row keeps; under the lock only what came
-- since is added.

-- contract: no release has used it.
ALTER TABLE accounts DROP COLUMN usage, ADD COLUMN usage_transfers bigint, ADD COLUMN usage text;
COMMENT ON COLUMN accounts.usage_transfers IS
  'How many transfers the wallet had when `usage` was right; null where that says what was counted in steps.';
COMMENT ON COLUMN accounts.usage IS
  'What the wallet has moved, as whole numbers between colons: the first moments of the day and the month (microseconds since 1970), out, in and how often out on that day, out and in in that month, and 1 if it may have filled pots that still hold something. Where it was counted in steps a ninth follows: the moment before which all transfers are counted.';

-- contract: the release before calls post_dated_transfers(), and no release called these.
DROP FUNCTION post_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[], uuid[], text[],
  text[], timestamptz[], integer[], integer[], bigint[]);
-- contract: no release called it.
DROP FUNCTION count_usage(uuid, timestamptz, timestamptz);

-- Posts the transfers of a batch, in their order, and derives from them what their accounts become: each balance that a transfer
-- states must follow from its account's balance and from the transfers before it, and where one does not, nothing is written and
-- the error is a serialization failure. A moment is not before that of an account's transfer before it, because the books are
-- ordered by it, and never further from the clock than a minute.
--
-- While limits are in force, the last two lists have what wallets have moved after the batch, as accounts.usage has it: once for
-- each wallet that was counted, beside any of its transfers and on the wallet's side, and NULL everywhere else. Both lists are NULL
-- where no limits are in force. One statement updates each account once: a second update of the same rows would cost as much as the
-- first.
--
-- A transfer that comes alone is posted by three plain statements: setting up the one statement for a batch costs more than
-- running it does.
CREATE FUNCTION post_transfers(ids uuid[], kinds transfer_kind[], currencies text[], amounts bigint[], debits uuid[], credits uuid[],
  debit_balances bigint[], credit_balances bigint[], sprinkles uuid[], memos text[], signers text[], moments timestamptz[],
  debit_usages text[], credit_usages text[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  touched bigint;
  changed bigint;
  restricted bigint := 0;
  out_restriction timestamptz;
  in_restriction timestamptz;
  first timestamptz;
  last timestamptz;
BEGIN
  IF cardinality(ids) = 1 AND cardinality(kinds) = 1 AND cardinality(moments) = 1 AND debits[1] <> credits[1] THEN
    INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
      debit_balance_after, credit_balance_after, sprinkle_id, memo, key_id)
    VALUES (ids[1], moments[1], kinds[1], currencies[1], amounts[1], debits[1], credits[1],
      debit_balances[1], credit_balances[1], sprinkles[1], memos[1], signers[1]);
    first := moments[1];
    last := moments[1];
    touched := 2;
    UPDATE accounts a SET balance = debit_balances[1], version = a.version + 1, updated_at = moments[1],
      usage = coalesce(debit_usages[1], a.usage), usage_transfers = CASE WHEN debit_usages[1] IS NULL THEN a.usage_transfers
        ELSE a.version - a.hold_changes + 1 END
    WHERE a.id = debits[1] AND a.balance - amounts[1] = debit_balances[1] AND a.currency = currencies[1]
      AND a.updated_at <= moments[1]
    RETURNING coalesce(a.closed_at, a.frozen_out_until, a.user_frozen_out_until) INTO out_restriction;
    changed := CASE WHEN FOUND THEN 1 ELSE 0 END;
    UPDATE accounts a SET balance = credit_balances[1], version = a.version + 1, updated_at = moments[1],
      usage = coalesce(credit_usages[1], a.usage), usage_transfers = CASE WHEN credit_usages[1] IS NULL THEN a.usage_transfers
        ELSE a.version - a.hold_changes + 1 END
    WHERE a.id = credits[1] AND a.balance + amounts[1] = credit_balances[1] AND a.currency = currencies[1]
      AND a.updated_at <= moments[1]
    RETURNING coalesce(a.closed_at, a.frozen_in_until, a.user_frozen_in_until) INTO in_restriction;
    IF FOUND THEN changed := changed + 1; END IF;
  ELSE
    WITH given AS MATERIALIZED (
      SELECT * FROM unnest(ids, kinds, currencies, amounts, debits, credits, debit_balances, credit_balances, sprinkles, memos,
        signers, moments, debit_usages, credit_usages)
        WITH ORDINALITY AS g (id, kind, currency, amount, debit, credit, debit_balance, credit_balance, sprinkle, memo, signer,
          moment, debit_usage, credit_usage, place)
    ), inserted AS (
      INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
        debit_balance_after, credit_balance_after, sprinkle_id, memo, key_id)
      SELECT id, moment, kind, currency, amount, debit, credit, debit_balance, credit_balance, sprinkle, memo, signer
      FROM given
    ), sides AS (
      SELECT debit AS account, currency, -amount AS change, debit_balance AS balance, moment, debit_usage AS usage, place FROM given
      UNION ALL SELECT credit, currency, amount, credit_balance, moment, credit_usage, place FROM given
    ), steps AS (
      SELECT account, currency, change, balance, moment, usage,
        lag(balance) OVER running AS before, lag(moment) OVER running AS moment_before
      FROM sides WINDOW running AS (PARTITION BY account ORDER BY place)
    ), moved AS MATERIALIZED (
      SELECT account, sum(change)::bigint AS change, count(*) AS count,
        max(balance - change) FILTER (WHERE before IS NULL) AS balance_before, min(currency COLLATE "C") AS currency,
        min(moment) AS first_moment, max(moment) AS last_moment, max(usage COLLATE "C") AS usage,
        bool_and(balance - change = coalesce(before, balance - change) AND moment >= coalesce(moment_before, moment))
          AND min(currency COLLATE "C") = max(currency COLLATE "C") AS follows
      FROM steps GROUP BY account
    ), updated AS (
      UPDATE accounts a SET balance = m.balance_before + m.change, version = a.version + m.count, updated_at = m.last_moment,
        usage = coalesce(m.usage, a.usage), usage_transfers = CASE WHEN m.usage IS NULL THEN a.usage_transfers
          ELSE a.version - a.hold_changes + m.count END
      FROM moved m
      -- The planner takes a range of what it knows nothing about for a few rows, so it expects one account and finds it by its
      -- key. Left to itself it may read the whole table, when it plans while that is small, and a connection keeps its plan.
      WHERE m.count BETWEEN 1 AND 1000000000
        AND a.id = m.account AND m.follows AND a.balance = m.balance_before AND a.currency = m.currency
        AND a.updated_at <= m.first_moment
      RETURNING coalesce(a.closed_at, a.frozen_out_until, a.frozen_in_until, a.user_frozen_out_until, a.user_frozen_in_until)
        AS restricted_by
    )
    SELECT m.touched, u.changed, u.restricted, m.first, m.last INTO touched, changed, restricted, first, last
    FROM (SELECT count(*) AS touched, min(first_moment) AS first, max(last_moment) AS last FROM moved) AS m,
      (SELECT count(*) AS changed, count(restricted_by) AS restricted FROM updated) AS u;
  END IF;
  IF touched <> changed THEN
    RAISE EXCEPTION 'the balances of % of % accounts do not follow from their transfers', touched - changed, touched
      USING ERRCODE = 'serialization_failure';
  END IF;
  IF first < clock_timestamp() - interval '1 minute' OR last > clock_timestamp() + interval '1 minute' THEN
    RAISE EXCEPTION 'a transfer carries a moment far from the clock' USING ERRCODE = 'datetime_field_overflow';
  END IF;
  IF restricted > 0 OR out_restriction IS NOT NULL OR in_restriction IS NOT NULL THEN
    PERFORM refuse_restricted(kinds, debits, credits);
  END IF;
END $$;
REVOKE ALL ON FUNCTION post_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[], uuid[], text[],
  text[], timestamptz[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION post_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[], uuid[], text[],
  text[], timestamptz[], text[], text[]) TO ppuri_app, ppuri_worker;

-- For servers of the release before.
CREATE OR REPLACE FUNCTION post_dated_transfers(ids uuid[], kinds transfer_kind[], currencies text[], amounts bigint[], debits uuid[],
  credits uuid[], debit_balances bigint[], credit_balances bigint[], sprinkles uuid[], memos text[],
  signers text[], moments timestamptz[])
RETURNS void LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT public.post_transfers(ids, kinds, currencies, amounts, debits, credits, debit_balances, credit_balances, sprinkles, memos,
    signers, moments, NULL, NULL);
$$;

-- Counts what a wallet has moved by its transfers of these moments: out, in and how often out from `day_start` on, out and in in all,
-- which may be more than a bigint holds.
-- NULL where there are more than `most` transfers on either side; `most` may be NULL. Of money between a user's own wallets and
-- pots nothing is counted, and of refunds and returns neither (src/domain/usage.ts says the same).
--
-- The transfers are found by the index that has them in order, whatever Postgres thinks of accounts: sorting is switched off, so
-- nothing else has the order that is asked for. Of a user who has no other wallet no transfer is between own wallets.
CREATE FUNCTION moved_between(wallet uuid, day_start timestamptz, since timestamptz, before timestamptz, most bigint)
RETURNS numeric[] LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp SET enable_sort = off AS $$
DECLARE
  owner bigint;
  is_only boolean;
  paid record;
  received record;
BEGIN
  SELECT a.owner_user_id, a.is_default AND NOT a.owner_has_more INTO owner, is_only FROM accounts a WHERE a.id = wallet;
  SELECT count(*) AS found, coalesce(sum(t.amount) FILTER (WHERE t.counts AND t.created_at >= day_start), 0) AS day,
    count(*) FILTER (WHERE t.counts AND t.created_at >= day_start) AS count,
    coalesce(sum(t.amount) FILTER (WHERE t.counts), 0) AS total
  INTO paid FROM (SELECT t.amount, t.created_at, t.kind IN ('withdrawal', 'sprinkle', 'payout', 'hold', 'gift') OR (t.kind = 'transfer'
      AND (is_only OR (SELECT o.owner_user_id FROM accounts o WHERE o.id = t.credit_account_id) IS DISTINCT FROM owner)) AS counts
    FROM (SELECT * FROM transfers t WHERE t.debit_account_id = wallet AND t.created_at >= since AND t.created_at < before
      ORDER BY t.created_at DESC, t.id DESC LIMIT most + 1) AS t OFFSET 0) AS t;
  IF paid.found > most THEN RETURN NULL; END IF;
  SELECT count(*) AS found, coalesce(sum(t.amount) FILTER (WHERE t.counts AND t.created_at >= day_start), 0) AS day,
    coalesce(sum(t.amount) FILTER (WHERE t.counts), 0) AS total
  INTO received FROM (SELECT t.amount, t.created_at, CASE
      WHEN t.kind IN ('deposit', 'claim') THEN true
      WHEN t.kind = 'transfer' THEN
        is_only OR (SELECT o.owner_user_id FROM accounts o WHERE o.id = t.debit_account_id) IS DISTINCT FROM owner
      WHEN t.kind IN ('capture', 'gift_accept') THEN
        (SELECT h.user_id FROM holds h WHERE h.pot_account_id = t.debit_account_id) IS DISTINCT FROM owner
      WHEN t.kind = 'payout_line' THEN
        (SELECT p.owner_user_id FROM payouts p WHERE p.pot_account_id = t.debit_account_id) IS DISTINCT FROM owner
      ELSE false END AS counts
    FROM (SELECT * FROM transfers t WHERE t.credit_account_id = wallet AND t.created_at >= since AND t.created_at < before
      ORDER BY t.created_at DESC, t.id DESC LIMIT most + 1) AS t OFFSET 0) AS t;
  IF received.found > most THEN RETURN NULL; END IF;
  RETURN ARRAY[paid.day, received.day, paid.count, paid.total, received.total];
END $$;
REVOKE ALL ON FUNCTION moved_between(uuid, timestamptz, timestamptz, timestamptz, bigint) FROM PUBLIC;

-- From which moment on the transfers of a wallet with this accounts.usage are yet to be counted for a day and a month, and what those
-- before it come to. What was counted in steps on an earlier day of the month says how much was moved in the month.
CREATE FUNCTION counted_in_steps(usage text, day_start timestamptz, month_start timestamptz, OUT since timestamptz,
  OUT counted numeric[])
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  numbers numeric[] := string_to_array(usage, ':')::numeric[];
  day bigint := extract(epoch FROM day_start) * 1000000;
BEGIN
  since := month_start;
  counted := '{0, 0, 0, 0, 0}';
  IF cardinality(numbers) = 9 AND numbers[2] = extract(epoch FROM month_start) * 1000000
    AND (numbers[1] = day OR numbers[9] <= day) THEN
    since := timestamptz 'epoch' + numbers[9]::bigint * interval '1 microsecond';
    counted := CASE WHEN numbers[1] = day THEN numbers[3:7] ELSE ARRAY[0, 0, 0, numbers[6], numbers[7]] END;
  END IF;
END $$;
REVOKE ALL ON FUNCTION counted_in_steps(text, timestamptz, timestamptz) FROM PUBLIC;

-- Counts what a wallet has moved on a day and in a month, as accounts.usage has it: what was counted in steps, and the transfers
-- since. NULL where these are more than `most` on either side, which are for count_ahead(). With `most` NULL it counts all of the
-- month's transfers. They are never in the archive. Its caller has locked the wallet, or reads in one moment's view.
CREATE FUNCTION count_usage(wallet uuid, day_start timestamptz, month_start timestamptz, most bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  account record;
  start record;
  more numeric[];
  has_pots boolean;
BEGIN
  SELECT a.owner_user_id AS owner, a.usage INTO account FROM accounts a WHERE a.id = wallet;
  SELECT * INTO start FROM counted_in_steps(CASE WHEN most IS NOT NULL THEN account.usage END, day_start, month_start);
  more := moved_between(wallet, day_start, start.since, 'infinity', most);
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
REVOKE ALL ON FUNCTION count_usage(uuid, timestamptz, timestamptz, bigint) FROM PUBLIC;

-- Counts at most `most` more transfers on either side of a wallet for a day and a month, and keeps in accounts.usage how far it came.
-- Returns whether it came to the last one. It does not lock the wallet while it counts: later transfers of a wallet are dated no
-- earlier than those that it has, so what lies before its last one is all there will ever be. What another session wrote meanwhile
-- stays.
CREATE FUNCTION count_ahead(wallet uuid, day_start timestamptz, month_start timestamptz, most bigint) RETURNS boolean
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
  more := moved_between(wallet, day_start, since, least(horizon, account.updated_at), NULL);
  UPDATE accounts a SET usage_transfers = NULL, usage = concat_ws(':', day, month, counted[1] + more[1],
    counted[2] + more[2], counted[3] + more[3], counted[4] + more[4], counted[5] + more[5], 1,
    (extract(epoch FROM least(horizon, account.updated_at)) * 1000000)::bigint)
  WHERE a.id = wallet AND a.usage IS NOT DISTINCT FROM account.usage
    AND a.usage_transfers IS NOT DISTINCT FROM account.usage_transfers;
  RETURN horizon IS NULL;
END $$;
REVOKE ALL ON FUNCTION count_ahead(uuid, timestamptz, timestamptz, bigint) FROM PUBLIC;

-- Holds what is counted against the transfers, and what default wallets say of their owners against what was set. What it finds
-- is added to the faults of the newest reconciliation, of which it is a part.
CREATE OR REPLACE FUNCTION reconcile_limits(OUT faults json)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  SELECT coalesce(json_agg(fault), '[]') INTO faults FROM (
    -- Where it is not of all of the wallet's transfers, no batch believes it.
    (SELECT 'usage' AS kind, a.id::text AS id, a.usage AS found, c.usage AS expected
    FROM accounts a,
      -- A server writes it, so it may be anything.
      LATERAL (SELECT CASE WHEN a.usage ~ '^[0-9]{1,16}:[0-9]{1,16}(:[0-9]+){6}$' THEN string_to_array(a.usage, ':')::numeric[]
        ELSE '{0, 0}' END AS numbers) AS n,
      LATERAL (SELECT count_usage(a.id, to_timestamp(n.numbers[1] / 1000000), to_timestamp(n.numbers[2] / 1000000), NULL) AS usage) AS c
    WHERE EXISTS (SELECT FROM limit_policies) AND a.usage IS NOT NULL AND a.usage_transfers = a.version - a.hold_changes
      AND a.updated_at >= date_trunc('month', clock_timestamp()) - interval '1 day'
      AND (to_timestamp(n.numbers[2] / 1000000) >= date_trunc('month', clock_timestamp()) - interval '1 day' OR n.numbers[2] = 0)
      -- Whether there are pots is known to be false only.
      AND n.numbers[1:7] <> (string_to_array(c.usage, ':')::numeric[])[1:7] LIMIT 100)
    UNION ALL
    (SELECT 'owner', a.id::text, format('%s %s %s', a.owner_tier, a.owner_overrides, a.owner_has_more),
      format('%s %s %s', u.tier, u.overrides, m.has_more)
    FROM accounts a LEFT JOIN user_limits u ON u.user_id = a.owner_user_id, LATERAL (SELECT EXISTS (SELECT FROM accounts o
      WHERE o.owner_user_id = a.owner_user_id AND o.kind = 'wallet' AND NOT o.is_default) AS has_more) AS m
    WHERE a.is_default AND (a.owner_tier IS DISTINCT FROM u.tier OR a.owner_overrides IS DISTINCT FROM u.overrides
      OR (m.has_more AND NOT a.owner_has_more)) LIMIT 100)
  ) AS fault;
  IF json_array_length(reconcile_limits.faults) > 0 THEN
    UPDATE reconciliations r SET faults = (r.faults::jsonb || reconcile_limits.faults::jsonb)::json
    WHERE r.id = (SELECT max(id) FROM reconciliations);
  END IF;
END $$;

GRANT EXECUTE ON FUNCTION moved_between(uuid, timestamptz, timestamptz, timestamptz, bigint),
  counted_in_steps(text, timestamptz, timestamptz), count_usage(uuid, timestamptz, timestamptz, bigint),
  count_ahead(uuid, timestamptz, timestamptz, bigint) TO ppuri_app, ppuri_worker;
