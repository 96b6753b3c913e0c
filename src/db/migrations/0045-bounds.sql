-- no transaction
-- The bounds of what a request may hold, once more at the rows: no single layer is trusted with them.
-- Each constraint holds for new rows at once, and then the old rows are checked under a lock that holds nobody up. Old rows
-- that break one, and that nobody may change, stay as they are; the constraint is left NOT VALID then and says so.

ALTER TABLE users DROP CONSTRAINT IF EXISTS users_name_length,
  ADD CONSTRAINT users_name_length CHECK (char_length(display_name) <= 100) NOT VALID;
ALTER TABLE rooms DROP CONSTRAINT IF EXISTS rooms_name_length,
  ADD CONSTRAINT rooms_name_length CHECK (char_length(display_name) <= 100) NOT VALID;
ALTER TABLE accounts DROP CONSTRAINT IF EXISTS accounts_name_length,
  ADD CONSTRAINT accounts_name_length CHECK (char_length(display_name) <= 100) NOT VALID;
ALTER TABLE api_keys DROP CONSTRAINT IF EXISTS api_keys_name_length,
  ADD CONSTRAINT api_keys_name_length CHECK (char_length(display_name) <= 100) NOT VALID;
ALTER TABLE transfers DROP CONSTRAINT IF EXISTS transfers_memo_length,
  ADD CONSTRAINT transfers_memo_length CHECK (char_length(memo) <= 200) NOT VALID;
ALTER TABLE idempotency_keys DROP CONSTRAINT IF EXISTS idempotency_keys_length,
  ADD CONSTRAINT idempotency_keys_length CHECK (char_length(key) <= 128) NOT VALID;
ALTER TABLE sprinkles DROP CONSTRAINT IF EXISTS sprinkles_amount_limit,
  ADD CONSTRAINT sprinkles_amount_limit CHECK (amount <= 281474976710655) NOT VALID;
ALTER TABLE payouts DROP CONSTRAINT IF EXISTS payouts_memo_length,
  ADD CONSTRAINT payouts_memo_length CHECK (char_length(memo) <= 200) NOT VALID;
ALTER TABLE payout_lines DROP CONSTRAINT IF EXISTS payout_lines_text_length,
  ADD CONSTRAINT payout_lines_text_length CHECK (char_length(memo) <= 200 AND char_length(key) <= 64) NOT VALID;
ALTER TABLE payout_lines DROP CONSTRAINT IF EXISTS payout_lines_amount_limit,
  ADD CONSTRAINT payout_lines_amount_limit CHECK (reason IS NOT NULL OR amount <= 9007199254740991) NOT VALID;

DO $$
DECLARE
  added record;
BEGIN
  FOR added IN
    SELECT conrelid::regclass AS table_name, conname FROM pg_constraint
    WHERE NOT convalidated AND conparentid = 0 AND conname IN ('users_name_length', 'rooms_name_length', 'accounts_name_length',
      'api_keys_name_length', 'transfers_memo_length', 'idempotency_keys_length', 'sprinkles_amount_limit',
      'payouts_memo_length', 'payout_lines_text_length', 'payout_lines_amount_limit')
      AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = conrelid)
  LOOP
    BEGIN
      EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', added.table_name, added.conname);
    EXCEPTION WHEN check_violation THEN
      RAISE WARNING 'rows of % break %; it holds for new ones', added.table_name, added.conname;
    END;
  END LOOP;
END $$;
