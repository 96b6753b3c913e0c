-- Each transfer of a batch has a moment of its own. An account that is dated ahead, because the clock went back after its
-- last transfer, moves the moments of its own transfers and of nobody else's.

-- Posts the transfers of a batch, in their order, and derives from them what their accounts become, as post_transfers() did:
-- each balance that a transfer states must follow from its account's balance and from the transfers before it, and where
-- one does not, nothing is written and the error is a serialization failure. A moment is not before that of an account's
-- transfer before it, because the books are ordered by it, and never further from the clock than a minute.
CREATE FUNCTION post_dated_transfers(ids uuid[], kinds transfer_kind[], currencies text[], amounts bigint[], debits uuid[],
  credits uuid[], debit_balances bigint[], credit_balances bigint[], sprinkles uuid[], memos text[],
  signers text[], moments timestamptz[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  touched bigint;
  changed bigint;
BEGIN
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
    UPDATE accounts a SET balance = m.balance, version = a.version + m.count, updated_at = m.last_moment
    FROM moved m WHERE a.id = m.account AND m.follows AND a.balance + m.change = m.balance AND a.currency = m.currency
      AND a.updated_at <= m.first_moment
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM moved), count(*) INTO touched, changed FROM updated;
  IF touched <> changed THEN
    RAISE EXCEPTION 'the balances of % of % accounts do not follow from their transfers', touched - changed, touched
      USING ERRCODE = 'serialization_failure';
  END IF;
  IF EXISTS (SELECT 1 FROM unnest(moments) AS moment
    WHERE moment NOT BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() + interval '1 minute') THEN
    RAISE EXCEPTION 'a transfer carries a moment far from the clock' USING ERRCODE = 'datetime_field_overflow';
  END IF;
END $$;
REVOKE ALL ON FUNCTION post_dated_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[],
  uuid[], text[], text[], timestamptz[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION post_dated_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[],
  uuid[], text[], text[], timestamptz[]) TO ppuri_app, ppuri_worker;

-- For servers that were started before this migration: the same, at one moment.
CREATE OR REPLACE FUNCTION post_transfers(ids uuid[], kinds transfer_kind[], currencies text[], amounts bigint[], debits uuid[],
  credits uuid[], debit_balances bigint[], credit_balances bigint[], sprinkles uuid[], memos text[],
  signers text[], moment timestamptz)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT public.post_dated_transfers(ids, kinds, currencies, amounts, debits, credits, debit_balances, credit_balances,
    sprinkles, memos, signers, array_fill(moment, ARRAY[cardinality(ids)]));
$$;
