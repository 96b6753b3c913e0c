-- no transaction
ALTER TABLE holds VALIDATE CONSTRAINT holds_are_holds_or_gifts;
ALTER TABLE holds VALIDATE CONSTRAINT gifts_have_a_receiver;
ALTER TABLE holds VALIDATE CONSTRAINT gifts_are_accepted_in_whole;
ALTER TABLE holds VALIDATE CONSTRAINT holds_have_a_state;

-- A list takes the newest of each state.
CREATE INDEX CONCURRENTLY IF NOT EXISTS gifts_by_sender ON holds (user_id, state, created_at DESC, id DESC)
  WHERE kind = 'gift';
CREATE INDEX CONCURRENTLY IF NOT EXISTS gifts_by_receiver ON holds (credit_user_id, state, created_at DESC, id DESC)
  WHERE kind = 'gift';
