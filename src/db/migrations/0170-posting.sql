-- One function posts transfers, with or without limits in force, and no server moves money that is frozen.

-- What a freeze or a closed wallet forbids, as src/domain/movement-rules.ts says it: the database says it once more, for a server of
-- a release without freezes, and for one that somebody took over. Posting asks only where a movement touched such a wallet.
CREATE FUNCTION refuse_restricted(kinds transfer_kind[], debits uuid[], credits uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (
    SELECT FROM unnest(kinds, debits, credits) AS t (kind, debit, credit),
      LATERAL (SELECT * FROM accounts a WHERE a.id = t.debit OFFSET 0) AS payer,
      LATERAL (SELECT * FROM accounts a WHERE a.id = t.credit OFFSET 0) AS payee
    WHERE (t.kind <> 'reversal'
        AND (payer.closed_at IS NOT NULL OR greatest(payer.frozen_out_until, payer.user_frozen_out_until) > clock_timestamp()))
      -- What was set aside comes back whatever the state, and only out of a pot.
      OR (t.kind <> 'reversal' AND (t.kind NOT IN ('void', 'gift_return', 'refund') OR payer.kind = 'wallet')
        AND (payee.closed_at IS NOT NULL OR greatest(payee.frozen_in_until, payee.user_frozen_in_until) > clock_timestamp()))
  ) THEN
    RAISE EXCEPTION 'money does not move out of this wallet or into it: it is frozen or closed' USING ERRCODE = 'check_violation';
  END IF;
END $$;
REVOKE ALL ON FUNCTION refuse_restricted(transfer_kind[], uuid[], uuid[]) FROM PUBLIC;

-- contract: the release before calls post_dated_transfers(), and no release called post_counted_transfers().
DROP FUNCTION post_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[], uuid[], text[], text[],
  timestamptz);
-- contract: no release called it.
DROP FUNCTION post_counted_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[], uuid[], text[],
  text[], timestamptz[], uuid[], bigint[]);

-- Posts the transfers of a batch, in their order, and derives from them what their accounts become: each balance that a transfer
-- states must follow from its account's balance and from the transfers before it, and where one does not, nothing is written and
-- the error is a serialization failure. A moment is not before that of an account's transfer before it, because the books are
-- ordered by it, and never further from the clock than a minute.
--
-- While limits are in force, `usages` has what wallets have moved, eight numbers each: those of accounts.usage after the first.
-- The two lists before it say which of these wallets is on either side of a transfer, counted from 1; NULL where it was not
-- counted. All three are NULL where no limits are in force. One statement updates each account once: a second update of the same
-- rows would cost as much as the first.
--
-- A transfer that comes alone is posted by three plain statements: setting up the one statement for a batch costs more than
-- running it does.
CREATE FUNCTION post_transfers(ids uuid[], kinds transfer_kind[], currencies text[], amounts bigint[], debits uuid[], credits uuid[],
  debit_balances bigint[], credit_balances bigint[], sprinkles uuid[], memos text[], signers text[], moments timestamptz[],
  debit_usages integer[], credit_usages integer[], usages bigint[])
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
    IF usages IS NULL THEN
      UPDATE accounts a SET balance = debit_balances[1], version = a.version + 1, updated_at = moments[1]
      WHERE a.id = debits[1] AND a.balance - amounts[1] = debit_balances[1] AND a.currency = currencies[1]
        AND a.updated_at <= moments[1]
      RETURNING coalesce(a.closed_at, a.frozen_out_until, a.user_frozen_out_until) INTO out_restriction;
      changed := CASE WHEN FOUND THEN 1 ELSE 0 END;
      UPDATE accounts a SET balance = credit_balances[1], version = a.version + 1, updated_at = moments[1]
      WHERE a.id = credits[1] AND a.balance + amounts[1] = credit_balances[1] AND a.currency = currencies[1]
        AND a.updated_at <= moments[1]
      RETURNING coalesce(a.closed_at, a.frozen_in_until, a.user_frozen_in_until) INTO in_restriction;
      IF FOUND THEN changed := changed + 1; END IF;
    ELSE
      UPDATE accounts a SET balance = debit_balances[1], version = a.version + 1, updated_at = moments[1],
        usage = CASE WHEN debit_usages[1] IS NULL THEN a.usage
          ELSE (a.version - a.hold_changes + 1) || usages[8 * debit_usages[1] - 7 : 8 * debit_usages[1]] END
      WHERE a.id = debits[1] AND a.balance - amounts[1] = debit_balances[1] AND a.currency = currencies[1]
        AND a.updated_at <= moments[1]
      RETURNING coalesce(a.closed_at, a.frozen_out_until, a.user_frozen_out_until) INTO out_restriction;
      changed := CASE WHEN FOUND THEN 1 ELSE 0 END;
      UPDATE accounts a SET balance = credit_balances[1], version = a.version + 1, updated_at = moments[1],
        usage = CASE WHEN credit_usages[1] IS NULL THEN a.usage
          ELSE (a.version - a.hold_changes + 1) || usages[8 * credit_usages[1] - 7 : 8 * credit_usages[1]] END
      WHERE a.id = credits[1] AND a.balance + amounts[1] = credit_balances[1] AND a.currency = currencies[1]
        AND a.updated_at <= moments[1]
      RETURNING coalesce(a.closed_at, a.frozen_in_until, a.user_frozen_in_until) INTO in_restriction;
      IF FOUND THEN changed := changed + 1; END IF;
    END IF;
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
        min(moment) AS first_moment, max(moment) AS last_moment, max(usage) AS usage,
        bool_and(balance - change = coalesce(before, balance - change) AND moment >= coalesce(moment_before, moment))
          AND min(currency COLLATE "C") = max(currency COLLATE "C") AS follows
      FROM steps GROUP BY account
    ), updated AS (
      UPDATE accounts a SET balance = m.balance_before + m.change, version = a.version + m.count, updated_at = m.last_moment,
        usage = CASE WHEN m.usage IS NULL THEN a.usage
          ELSE (a.version - a.hold_changes + m.count) || usages[8 * m.usage - 7 : 8 * m.usage] END
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
  text[], timestamptz[], integer[], integer[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION post_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[], uuid[], text[],
  text[], timestamptz[], integer[], integer[], bigint[]) TO ppuri_app, ppuri_worker;

-- For servers of the release before.
CREATE OR REPLACE FUNCTION post_dated_transfers(ids uuid[], kinds transfer_kind[], currencies text[], amounts bigint[], debits uuid[],
  credits uuid[], debit_balances bigint[], credit_balances bigint[], sprinkles uuid[], memos text[],
  signers text[], moments timestamptz[])
RETURNS void LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT public.post_transfers(ids, kinds, currencies, amounts, debits, credits, debit_balances, credit_balances, sprinkles, memos,
    signers, moments, NULL, NULL, NULL);
$$;
