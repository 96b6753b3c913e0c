-- no transaction
-- Counts a user's drafts of payouts, and finds old ones.
CREATE INDEX CONCURRENTLY IF NOT EXISTS payouts_drafts ON payouts (owner_user_id, created_at) WHERE state = 'draft';
