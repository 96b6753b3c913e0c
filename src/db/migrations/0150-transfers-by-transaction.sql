-- no transaction
-- The seal (migration 0151) asks ten times a second for what the newest transactions wrote. An index by blocks has no answer before
-- its newest blocks are summarized, which takes a minute; in this one they come last, where inserting and reading cost the least.
SELECT format('CREATE INDEX CONCURRENTLY IF NOT EXISTS %I ON %s (written_by)', relname || '_by_transaction', oid::regclass)
  FROM pg_class JOIN pg_inherits ON inhrelid = oid WHERE inhparent = 'transfers'::regclass ORDER BY relname;
