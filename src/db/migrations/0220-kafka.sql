-- How far the feed was sent to Kafka, by topic, and which worker sends.
CREATE TABLE kafka_cursors (
  topic text PRIMARY KEY CHECK (topic ~ '^[A-Za-z0-9._-]{1,249}$'),
  -- The feed's epoch of that place: a restore brings the place back and begins another epoch.
  epoch text NOT NULL CHECK (epoch ~ '^[0-9a-f]{16}$'),
  -- The last event that all in-sync replicas have, as have those before it.
  last_sequence bigint NOT NULL CHECK (last_sequence >= 0),
  -- The process that sends, which puts lease_until off while it lives.
  worker uuid,
  lease_until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
GRANT SELECT, INSERT (topic, epoch, last_sequence, worker, lease_until), UPDATE (epoch, last_sequence, worker, lease_until)
  ON kafka_cursors TO ppuri_worker;
