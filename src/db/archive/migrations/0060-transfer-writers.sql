-- The transaction that wrote it, by the numbers of the ledger's cluster; null where it is older than that column.
ALTER TABLE transfers ADD COLUMN written_by bigint;
