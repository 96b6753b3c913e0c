-- Balances are written by one function of the owner and by nothing else, so whoever takes over a server cannot write a
-- balance that no transfer accounts for.

-- Posts the transfers of a batch, in their order, and derives from them what their accounts become. Each balance that a
-- transfer states must follow from its account's balance and from the transfers before it. Where one does not, another
-- batch came between, and nothing is written: the error is a serialization failure, and running again sees what it did.
-- `moment` is when all of them happen. It must be near the clock, because the books are ordered by it. Where the clock
-- went backwards it may be just after what an account that takes part has seen.
-- It does its work in one statement: the sum over a currency stays 0 because what one account loses another one gets.
CREATE FUNCTION post_transfers(ids uuid[], kinds transfer_kind[], currencies text[], amounts bigint[], debits uuid[],
  credits uuid[], debit_balances bigint[], credit_balances bigint[], sprinkles uuid[], memos text[],
  signers text[], moment timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  touched bigint;
  changed bigint;
  latest timestamptz;
BEGIN
  WITH given AS MATERIALIZED (
    SELECT * FROM unnest(ids, kinds, currencies, amounts, debits, credits, debit_balances, credit_balances, sprinkles, memos,
      signers)
      WITH ORDINALITY AS g (id, kind, currency, amount, debit, credit, debit_balance, credit_balance, sprinkle, memo, signer,
        place)
  ), inserted AS (
    INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
      debit_balance_after, credit_balance_after, sprinkle_id, memo, key_id)
    SELECT id, moment, kind, currency, amount, debit, credit, debit_balance, credit_balance, sprinkle, memo, signer
    FROM given
  ), sides AS (
    SELECT debit AS account, currency, -amount AS change, debit_balance AS balance, place FROM given
    UNION ALL SELECT credit, currency, amount, credit_balance, place FROM given
  ), steps AS (
    SELECT account, currency, change, balance, lag(balance) OVER running AS before, lead(balance) OVER running AS next,
      row_number() OVER running AS count
    FROM sides WINDOW running AS (PARTITION BY account ORDER BY place)
  ), moved AS MATERIALIZED (
    SELECT account, sum(change)::bigint AS change, max(count) AS count,
      max(balance) FILTER (WHERE next IS NULL) AS balance, min(currency) AS currency,
      bool_and(balance - change = coalesce(before, balance - change)) AND min(currency) = max(currency) AS follows
    FROM steps GROUP BY account
  ), updated AS (
    UPDATE accounts a SET balance = m.balance, version = a.version + m.count, updated_at = moment
    FROM moved m WHERE a.id = m.account AND m.follows AND a.balance + m.change = m.balance AND a.currency = m.currency
      AND a.updated_at <= moment
    RETURNING old.updated_at AS seen
  )
  SELECT (SELECT count(*) FROM moved), count(*), max(seen) INTO touched, changed, latest FROM updated;
  IF touched <> changed THEN
    RAISE EXCEPTION 'the balances of % of % accounts do not follow from their transfers', touched - changed, touched
      USING ERRCODE = 'serialization_failure';
  END IF;
  IF moment NOT BETWEEN clock_timestamp() - interval '1 minute' AND
    greatest(clock_timestamp() + interval '1 minute', latest + interval '1 microsecond') THEN
    RAISE EXCEPTION 'the transfers carry a moment far from the clock' USING ERRCODE = 'datetime_field_overflow';
  END IF;
END $$;
REVOKE ALL ON FUNCTION post_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[], uuid[],
  text[], text[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION post_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[],
  uuid[], text[], text[], timestamptz) TO ppuri_app;

-- An account starts empty, with no overdraft, and not as one of the outside: those columns are nobody's to give.
ALTER TABLE accounts ALTER COLUMN updated_at SET DEFAULT now();
REVOKE INSERT, UPDATE ON accounts FROM ppuri_app;
GRANT INSERT (id, kind, currency, owner_user_id, is_default, display_name, created_at) ON accounts TO ppuri_app;
-- Locking a row takes the right to update some column of it. This one moves no money.
GRANT UPDATE (display_name) ON accounts TO ppuri_app;
REVOKE INSERT ON transfers FROM ppuri_app;
