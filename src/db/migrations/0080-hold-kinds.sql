-- What holds add to the ledger's kinds. Postgres uses new ones only after the migration that adds them.

-- The pot of a hold: what is set aside and neither captured nor given back.
ALTER TYPE account_kind ADD VALUE 'hold';
-- From a wallet into the pot of a hold; from the pot to whom it is paid; and from the pot back to the wallet.
ALTER TYPE transfer_kind ADD VALUE 'hold';
ALTER TYPE transfer_kind ADD VALUE 'capture';
ALTER TYPE transfer_kind ADD VALUE 'void';
