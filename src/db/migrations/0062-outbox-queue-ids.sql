-- no transaction
-- Rows from before get theirs, and are brought to the queue under it.
DO $$ BEGIN LOOP
  UPDATE outbox SET queue_id = gen_random_uuid(), relayed_at = NULL
  WHERE id IN (SELECT id FROM outbox WHERE queue_id IS NULL LIMIT 1000);
  EXIT WHEN NOT FOUND;
  COMMIT;
END LOOP; END $$;
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS outbox_queue_ids ON outbox (queue_id);
ALTER TABLE outbox VALIDATE CONSTRAINT outbox_queue_id_not_null;
