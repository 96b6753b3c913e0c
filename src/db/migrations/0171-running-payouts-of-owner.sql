-- no transaction
-- What a user's payouts still hold is looked for by limits and by closing. Only payouts that run hold something, and those are few.
CREATE INDEX CONCURRENTLY IF NOT EXISTS payouts_running_by_owner ON payouts (owner_user_id) WHERE state = 'running';
