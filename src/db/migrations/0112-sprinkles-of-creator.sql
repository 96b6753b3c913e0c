-- no transaction
-- What a user's open sprinkles hold counts against what it may hold.
CREATE INDEX CONCURRENTLY IF NOT EXISTS sprinkles_open_by_creator ON sprinkles (creator_user_id) WHERE closed_at IS NULL;
