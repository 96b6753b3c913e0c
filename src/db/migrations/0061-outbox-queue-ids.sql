-- What the queue knows a row of the outbox by. It is random, because numbers come again: after a restored backup, or where a
-- standby that lagged was promoted, rows get numbers that the queue has met before, with other work.
ALTER TABLE outbox ADD COLUMN queue_id uuid;
ALTER TABLE outbox ALTER COLUMN queue_id SET DEFAULT gen_random_uuid();
ALTER TABLE outbox ADD CONSTRAINT outbox_queue_id_not_null NOT NULL queue_id NOT VALID;
