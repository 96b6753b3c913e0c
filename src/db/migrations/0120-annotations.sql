-- What users attach to their transfers, wallets, holds and payouts: a reference, and labels. A thing without a row has neither.

CREATE TABLE annotations (
  -- The transfer, wallet, hold or payout. Transfers may lie in the archive; what is attached to them stays here, where a
  -- reference is held to be the only one.
  subject_id uuid PRIMARY KEY,
  subject text NOT NULL CHECK (subject IN ('transfer', 'wallet', 'hold', 'payout')),
  -- Whose it is; nobody else sees it.
  user_id bigint NOT NULL,
  -- When the subject was made.
  created_at timestamptz NOT NULL,
  -- Compared byte by byte.
  reference text COLLATE "C" CHECK (reference ~ '^[!-~]{1,128}$'),
  -- [["key", "value"], …] in the order of the request.
  labels json,
  CONSTRAINT annotations_say_something CHECK (num_nonnulls(reference, labels) > 0)
);
-- A user has a reference once for each kind of subject: a hold and the transfer of the same order may share it.
CREATE UNIQUE INDEX annotations_references ON annotations (user_id, subject, reference) WHERE reference IS NOT NULL;

CREATE TRIGGER annotations_are_immutable BEFORE UPDATE ON annotations
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- A draft of a payout that is purged takes what is attached to it along.
CREATE TRIGGER annotations_are_kept BEFORE DELETE ON annotations
  FOR EACH ROW WHEN (OLD.subject <> 'payout') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER annotations_are_not_truncated BEFORE TRUNCATE ON annotations
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The labels of transfers by the wallets that list them, in the order of a list.
CREATE TABLE transfer_labels (
  -- A wallet of the user who attached the label, on either side of the transfer.
  account_id uuid NOT NULL,
  key text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  transfer_id uuid NOT NULL,
  PRIMARY KEY (account_id, key, value, created_at, transfer_id)
);
CREATE TRIGGER transfer_labels_are_immutable BEFORE UPDATE OR DELETE ON transfer_labels
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfer_labels_are_not_truncated BEFORE TRUNCATE ON transfer_labels
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What is attached belongs to the user who made the subject, and to a transfer in the transaction that posted it: whoever takes
-- over a server can attach nothing to what others have, nor to old transfers. The lists by label follow from it.
CREATE FUNCTION follow_annotations() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM after n WHERE NOT CASE n.subject
    WHEN 'transfer' THEN EXISTS (SELECT 1 FROM transfers t
      JOIN accounts d ON d.id = t.debit_account_id JOIN accounts c ON c.id = t.credit_account_id
      WHERE t.id = n.subject_id AND t.created_at = n.created_at AND t.written_by = pg_current_xact_id()::text::bigint
        AND (d.owner_user_id = n.user_id OR c.owner_user_id = n.user_id OR (d.kind = 'payout' AND EXISTS (
          SELECT 1 FROM payouts p WHERE p.pot_account_id = d.id AND p.owner_user_id = n.user_id))))
    WHEN 'wallet' THEN EXISTS (SELECT 1 FROM accounts a WHERE a.id = n.subject_id AND a.owner_user_id = n.user_id)
    WHEN 'hold' THEN EXISTS (SELECT 1 FROM holds h WHERE h.id = n.subject_id AND h.user_id = n.user_id)
    ELSE EXISTS (SELECT 1 FROM payouts p WHERE p.id = n.subject_id AND p.owner_user_id = n.user_id) END) THEN
    RAISE EXCEPTION 'a reference or label is attached to what its user has not made' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO transfer_labels (account_id, key, value, created_at, transfer_id)
  SELECT a.id, label ->> 0, label ->> 1, t.created_at, t.id
  FROM after n JOIN transfers t ON t.id = n.subject_id AND t.created_at = n.created_at
    JOIN accounts a ON a.id IN (t.debit_account_id, t.credit_account_id) AND a.owner_user_id = n.user_id,
    LATERAL json_array_elements(n.labels) AS label
  WHERE n.subject = 'transfer';
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION follow_annotations() FROM PUBLIC;
CREATE TRIGGER annotations_are_followed AFTER INSERT ON annotations REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION follow_annotations();

GRANT SELECT, INSERT ON annotations TO ppuri_app, ppuri_worker;
GRANT SELECT ON transfer_labels TO ppuri_app, ppuri_worker;
