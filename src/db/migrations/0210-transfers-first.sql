-- Functions that check what is said of transfers read these into variables first and then compare, so that they also run where
-- transfers are distributed (docs/growth.md): there a transfer cannot be found by a row of another table. On one machine each
-- function goes over the months of transfers once for each of its questions, and no longer once more for the rows that it writes.

-- As migration 0172 has it. What a transfer and its row in refunds say is compared as lists in the order of their ids.
CREATE OR REPLACE FUNCTION follow_refunds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  writer bigint := pg_current_xact_id()::text::bigint;
  ids uuid[];
  moments timestamptz[];
  amounts bigint[];
  originals uuid[];
  original_amounts bigint[];
  first timestamptz;
  last timestamptz;
  moved_at timestamptz[];
  moved_amounts bigint[];
  payers uuid[];
  are_refunds boolean;
  found uuid[];
  found_amounts bigint[];
  receivers uuid[];
BEGIN
  SELECT array_agg(a.refund_id ORDER BY a.refund_id), array_agg(a.created_at ORDER BY a.refund_id),
    array_agg(a.amount ORDER BY a.refund_id), array_agg(a.transfer_id ORDER BY a.refund_id),
    array_agg(a.transfer_amount ORDER BY a.refund_id), min(a.created_at), max(a.created_at)
  INTO ids, moments, amounts, originals, original_amounts, first, last FROM after a;
  SELECT array_agg(t.created_at ORDER BY t.id), array_agg(t.amount ORDER BY t.id), array_agg(t.debit_account_id ORDER BY t.id),
    bool_and(t.kind IN ('refund', 'reversal') AND t.written_by IS NOT DISTINCT FROM writer)
  INTO moved_at, moved_amounts, payers, are_refunds
  FROM transfers t WHERE t.id = ANY (ids) AND t.created_at BETWEEN first AND last;
  IF NOT are_refunds OR (moved_at, moved_amounts) IS DISTINCT FROM (moments, amounts) THEN
    RAISE EXCEPTION 'a refund is not what its transfer moved' USING ERRCODE = 'check_violation';
  END IF;
  -- A transfer that was refunded may lie in the archive.
  SELECT array_agg(t.id), array_agg(t.amount), array_agg(t.credit_account_id) INTO found, found_amounts, receivers
  FROM transfers t WHERE t.id = ANY (originals);
  -- What it says itself and what each of its refunds says of it has to be the same.
  IF EXISTS (SELECT 1 FROM (
      SELECT * FROM unnest(originals, original_amounts, payers)
      UNION ALL SELECT * FROM unnest(found, found_amounts, receivers)) AS said (id, amount, account)
    GROUP BY id HAVING count(DISTINCT (amount, account)) > 1) THEN
    RAISE EXCEPTION 'a refund does not fit the transfer that it refunds' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO refunded_transfers AS r (transfer_id, amount, refunded_amount)
  SELECT transfer_id, transfer_amount, sum(amount)::bigint FROM after GROUP BY transfer_id, transfer_amount
  ON CONFLICT (transfer_id) DO UPDATE SET refunded_amount = r.refunded_amount + excluded.refunded_amount;
  RETURN NULL;
END $$;

-- As migration 0172 has it. The lists by label are written only where there are labels.
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
      WHEN 'hold' THEN (SELECT h.user_id FROM holds h WHERE h.id = n.subject_id) = n.user_id
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
