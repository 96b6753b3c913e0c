-- no transaction
-- Marks are few among answers; this finds the old ones.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idempotency_keys_marks ON idempotency_keys (created_at) WHERE outcome IS NULL;
ALTER TABLE idempotency_keys VALIDATE CONSTRAINT idempotency_keys_answer_or_mark;
