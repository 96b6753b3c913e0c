-- The API key that signed the call, as in the ledger. It comes last there too: rows are copied column by column.
ALTER TABLE transfers ADD COLUMN key_id text;
