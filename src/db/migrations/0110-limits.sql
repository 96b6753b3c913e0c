-- Limits on money: policies, the tiers of users and their own limits, and what each wallet has moved today and this month.

ALTER TABLE accounts
  -- What a wallet has moved, counted by batches while there are policies: how many transfers it had when this was right, the
  -- first moments of the day and the month (microseconds since 1970), out and in and how often out on that day, out and in in
  -- that month, and 1 if it may have filled pots that still hold something. A transfer that was not counted makes the first
  -- number wrong, and then the rest is counted from the transfers.
  ADD COLUMN usage bigint[],
  -- Of a default wallet, which all batches lock that move money of its owner: the owner's row of user_limits, and whether the
  -- owner has other wallets.
  ADD COLUMN owner_tier text,
  ADD COLUMN owner_overrides jsonb,
  ADD COLUMN owner_has_more boolean NOT NULL DEFAULT false;

-- What users of a tier may hold and move in a currency, in its smallest unit; null where there is no limit.
CREATE TABLE limit_policies (
  tier text NOT NULL CHECK (tier IN ('unverified', 'verified', 'minor', 'business')),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  held bigint CHECK (held >= 0),
  call bigint CHECK (call >= 0),
  day_out bigint CHECK (day_out >= 0),
  day_in bigint CHECK (day_in >= 0),
  month_out bigint CHECK (month_out >= 0),
  month_in bigint CHECK (month_in >= 0),
  day_count bigint CHECK (day_count >= 0),
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (tier, currency)
);

-- One row while there are policies, and none otherwise. Every batch of the ledger reads it, and so holds its table's ACCESS
-- SHARE lock until it has committed. Whoever changes policies takes ACCESS EXCLUSIVE: he waits for every batch that knows the
-- old ones, and no batch begins meanwhile, so none commits by policies that are no longer in force.
CREATE TABLE limit_policy_set (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  -- New with every change and never used again, so that a server knows by it whether it has the policies.
  id uuid NOT NULL,
  -- Whose calendar days and months are counted, as in the IANA time zone database.
  time_zone text NOT NULL
);

-- What sets a user apart: a tier, and limits of its own for a while. Users without a row are unverified.
CREATE TABLE user_limits (
  user_id bigint PRIMARY KEY REFERENCES users (id),
  tier text NOT NULL CHECK (tier IN ('unverified', 'verified', 'minor', 'business')),
  -- [{currency, kind, limit, until, reason}]: the limit as text, the moment in microseconds since 1970.
  overrides jsonb NOT NULL CHECK (jsonb_typeof(overrides) = 'array')
);

-- Batches trust what a default wallet says of its owner, so that follows whatever becomes of wallets.
CREATE FUNCTION follow_wallets() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.is_default THEN
    UPDATE accounts a SET owner_tier = u.tier, owner_overrides = u.overrides,
      owner_has_more = EXISTS (SELECT FROM accounts o WHERE o.owner_user_id = NEW.owner_user_id AND o.kind = 'wallet' AND o.id <> NEW.id)
    FROM (SELECT 1) AS one LEFT JOIN user_limits u ON u.user_id = NEW.owner_user_id WHERE a.id = NEW.id;
  ELSE
    UPDATE accounts SET owner_has_more = true WHERE owner_user_id = NEW.owner_user_id AND is_default AND NOT owner_has_more;
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION follow_wallets() FROM PUBLIC;
CREATE TRIGGER wallets_are_known_to_their_owner AFTER INSERT ON accounts FOR EACH ROW
  WHEN (NEW.kind = 'wallet' AND NOT NEW.is_default) EXECUTE FUNCTION follow_wallets();
CREATE TRIGGER default_wallets_know_their_owner AFTER UPDATE OF is_default ON accounts FOR EACH ROW
  WHEN (NEW.is_default AND NOT OLD.is_default) EXECUTE FUNCTION follow_wallets();

-- Counts from its transfers what a wallet has moved since these moments. Of money between a user's own wallets and pots nothing
-- is counted, and of refunds and returns neither (src/domain/usage.ts says the same). The transfers of this month are never in
-- the archive.
CREATE FUNCTION count_usage(wallet uuid, day_start timestamptz, month_start timestamptz) RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT ARRAY[a.version - a.hold_changes, extract(epoch FROM day_start)::bigint * 1000000, extract(epoch FROM month_start)::bigint * 1000000,
    paid.day, received.day, paid.count, paid.month, received.month,
    (EXISTS (SELECT FROM sprinkles s WHERE s.creator_user_id = a.owner_user_id AND s.source_account_id = a.id AND s.closed_at IS NULL)
      OR EXISTS (SELECT FROM payouts p WHERE p.state = 'running' AND p.source_account_id = a.id))::integer]
  FROM accounts a, LATERAL (
    SELECT coalesce(sum(t.amount) FILTER (WHERE t.created_at >= day_start), 0)::bigint AS day,
      count(*) FILTER (WHERE t.created_at >= day_start) AS count, coalesce(sum(t.amount), 0)::bigint AS month
    FROM transfers t WHERE t.debit_account_id = a.id AND t.created_at >= month_start
      AND (t.kind::text IN ('withdrawal', 'sprinkle', 'payout', 'hold', 'gift') OR (t.kind = 'transfer'
        AND NOT EXISTS (SELECT FROM accounts o WHERE o.id = t.credit_account_id AND o.owner_user_id = a.owner_user_id)))
  ) AS paid, LATERAL (
    SELECT coalesce(sum(t.amount) FILTER (WHERE t.created_at >= day_start), 0)::bigint AS day,
      coalesce(sum(t.amount), 0)::bigint AS month
    FROM transfers t WHERE t.credit_account_id = a.id AND t.created_at >= month_start AND CASE
      WHEN t.kind::text IN ('deposit', 'claim') THEN true
      WHEN t.kind = 'transfer' THEN
        NOT EXISTS (SELECT FROM accounts o WHERE o.id = t.debit_account_id AND o.owner_user_id = a.owner_user_id)
      WHEN t.kind::text IN ('capture', 'gift_accept') THEN
        NOT EXISTS (SELECT FROM holds h WHERE h.pot_account_id = t.debit_account_id AND h.user_id = a.owner_user_id)
      WHEN t.kind = 'payout_line' THEN
        NOT EXISTS (SELECT FROM payouts p WHERE p.pot_account_id = t.debit_account_id AND p.owner_user_id = a.owner_user_id)
      ELSE false END
  ) AS received
  WHERE a.id = wallet
$$;
REVOKE ALL ON FUNCTION count_usage(uuid, timestamptz, timestamptz) FROM PUBLIC;

-- Puts a policy into force, or with `limits` null takes it out of force: for the next batch of every server, and for none
-- that is under way. Returns whether there was one. Waits 200 ms for batches, during which others wait for it; its caller
-- tries again.
CREATE FUNCTION put_limit_policy(policy_tier text, policy_currency text, limits bigint[], zone text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
  was_there boolean;
BEGIN
  LOCK TABLE limit_policy_set IN ACCESS EXCLUSIVE MODE;
  DELETE FROM limit_policies WHERE tier = policy_tier AND currency = policy_currency;
  was_there := FOUND;
  IF limits IS NOT NULL THEN
    INSERT INTO limit_policies VALUES (policy_tier, policy_currency, limits[1], limits[2], limits[3], limits[4], limits[5],
      limits[6], limits[7], clock_timestamp());
  END IF;
  DELETE FROM limit_policy_set;
  INSERT INTO limit_policy_set (id, time_zone) SELECT gen_random_uuid(), zone WHERE EXISTS (SELECT FROM limit_policies);
  RETURN was_there;
END $$;
REVOKE ALL ON FUNCTION put_limit_policy(text, text, bigint[], text) FROM PUBLIC;

-- Changes a user's tier, unless it is null, and its own limit of a kind and currency, unless that is null; without `limit` in it,
-- the user's own limit ends. Returns whether there is such a user. The next batch that locks the user's default wallet knows.
CREATE FUNCTION put_user_limits(who bigint, new_tier text, own jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM users WHERE id = who) THEN
    RETURN false;
  END IF;
  INSERT INTO user_limits AS u (user_id, tier, overrides) VALUES (who, coalesce(new_tier, 'unverified'), '[]')
  ON CONFLICT (user_id) DO UPDATE SET tier = coalesce(new_tier, u.tier);
  IF own IS NOT NULL THEN
    UPDATE user_limits u SET overrides = coalesce((SELECT jsonb_agg(o) FROM jsonb_array_elements(u.overrides) AS o
        WHERE (o ->> 'currency', o ->> 'kind') IS DISTINCT FROM (own ->> 'currency', own ->> 'kind')
          AND (o ->> 'until')::bigint > extract(epoch FROM clock_timestamp()) * 1000000), '[]')
      || CASE WHEN own ? 'limit' THEN jsonb_build_array(own) ELSE '[]' END
    WHERE u.user_id = who;
  END IF;
  -- Another wallet may become the default one meanwhile; the next statement sees it.
  FOR i IN 1..10 LOOP
    UPDATE accounts a SET owner_tier = u.tier, owner_overrides = u.overrides
    FROM user_limits u WHERE u.user_id = who AND a.owner_user_id = who AND a.is_default;
    EXIT WHEN FOUND;
  END LOOP;
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION put_user_limits(bigint, text, jsonb) FROM PUBLIC;

-- Posts as post_dated_transfers() does (migration 0057), and writes what the wallets in `counted` have moved then, eight numbers
-- each: those of accounts.usage after the first. It is called while there are policies. One statement updates each account
-- once: a second update of the same rows would cost as much as the first.
CREATE FUNCTION post_counted_transfers(ids uuid[], kinds transfer_kind[], currencies text[], amounts bigint[], debits uuid[],
  credits uuid[], debit_balances bigint[], credit_balances bigint[], sprinkles uuid[], memos text[],
  signers text[], moments timestamptz[], counted uuid[], usages bigint[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  touched bigint;
  changed bigint;
  debit_place integer := array_position(counted, debits[1]);
  credit_place integer := array_position(counted, credits[1]);
BEGIN
  IF cardinality(ids) = 1 AND cardinality(kinds) = 1 AND cardinality(moments) = 1 AND debits[1] <> credits[1] THEN
    INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
      debit_balance_after, credit_balance_after, sprinkle_id, memo, key_id)
    VALUES (ids[1], moments[1], kinds[1], currencies[1], amounts[1], debits[1], credits[1],
      debit_balances[1], credit_balances[1], sprinkles[1], memos[1], signers[1]);
    touched := 2;
    UPDATE accounts a SET balance = debit_balances[1], version = a.version + 1, updated_at = moments[1],
      usage = CASE WHEN debit_place IS NULL THEN a.usage
        ELSE (a.version - a.hold_changes + 1) || usages[8 * debit_place - 7 : 8 * debit_place] END
    WHERE a.id = debits[1] AND a.balance - amounts[1] = debit_balances[1] AND a.currency = currencies[1]
      AND a.updated_at <= moments[1];
    changed := CASE WHEN FOUND THEN 1 ELSE 0 END;
    UPDATE accounts a SET balance = credit_balances[1], version = a.version + 1, updated_at = moments[1],
      usage = CASE WHEN credit_place IS NULL THEN a.usage
        ELSE (a.version - a.hold_changes + 1) || usages[8 * credit_place - 7 : 8 * credit_place] END
    WHERE a.id = credits[1] AND a.balance + amounts[1] = credit_balances[1] AND a.currency = currencies[1]
      AND a.updated_at <= moments[1];
    IF FOUND THEN changed := changed + 1; END IF;
  ELSE
    WITH given AS MATERIALIZED (
      SELECT * FROM unnest(ids, kinds, currencies, amounts, debits, credits, debit_balances, credit_balances, sprinkles, memos,
        signers, moments)
        WITH ORDINALITY AS g (id, kind, currency, amount, debit, credit, debit_balance, credit_balance, sprinkle, memo, signer,
          moment, place)
    ), inserted AS (
      INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
        debit_balance_after, credit_balance_after, sprinkle_id, memo, key_id)
      SELECT id, moment, kind, currency, amount, debit, credit, debit_balance, credit_balance, sprinkle, memo, signer
      FROM given
    ), sides AS (
      SELECT debit AS account, currency, -amount AS change, debit_balance AS balance, moment, place FROM given
      UNION ALL SELECT credit, currency, amount, credit_balance, moment, place FROM given
    ), steps AS (
      SELECT account, currency, change, balance, moment, lag(balance) OVER running AS before, lead(balance) OVER running AS next,
        lag(moment) OVER running AS moment_before, row_number() OVER running AS count
      FROM sides WINDOW running AS (PARTITION BY account ORDER BY place)
    ), moved AS MATERIALIZED (
      SELECT account, sum(change)::bigint AS change, max(count) AS count,
        max(balance) FILTER (WHERE next IS NULL) AS balance, min(currency) AS currency,
        min(moment) AS first_moment, max(moment) AS last_moment,
        bool_and(balance - change = coalesce(before, balance - change) AND moment >= coalesce(moment_before, moment))
          AND min(currency) = max(currency) AS follows
      FROM steps GROUP BY account
    ), updated AS (
      UPDATE accounts a SET balance = m.balance, version = a.version + m.count, updated_at = m.last_moment,
        usage = CASE WHEN c.place IS NULL THEN a.usage
          ELSE (a.version - a.hold_changes + m.count) || usages[8 * c.place::integer - 7 : 8 * c.place::integer] END
      FROM moved m LEFT JOIN unnest(counted) WITH ORDINALITY AS c (account, place) ON c.account = m.account
      WHERE a.id = m.account AND m.follows AND a.balance + m.change = m.balance AND a.currency = m.currency
        AND a.updated_at <= m.first_moment
      RETURNING 1
    )
    SELECT (SELECT count(*) FROM moved), count(*) INTO touched, changed FROM updated;
  END IF;
  IF touched <> changed THEN
    RAISE EXCEPTION 'the balances of % of % accounts do not follow from their transfers', touched - changed, touched
      USING ERRCODE = 'serialization_failure';
  END IF;
  IF EXISTS (SELECT 1 FROM unnest(moments) AS moment
    WHERE moment NOT BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() + interval '1 minute') THEN
    RAISE EXCEPTION 'a transfer carries a moment far from the clock' USING ERRCODE = 'datetime_field_overflow';
  END IF;
END $$;
REVOKE ALL ON FUNCTION post_counted_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[],
  uuid[], text[], text[], timestamptz[], uuid[], bigint[]) FROM PUBLIC;

-- Holds what is counted against the transfers, and what default wallets say of their owners against what was set. What it finds
-- is added to the faults of the newest reconciliation, of which it is a part.
CREATE FUNCTION reconcile_limits(OUT faults json)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  SELECT coalesce(json_agg(fault), '[]') INTO faults FROM (
    -- Where the first number is not that of the wallet's transfers, no batch believes the rest.
    (SELECT 'usage' AS kind, a.id::text AS id, a.usage[4:8]::text AS found, c.usage[4:8]::text AS expected
    FROM accounts a, LATERAL (SELECT count_usage(a.id, to_timestamp(a.usage[2] / 1000000), to_timestamp(a.usage[3] / 1000000)) AS usage) AS c
    WHERE EXISTS (SELECT FROM limit_policies) AND a.usage[1] = a.version - a.hold_changes
      AND a.updated_at >= date_trunc('month', clock_timestamp()) - interval '1 day'
      AND to_timestamp(a.usage[3] / 1000000) >= date_trunc('month', clock_timestamp()) - interval '1 day'
      AND a.usage[1:8] <> c.usage[1:8] LIMIT 100)
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
REVOKE ALL ON FUNCTION reconcile_limits() FROM PUBLIC;

GRANT SELECT ON limit_policies, limit_policy_set TO ppuri_app, ppuri_worker, ppuri_admin;
GRANT SELECT ON user_limits TO ppuri_admin;
GRANT SELECT (id) ON users TO ppuri_admin;
GRANT EXECUTE ON FUNCTION count_usage(uuid, timestamptz, timestamptz) TO ppuri_app, ppuri_worker;
GRANT EXECUTE ON FUNCTION post_counted_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[],
  uuid[], text[], text[], timestamptz[], uuid[], bigint[]) TO ppuri_app, ppuri_worker;
GRANT EXECUTE ON FUNCTION reconcile_limits() TO ppuri_worker;
GRANT EXECUTE ON FUNCTION put_limit_policy(text, text, bigint[], text), put_user_limits(bigint, text, jsonb) TO ppuri_admin;
