-- no transaction
-- Gifts have references and labels of their own, and so have the transfers that fill them.
ALTER TABLE annotations DROP CONSTRAINT IF EXISTS annotations_subject_check,
  ADD CONSTRAINT annotations_subject_check CHECK (subject IN ('transfer', 'wallet', 'hold', 'gift', 'payout')) NOT VALID;
ALTER TABLE annotations VALIDATE CONSTRAINT annotations_subject_check;

-- As migration 0210 has it, with gifts, which are holds of their own kind.
CREATE OR REPLACE FUNCTION follow_annotations() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  writer bigint := pg_current_xact_id()::text::bigint;
  ids uuid[];
  moments timestamptz[];
  users bigint[];
  labels_of json[];
  labelled bigint;
  first timestamptz;
  last timestamptz;
  moved_at timestamptz[];
  payers uuid[];
  receivers uuid[];
  are_new boolean;
BEGIN
  SELECT array_agg(a.subject_id ORDER BY a.subject_id), array_agg(a.created_at ORDER BY a.subject_id),
    array_agg(a.user_id ORDER BY a.subject_id), array_agg(a.labels ORDER BY a.subject_id), count(a.labels),
    min(a.created_at), max(a.created_at)
  INTO ids, moments, users, labels_of, labelled, first, last FROM after a WHERE a.subject = 'transfer';
  SELECT array_agg(t.created_at ORDER BY t.id), array_agg(t.debit_account_id ORDER BY t.id),
    array_agg(t.credit_account_id ORDER BY t.id), bool_and(t.written_by IS NOT DISTINCT FROM writer)
  INTO moved_at, payers, receivers, are_new
  FROM transfers t WHERE t.id = ANY (ids) AND t.created_at BETWEEN first AND last;
  IF NOT are_new OR moved_at IS DISTINCT FROM moments
    OR EXISTS (SELECT 1 FROM unnest(users, payers, receivers) AS n (user_id, payer, receiver)
      WHERE NOT coalesce((SELECT d.owner_user_id = n.user_id OR (d.kind = 'payout'
          AND (SELECT p.owner_user_id FROM payouts p WHERE p.pot_account_id = d.id) = n.user_id)
          FROM accounts d WHERE d.id = n.payer), false)
        AND NOT coalesce((SELECT c.owner_user_id FROM accounts c WHERE c.id = n.receiver) = n.user_id, false))
    OR EXISTS (SELECT 1 FROM after n WHERE n.subject <> 'transfer' AND NOT coalesce(CASE n.subject
      WHEN 'wallet' THEN (SELECT a.owner_user_id FROM accounts a WHERE a.id = n.subject_id) = n.user_id
      WHEN 'hold' THEN (SELECT h.user_id = n.user_id AND h.kind = 'hold' FROM holds h WHERE h.id = n.subject_id)
      WHEN 'gift' THEN (SELECT h.user_id = n.user_id AND h.kind = 'gift' FROM holds h WHERE h.id = n.subject_id)
      ELSE (SELECT p.owner_user_id FROM payouts p WHERE p.id = n.subject_id) = n.user_id END, false)) THEN
    RAISE EXCEPTION 'a reference or label is attached to what its user has not made' USING ERRCODE = 'check_violation';
  END IF;
  IF labelled > 0 THEN
    INSERT INTO transfer_labels (account_id, key, value, created_at, transfer_id)
    SELECT a.id, label ->> 0, label ->> 1, n.created_at, n.id
    FROM unnest(ids, moments, users, labels_of, payers, receivers) AS n (id, created_at, user_id, labels, payer, receiver),
      LATERAL (SELECT * FROM accounts a WHERE a.id IN (n.payer, n.receiver) OFFSET 0) AS a,
      LATERAL json_array_elements(n.labels) AS label
    WHERE n.labels IS NOT NULL AND a.owner_user_id = n.user_id;
  END IF;
  RETURN NULL;
END $$;
