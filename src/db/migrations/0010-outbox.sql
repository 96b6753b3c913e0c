-- Work that follows from money: written with it, moved to the queue by relays, and gone once it is done.

-- A row stays until its job is done, so that a queue that lost everything can be filled again from here.
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job text NOT NULL CHECK (job ~ '^[a-z-]{1,64}$'),
  data json NOT NULL,
  -- Not before.
  run_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- When a relay last put it into the queue; null when that has to be done, for the first time or again.
  relayed_at timestamptz
);
CREATE INDEX outbox_to_relay ON outbox (id) WHERE relayed_at IS NULL;
CREATE INDEX outbox_relayed ON outbox (relayed_at) WHERE relayed_at IS NOT NULL;

CREATE FUNCTION announce_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('ppuri_outbox', '');
  RETURN NULL;
END $$;
CREATE TRIGGER outbox_is_announced AFTER INSERT ON outbox
  FOR EACH STATEMENT EXECUTE FUNCTION announce_outbox();

-- Jobs that failed as often as they were tried.
CREATE TABLE dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job text NOT NULL,
  -- Its id in the queue.
  queue_id text NOT NULL,
  data json NOT NULL,
  error text NOT NULL,
  attempts integer NOT NULL CHECK (attempts > 0),
  failed_at timestamptz NOT NULL DEFAULT now(),
  -- When ops sent it to the queue once more.
  replayed_at timestamptz,
  UNIQUE (job, queue_id)
);
CREATE INDEX dead_letters_to_see ON dead_letters (id DESC) WHERE replayed_at IS NULL;

-- What is known of each job: whether ops paused it, and how it last went. A job that never ran has no row.
CREATE TABLE job_states (
  job text PRIMARY KEY,
  paused_at timestamptz,
  runs bigint NOT NULL DEFAULT 0,
  failures bigint NOT NULL DEFAULT 0,
  last_started_at timestamptz,
  last_ended_at timestamptz,
  -- What it says it did; null when it failed.
  last_result json,
  -- Null when it went well.
  last_error text
);

-- When the pot was emptied for good: by the last claim, or by the refund.
ALTER TABLE sprinkles ADD COLUMN closed_at timestamptz;
-- When its refund failed and got a job of its own; refunds of others no longer meet it.
ALTER TABLE sprinkles ADD COLUMN set_aside_at timestamptz;
UPDATE sprinkles s SET closed_at = p.updated_at FROM accounts p WHERE p.id = s.pot_account_id AND p.balance = 0;

-- What is to be refunded, in eight equal parts that several workers can work on without meeting.
CREATE INDEX sprinkles_open ON sprinkles ((get_byte(uuid_send(id), 15) & 7), expires_at, id)
  WHERE closed_at IS NULL AND set_aside_at IS NULL;

GRANT SELECT, INSERT ON outbox, job_states TO ppuri_app;
GRANT UPDATE (paused_at) ON job_states TO ppuri_app;
GRANT SELECT, UPDATE (replayed_at) ON dead_letters TO ppuri_app;
GRANT UPDATE (closed_at) ON sprinkles TO ppuri_app;

GRANT UPDATE (relayed_at), DELETE ON outbox TO ppuri_worker;
GRANT UPDATE ON job_states TO ppuri_worker;
GRANT INSERT ON dead_letters TO ppuri_worker;
GRANT UPDATE (set_aside_at) ON sprinkles TO ppuri_worker;
