-- What gifts add to the ledger's kinds. Postgres uses new ones only after the migration that adds them.

-- From a wallet into the pot of a gift; from the pot to the receiver who accepts it; and from the pot back to the wallet.
ALTER TYPE transfer_kind ADD VALUE 'gift';
ALTER TYPE transfer_kind ADD VALUE 'gift_accept';
ALTER TYPE transfer_kind ADD VALUE 'gift_return';
