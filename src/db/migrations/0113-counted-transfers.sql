-- What wallets have moved is found for each account by grouping. The planner does not know how long its arrays are, takes them for
-- short, and compares each account with each counted wallet, which grows by the square of the batch. Otherwise as migration 0110
-- has it.
CREATE OR REPLACE FUNCTION post_counted_transfers(ids uuid[], kinds transfer_kind[], currencies text[], amounts bigint[], debits uuid[],
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
    ), changes AS MATERIALIZED (
      SELECT account, max(change) AS change, max(count) AS count, max(balance) AS balance, max(currency) AS currency,
        max(first_moment) AS first_moment, max(last_moment) AS last_moment, bool_or(follows) AS follows,
        max(place)::integer AS place
      FROM (
        SELECT account, change, count, balance, currency, first_moment, last_moment, follows, NULL::bigint AS place FROM moved
        UNION ALL SELECT account, NULL, NULL, NULL, NULL, NULL, NULL, NULL, place
          FROM unnest(counted) WITH ORDINALITY AS c (account, place)) AS both_sides
      GROUP BY account
    ), updated AS (
      UPDATE accounts a SET balance = m.balance, version = a.version + m.count, updated_at = m.last_moment,
        usage = CASE WHEN m.place IS NULL THEN a.usage
          ELSE (a.version - a.hold_changes + m.count) || usages[8 * m.place - 7 : 8 * m.place] END
      FROM changes m
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
