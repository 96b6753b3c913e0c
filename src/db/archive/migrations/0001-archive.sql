-- The archive: transfers of months that left the ledger's own database. Nothing here is ever changed.

CREATE TABLE transfers (
  id uuid PRIMARY KEY,
  created_at timestamptz NOT NULL,
  -- As text: the archive takes whatever kinds the ledger has.
  kind text NOT NULL,
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  debit_account_id uuid NOT NULL,
  credit_account_id uuid NOT NULL,
  debit_balance_after bigint NOT NULL,
  credit_balance_after bigint NOT NULL,
  sprinkle_id uuid,
  memo text NOT NULL
);
CREATE INDEX transfers_by_debit ON transfers (debit_account_id, created_at DESC, id DESC);
CREATE INDEX transfers_by_credit ON transfers (credit_account_id, created_at DESC, id DESC);
CREATE INDEX transfers_by_time ON transfers (created_at, id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER transfers_are_immutable BEFORE UPDATE OR DELETE ON transfers
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfers_are_not_truncated BEFORE TRUNCATE ON transfers
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT ON transfers TO ppuri_app;
GRANT INSERT ON transfers TO ppuri_worker;
