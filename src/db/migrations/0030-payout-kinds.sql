-- What payouts add to the ledger's kinds. Postgres uses new ones only after the migration that adds them.

-- The pot of a payout: what is set aside for it and not paid yet.
ALTER TYPE account_kind ADD VALUE 'payout';
-- From a wallet into the pot of a payout, and from the pot to whom a line names. What is left goes back as a refund.
ALTER TYPE transfer_kind ADD VALUE 'payout';
ALTER TYPE transfer_kind ADD VALUE 'payout_line';
