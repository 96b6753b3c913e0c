-- Gifts: holds whose receiver is known, and accepts all of it or declines. What guards holds (follow_holds() and
-- reconcile_ledger()) guards them too, and the job that lets holds expire lets them expire.

ALTER TABLE holds ADD COLUMN kind text NOT NULL DEFAULT 'hold';
ALTER TABLE holds
  ADD CONSTRAINT holds_are_holds_or_gifts CHECK (kind IN ('hold', 'gift')) NOT VALID,
  ADD CONSTRAINT gifts_have_a_receiver CHECK (kind <> 'gift' OR (credit_user_id IS NOT NULL AND credit_user_id <> user_id)) NOT VALID,
  ADD CONSTRAINT gifts_are_accepted_in_whole CHECK (kind <> 'gift' OR captured_amount IN (0, amount)) NOT VALID,
  -- An accepted gift is captured, one that its sender cancelled is voided.
  ADD CONSTRAINT holds_have_a_state CHECK (state IN ('open', 'captured', 'voided', 'expired')
    OR (state = 'declined' AND kind = 'gift')) NOT VALID;
-- contract: holds_have_a_state takes its place, which lets gifts be declined, too.
ALTER TABLE holds DROP CONSTRAINT holds_state_check;

GRANT INSERT (kind) ON holds TO ppuri_app;
