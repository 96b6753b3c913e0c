-- Transfers as they are classically made in Postgres: a stored function, one transaction for each, with everything that
-- a transfer of ours leaves behind: both balances, an immutable row that both sides can look up, an idempotency key.
CREATE SCHEMA classical;

CREATE TABLE classical.accounts (
  id bigint PRIMARY KEY,
  balance bigint NOT NULL CHECK (balance >= 0),
  version bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80);

CREATE TABLE classical.transfers (
  id uuid PRIMARY KEY DEFAULT uuidv7(),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  debit_account_id bigint NOT NULL,
  credit_account_id bigint NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0)
);
CREATE INDEX ON classical.transfers (debit_account_id, created_at DESC);
CREATE INDEX ON classical.transfers (credit_account_id, created_at DESC);

CREATE TABLE classical.idempotency_keys (
  key text PRIMARY KEY,
  transfer_id uuid NOT NULL
);

CREATE FUNCTION classical.transfer(new_key text, debit bigint, credit bigint, won bigint) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
  made uuid;
BEGIN
  -- In the order of ids, so that two transfers in opposite directions don't deadlock.
  PERFORM FROM classical.accounts WHERE id IN (debit, credit) ORDER BY id FOR UPDATE;
  SELECT transfer_id INTO made FROM classical.idempotency_keys WHERE key = new_key;
  IF FOUND THEN
    RETURN made;
  END IF;
  UPDATE classical.accounts SET balance = balance - won, version = version + 1 WHERE id = debit AND balance >= won;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'balance too low';
  END IF;
  UPDATE classical.accounts SET balance = balance + won, version = version + 1 WHERE id = credit;
  INSERT INTO classical.transfers (debit_account_id, credit_account_id, amount) VALUES (debit, credit, won)
    RETURNING id INTO made;
  INSERT INTO classical.idempotency_keys (key, transfer_id) VALUES (new_key, made);
  RETURN made;
END $$;

INSERT INTO classical.accounts (id, balance) SELECT id, 100000000 FROM generate_series(0, 999) AS id;
