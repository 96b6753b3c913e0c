-- no transaction
-- Finds the rooms that a user owns, to count them.
CREATE INDEX CONCURRENTLY IF NOT EXISTS rooms_of_owner ON rooms (owner_user_id);
