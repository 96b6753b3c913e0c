-- The ledger: accounts hold balances, transfers say how they came about, idempotency keys remember answers.

CREATE TYPE account_kind AS ENUM ('wallet', 'sprinkle', 'external');

CREATE TABLE accounts (
  id uuid PRIMARY KEY,
  kind account_kind NOT NULL,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  owner_user_id bigint REFERENCES users (id),
  is_default boolean NOT NULL DEFAULT false,
  display_name text NOT NULL DEFAULT '',
  -- Which of the equal external accounts of a currency this is. They are many so that batches of several
  -- processes don't wait for each other at one row.
  stripe smallint,
  balance bigint NOT NULL DEFAULT 0,
  overdraft_limit bigint NOT NULL DEFAULT 0 CHECK (overdraft_limit >= 0),
  -- How many transfers have touched the account.
  version bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT accounts_balance_within_limit CHECK (kind = 'external' OR balance >= -overdraft_limit),
  CONSTRAINT accounts_wallet_has_owner CHECK ((kind = 'wallet') = (owner_user_id IS NOT NULL)),
  CONSTRAINT accounts_external_has_stripe CHECK ((kind = 'external') = (stripe IS NOT NULL)),
  CONSTRAINT accounts_default_is_wallet CHECK (NOT is_default OR kind = 'wallet')
)
-- Balances are updated in place all the time: room on each page keeps those updates off the indexes (HOT).
WITH (fillfactor = 80);

CREATE UNIQUE INDEX accounts_one_default_per_user ON accounts (owner_user_id) WHERE is_default;
CREATE INDEX accounts_by_owner ON accounts (owner_user_id, created_at, id) WHERE kind = 'wallet';
CREATE UNIQUE INDEX accounts_external_stripes ON accounts (currency, stripe) WHERE kind = 'external';

INSERT INTO accounts (id, kind, currency, stripe, created_at, updated_at)
SELECT gen_random_uuid(), 'external', currency, stripe, now(), now()
FROM unnest(ARRAY['KRW', 'USD', 'EUR', 'JPY']) AS currency, generate_series(0, 15) AS stripe;

CREATE TYPE transfer_kind AS ENUM ('deposit', 'withdrawal', 'transfer', 'sprinkle', 'claim', 'refund');

-- No foreign keys to accounts: the batch that inserts a transfer holds the lock of both accounts in the same
-- transaction and nothing deletes accounts, so the check would cost two lookups a row and find nothing.
CREATE TABLE transfers (
  id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  kind transfer_kind NOT NULL,
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  debit_account_id uuid NOT NULL,
  credit_account_id uuid NOT NULL,
  debit_balance_after bigint NOT NULL,
  credit_balance_after bigint NOT NULL,
  sprinkle_id uuid,
  memo text NOT NULL DEFAULT '',
  PRIMARY KEY (id, created_at),
  CHECK (debit_account_id <> credit_account_id)
) PARTITION BY RANGE (created_at);

CREATE INDEX transfers_by_debit ON transfers (debit_account_id, created_at DESC, id DESC);
CREATE INDEX transfers_by_credit ON transfers (credit_account_id, created_at DESC, id DESC);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER transfers_are_immutable BEFORE UPDATE OR DELETE ON transfers
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfers_are_not_truncated BEFORE TRUNCATE ON transfers
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Makes the month's partition of transfers for this month and as many ahead; those that exist stay as they are.
-- It runs with its owner's rights, so that the server can call it without owning the table.
CREATE FUNCTION ensure_transfer_partitions(months_ahead integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  first_of_month timestamptz;
  partition_name text;
BEGIN
  -- Several servers start at once; one makes the partitions, the others find them.
  PERFORM pg_advisory_xact_lock(hashtext('ensure_transfer_partitions'));
  FOR i IN 0..months_ahead LOOP
    first_of_month := date_trunc('month', now()) + make_interval(months => i);
    partition_name := 'transfers_' || to_char(first_of_month, 'YYYY_MM');
    IF to_regclass(partition_name) IS NULL THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF transfers FOR VALUES FROM (%L) TO (%L)',
        partition_name, first_of_month, first_of_month + interval '1 month');
      EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
        partition_name || '_is_not_truncated', partition_name);
    END IF;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION ensure_transfer_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_transfer_partitions(integer) TO ppuri_app;

-- The answer to every call that changed the ledger, under the name its caller gave to it.
CREATE TABLE idempotency_keys (
  user_id bigint NOT NULL,
  key text NOT NULL,
  -- SHA-256 over the RPC and its request: the same key with another request is refused.
  fingerprint bytea NOT NULL,
  outcome json NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, key)
);
CREATE TRIGGER idempotency_keys_are_immutable BEFORE UPDATE ON idempotency_keys
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT, UPDATE (balance, version, updated_at) ON accounts TO ppuri_app;
GRANT SELECT, INSERT ON transfers, idempotency_keys TO ppuri_app;
