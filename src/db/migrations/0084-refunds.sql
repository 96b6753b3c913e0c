-- Refunds: money that the receiver of a transfer gives back to its payer.

-- What was refunded of a transfer, which may lie in the archive. A transfer without a row has no refunds.
CREATE TABLE refunded_transfers (
  transfer_id uuid PRIMARY KEY,
  amount bigint NOT NULL,
  refunded_amount bigint NOT NULL,
  CONSTRAINT refunds_are_within_their_transfer CHECK (refunded_amount BETWEEN 1 AND amount)
) WITH (fillfactor = 80);

CREATE TABLE refunds (
  -- The transfer of kind refund that moved the money, and its moment.
  refund_id uuid PRIMARY KEY,
  created_at timestamptz NOT NULL,
  -- The transfer that it refunds, and how much that moved.
  transfer_id uuid NOT NULL,
  transfer_amount bigint NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0)
);
CREATE INDEX refunds_by_transfer ON refunds (transfer_id, created_at DESC, refund_id DESC);
CREATE TRIGGER refunds_are_immutable BEFORE UPDATE OR DELETE ON refunds
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refunds_are_not_truncated BEFORE TRUNCATE ON refunds
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What was refunded follows from refunds, and each of them from a transfer of the same transaction: whoever takes over a server
-- cannot note a refund without moving its money, out of the wallet that the refunded transfer went to where that one is here.
CREATE FUNCTION follow_refunds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM after WHERE NOT EXISTS (SELECT 1 FROM transfers t
    WHERE t.id = after.refund_id AND t.created_at = after.created_at AND t.kind = 'refund' AND t.amount = after.amount
      AND t.written_by = pg_current_xact_id()::text::bigint)) THEN
    RAISE EXCEPTION 'a refund is not what its transfer moved' USING ERRCODE = 'check_violation';
  END IF;
  IF EXISTS (SELECT 1 FROM after JOIN transfers o ON o.id = after.transfer_id
    JOIN transfers t ON t.id = after.refund_id AND t.created_at = after.created_at
    WHERE o.amount <> after.transfer_amount OR o.credit_account_id <> t.debit_account_id) THEN
    RAISE EXCEPTION 'a refund does not fit the transfer that it refunds' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO refunded_transfers AS r (transfer_id, amount, refunded_amount)
  SELECT transfer_id, transfer_amount, sum(amount)::bigint FROM after GROUP BY transfer_id, transfer_amount
  ON CONFLICT (transfer_id) DO UPDATE SET refunded_amount = r.refunded_amount + excluded.refunded_amount;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION follow_refunds() FROM PUBLIC;
CREATE TRIGGER refunds_are_followed AFTER INSERT ON refunds REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION follow_refunds();

GRANT SELECT ON refunded_transfers, refunds TO ppuri_app, ppuri_worker;
GRANT INSERT (refund_id, created_at, transfer_id, transfer_amount, amount) ON refunds TO ppuri_app;
