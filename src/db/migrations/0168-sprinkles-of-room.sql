-- no transaction
ALTER TABLE sprinkles VALIDATE CONSTRAINT sprinkles_message_length;
ALTER TABLE sprinkles VALIDATE CONSTRAINT sprinkles_allowed;
ALTER TABLE sprinkles VALIDATE CONSTRAINT sprinkles_cancelled_are_closed;

-- The members of a room list its sprinkles, newest first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS sprinkles_by_room ON sprinkles (room_id, created_at DESC, id DESC);
