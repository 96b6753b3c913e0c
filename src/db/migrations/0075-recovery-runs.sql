-- Backups and drills: what was asked for, how it went, and which backups there are. Servers only ask and read. Workers do it,
-- where BACKUP_COMMAND or DRILL_COMMAND says how, so the keys and credentials of backups are on their machine alone.

CREATE TABLE recovery_runs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind text NOT NULL CHECK (kind IN ('backup', 'drill')),
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'abandoned')),
  -- A full backup, also where an incremental one would do.
  is_full boolean NOT NULL DEFAULT false,
  -- The API key that asked for it, or `schedule`.
  requested_by text NOT NULL CHECK (length(requested_by) BETWEEN 1 AND 64),
  requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  idempotency_key text UNIQUE CHECK (length(idempotency_key) BETWEEN 1 AND 128),
  -- Of the request under the key, in hexadecimal.
  fingerprint text CHECK (length(fingerprint) = 64),
  -- The process that does it, which puts lease_until off while it lives. After it the run is abandoned; a queued one is
  -- after an hour.
  worker uuid,
  lease_until timestamptz NOT NULL DEFAULT clock_timestamp() + interval '1 hour',
  started_at timestamptz,
  ended_at timestamptz,
  -- Why it failed, for people.
  error text NOT NULL DEFAULT '' CHECK (length(error) <= 1000),
  -- What came of it.
  report jsonb,
  CONSTRAINT recovery_runs_have_a_worker CHECK ((worker IS NULL) = (started_at IS NULL) AND (state <> 'running' OR worker IS NOT NULL)),
  CONSTRAINT recovery_runs_have_an_end CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL))
);
-- One at a time of each kind.
CREATE UNIQUE INDEX recovery_runs_under_way ON recovery_runs (kind) WHERE state IN ('queued', 'running');
CREATE INDEX recovery_runs_by_time ON recovery_runs (kind, requested_at DESC, id DESC);

-- A run goes forward only, is its worker's alone, and is abandoned only once its lease is over. Its times are the database's.
CREATE FUNCTION guard_recovery_run() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT (CASE OLD.state || ' to ' || NEW.state
      WHEN 'queued to running' THEN true
      WHEN 'running to running' THEN NEW.worker = OLD.worker AND NEW.report IS NULL
      WHEN 'running to succeeded' THEN NEW.worker = OLD.worker AND NEW.error = ''
      WHEN 'running to failed' THEN NEW.worker = OLD.worker AND NEW.error <> ''
      WHEN 'queued to abandoned' THEN OLD.lease_until < clock_timestamp()
      WHEN 'running to abandoned' THEN OLD.lease_until < clock_timestamp()
      ELSE false END)
    OR NEW.lease_until > clock_timestamp() + interval '10 minutes'
  THEN
    RAISE EXCEPTION 'a run does not go from % to % like this', OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.state = 'queued' AND NEW.state = 'running' THEN NEW.started_at := clock_timestamp(); END IF;
  IF NEW.state NOT IN ('queued', 'running') THEN NEW.ended_at := clock_timestamp(); END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER recovery_runs_go_forward BEFORE UPDATE ON recovery_runs
  FOR EACH ROW EXECUTE FUNCTION guard_recovery_run();
CREATE TRIGGER recovery_runs_are_kept BEFORE DELETE ON recovery_runs
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER recovery_runs_are_not_emptied BEFORE TRUNCATE ON recovery_runs
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Ends the runs whose workers died, and those that no worker took; how many.
CREATE FUNCTION abandon_lost_recovery_runs() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE lost integer;
BEGIN
  UPDATE recovery_runs SET state = 'abandoned'
  WHERE state IN ('queued', 'running') AND lease_until < clock_timestamp();
  GET DIAGNOSTICS lost = ROW_COUNT;
  RETURN lost;
END $$;
REVOKE ALL ON FUNCTION abandon_lost_recovery_runs() FROM PUBLIC;

-- When a worker that is set up for a kind of run last said so.
CREATE TABLE recovery_workers (
  kind text PRIMARY KEY CHECK (kind IN ('backup', 'drill')),
  seen_at timestamptz NOT NULL
);
INSERT INTO recovery_workers (kind, seen_at) VALUES ('backup', '-infinity'), ('drill', '-infinity');

-- The backups in storage, as a worker last listed them.
CREATE TABLE stored_backups (
  cluster_id text NOT NULL CHECK (length(cluster_id) BETWEEN 1 AND 32),
  label text NOT NULL CHECK (length(label) BETWEEN 1 AND 100),
  -- Empty while it is not known.
  kind text NOT NULL CHECK (kind IN ('', 'full', 'incremental')),
  base_label text NOT NULL CHECK (length(base_label) <= 100),
  state text NOT NULL CHECK (state IN ('complete', 'verified', 'incomplete', 'damaged')),
  started_at timestamptz,
  ended_at timestamptz,
  bytes bigint NOT NULL CHECK (bytes >= 0),
  stored_bytes bigint NOT NULL CHECK (stored_bytes >= 0),
  is_encrypted boolean NOT NULL,
  timeline integer NOT NULL CHECK (timeline >= 0),
  start_lsn text NOT NULL CHECK (length(start_lsn) <= 20),
  end_lsn text NOT NULL CHECK (length(end_lsn) <= 20),
  last_wal text NOT NULL CHECK (length(last_wal) <= 40),
  restorable_until timestamptz,
  verified_at timestamptz,
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (cluster_id, label)
);

GRANT SELECT, INSERT (kind, is_full, requested_by, idempotency_key, fingerprint) ON recovery_runs
  TO ppuri_worker, ppuri_admin;
GRANT UPDATE (state, worker, lease_until, error, report) ON recovery_runs TO ppuri_worker;
GRANT EXECUTE ON FUNCTION abandon_lost_recovery_runs() TO ppuri_worker, ppuri_admin;
GRANT SELECT ON recovery_workers, stored_backups TO ppuri_worker, ppuri_admin;
GRANT UPDATE (seen_at) ON recovery_workers TO ppuri_worker;
GRANT INSERT, UPDATE, DELETE ON stored_backups TO ppuri_worker;
