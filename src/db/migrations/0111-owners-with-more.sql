-- no transaction
-- Which users have more wallets than their default one; from migration 0110 on, a trigger tells.
DO $$
DECLARE
  after bigint := -1;
BEGIN
  LOOP
    WITH owners AS (
      SELECT DISTINCT owner_user_id FROM accounts WHERE kind = 'wallet' AND NOT is_default AND owner_user_id > after
      ORDER BY owner_user_id LIMIT 1000
    ), changed AS (
      UPDATE accounts a SET owner_has_more = true FROM owners o
      WHERE a.owner_user_id = o.owner_user_id AND a.is_default AND NOT a.owner_has_more)
    SELECT max(owner_user_id) INTO after FROM owners;
    EXIT WHEN after IS NULL;
    COMMIT;
  END LOOP;
END $$;
