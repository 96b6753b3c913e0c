-- no transaction
-- A payout has a reference on one of its valid lines.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS payout_lines_references ON payout_lines (payout_id, reference)
  WHERE reference IS NOT NULL AND reason IS NULL;
