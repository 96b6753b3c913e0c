-- no transaction
-- Transfers come in the order of their transactions, nearly, so a small index by blocks finds the new ones.
SELECT format('CREATE INDEX CONCURRENTLY IF NOT EXISTS %I ON %s USING brin (written_by) WITH (pages_per_range = 16, autosummarize = on)',
    relname || '_by_writer', oid::regclass)
  FROM pg_class JOIN pg_inherits ON inhrelid = oid WHERE inhparent = 'transfers'::regclass ORDER BY relname;
