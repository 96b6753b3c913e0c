-- What the creator of a sprinkle may choose, and that it was ended before its time.
ALTER TABLE sprinkles
  ADD COLUMN message text,
  -- Whether only its creator sees who got what.
  ADD COLUMN hides_amounts boolean,
  -- Who alone may claim; null where every member of the room may.
  ADD COLUMN allowed_user_ids bigint[],
  ADD COLUMN cancelled_at timestamptz;
ALTER TABLE sprinkles
  ADD CONSTRAINT sprinkles_message_length CHECK (char_length(message) <= 200) NOT VALID,
  ADD CONSTRAINT sprinkles_allowed CHECK (cardinality(allowed_user_ids) BETWEEN cardinality(shares) AND 1000) NOT VALID,
  ADD CONSTRAINT sprinkles_cancelled_are_closed CHECK (cancelled_at IS NULL OR closed_at IS NOT NULL) NOT VALID;
CREATE TRIGGER sprinkles_stay_cancelled BEFORE UPDATE OF cancelled_at ON sprinkles FOR EACH ROW
  WHEN (OLD.cancelled_at IS NOT NULL AND NEW.cancelled_at IS DISTINCT FROM OLD.cancelled_at) EXECUTE FUNCTION refuse_change();

GRANT INSERT (message, hides_amounts, allowed_user_ids), UPDATE (cancelled_at) ON sprinkles TO ppuri_app;
