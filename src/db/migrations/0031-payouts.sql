-- Payouts: many payments out of one wallet, line by line, in the background.

CREATE TABLE payouts (
  id uuid PRIMARY KEY,
  owner_user_id bigint NOT NULL REFERENCES users (id),
  -- Where the money comes from and where what is left goes back to.
  source_account_id uuid NOT NULL REFERENCES accounts (id),
  pot_account_id uuid NOT NULL UNIQUE REFERENCES accounts (id),
  currency text NOT NULL,
  mode text NOT NULL CHECK (mode IN ('all-or-nothing', 'each')),
  memo text NOT NULL,
  state text NOT NULL CHECK (state IN ('draft', 'running', 'done', 'cancelled')),
  line_count integer NOT NULL DEFAULT 0 CHECK (line_count BETWEEN 0 AND 100000),
  -- Lines that were found bad when they were added, and the sum of the others.
  bad_count integer NOT NULL DEFAULT 0,
  total_amount numeric(24) NOT NULL DEFAULT 0,
  -- What went into the pot.
  funded_amount bigint NOT NULL DEFAULT 0,
  paid_amount bigint NOT NULL DEFAULT 0,
  paid_count integer NOT NULL DEFAULT 0,
  failed_count integer NOT NULL DEFAULT 0,
  -- The first line that is not settled; those before it are paid, or have failed with the reason in their row.
  next_line integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  ended_at timestamptz,
  CONSTRAINT payouts_bad_lines_are_lines CHECK (bad_count BETWEEN 0 AND line_count),
  -- Behind the keys in the ledger, these refuse lines that would be settled twice.
  CONSTRAINT payouts_settle_each_line_once CHECK (paid_count + failed_count = next_line - 1),
  CONSTRAINT payouts_settle_their_lines CHECK (next_line BETWEEN 1 AND line_count + 1),
  CONSTRAINT payouts_pay_what_they_have CHECK (paid_amount BETWEEN 0 AND funded_amount)
) WITH (fillfactor = 50);

CREATE TABLE payout_lines (
  payout_id uuid NOT NULL REFERENCES payouts (id),
  -- From 1 on, without gaps.
  line integer NOT NULL CHECK (line > 0),
  -- As the caller wrote it, also where it is bad.
  to_user_id bigint,
  to_wallet_id uuid,
  currency text NOT NULL,
  amount bigint NOT NULL,
  key text NOT NULL,
  memo text NOT NULL,
  -- The wallet that this means; null where there is none.
  credit_account_id uuid,
  -- Why it is not paid; null as long as nothing stands against it.
  reason text,
  PRIMARY KEY (payout_id, line),
  CONSTRAINT payout_lines_have_one_destination CHECK (num_nonnulls(to_user_id, to_wallet_id) = 1),
  CONSTRAINT payout_lines_can_be_paid_or_say_why CHECK (reason IS NOT NULL OR (amount > 0 AND credit_account_id IS NOT NULL))
);
CREATE UNIQUE INDEX payout_lines_keys ON payout_lines (payout_id, key) WHERE key <> '' AND reason IS NULL;
CREATE INDEX payout_lines_failed ON payout_lines (payout_id, line) WHERE reason IS NOT NULL;

GRANT SELECT, INSERT ON payouts, payout_lines TO ppuri_app;
GRANT UPDATE (state, line_count, bad_count, total_amount, funded_amount, paid_amount, paid_count, failed_count, next_line,
  started_at, ended_at) ON payouts TO ppuri_app;
GRANT UPDATE (reason) ON payout_lines TO ppuri_app;
