-- Which copies in Redis may be believed. One row that every process reads a few times a second: what it has read, it
-- believes for a second at most (its lease). Whoever cannot keep the copies right moves the row first and waits for
-- all leases to end; ARCHITECTURE.md, "Copies in Redis", has the whole of it.
CREATE TABLE cache_epochs (
  is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
  -- Part of every key in Redis: copies of an earlier epoch are never read again. A random name and not a number, so that
  -- none comes back with a backup.
  epoch text NOT NULL,
  -- The run of Redis that holds the copies, and the run of Postgres that they are copies of. After a restart Redis may
  -- have lost its last second, and Postgres, restored or failed over, more than that.
  redis_run_id text NOT NULL,
  postgres_started_at timestamptz NOT NULL,
  -- When copies were last declared unusable, and from when on they are usable again.
  changed_at timestamptz NOT NULL,
  usable_from timestamptz NOT NULL
);
INSERT INTO cache_epochs (epoch, redis_run_id, postgres_started_at, changed_at, usable_from)
VALUES ('none', '', '-infinity', '2000-01-01Z', '2000-01-01Z');

GRANT SELECT, UPDATE (epoch, redis_run_id, postgres_started_at, changed_at, usable_from) ON cache_epochs TO ppuri_app;
