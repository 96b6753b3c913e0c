-- The transparency log: a Merkle tree (RFC 9162) over the sealed transfers, and what was signed of it. Workers append to it;
-- nobody changes what is in it, and what its owner changes behind the program's back is found by the checkpoints that others keep.

CREATE TABLE transparency_log (
  is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
  -- The number of leaves. The worker that appends holds this row locked.
  size bigint NOT NULL DEFAULT 0 CHECK (size >= 0)
);
INSERT INTO transparency_log DEFAULT VALUES;

-- The tree, 256 hashes a row (C2SP tlog-tiles). The last row of each level grows until it is full.
CREATE TABLE transparency_tiles (
  level smallint NOT NULL CHECK (level BETWEEN 0 AND 6),
  index bigint NOT NULL CHECK (index >= 0),
  hashes bytea NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
  -- For each leaf the salt of the side that paid and that of the side that was paid, 16 bytes each.
  salts bytea CHECK (length(salts) = length(hashes)),
  PRIMARY KEY (level, index),
  CONSTRAINT transparency_tiles_salt_leaves CHECK ((level = 0) = (salts IS NOT NULL))
);
-- Hashes do not compress.
ALTER TABLE transparency_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL, ALTER COLUMN salts SET STORAGE EXTERNAL;

-- What signs checkpoints: Ed25519. All keys that are not retired sign.
CREATE TABLE transparency_keys (
  -- The id of C2SP signed notes, in hexadecimal.
  key_id text PRIMARY KEY CHECK (key_id ~ '^[0-9a-f]{8}$'),
  name text NOT NULL CHECK (name ~ '^[^[:space:]+]{1,255}$'),
  -- What verifiers are given: name+id+key.
  verifier text NOT NULL CHECK (length(verifier) <= 400),
  -- Under a key-encryption key, for the owner key_id.
  sealed_private_key text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  retired_at timestamptz
);

CREATE TABLE transparency_checkpoints (
  size bigint PRIMARY KEY CHECK (size > 0),
  -- The signed note.
  note text NOT NULL CHECK (length(note) <= 16384),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TRIGGER transparency_log_grows BEFORE UPDATE ON transparency_log FOR EACH ROW
  WHEN (NEW.size < OLD.size) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transparency_log_is_kept BEFORE DELETE ON transparency_log
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transparency_log_is_not_truncated BEFORE TRUNCATE ON transparency_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transparency_tiles_grow BEFORE UPDATE ON transparency_tiles FOR EACH ROW
  WHEN (substring(NEW.hashes FOR length(OLD.hashes)) <> OLD.hashes
    OR substring(NEW.salts FOR length(OLD.salts)) IS DISTINCT FROM OLD.salts
    OR NEW.level <> OLD.level OR NEW.index <> OLD.index)
  EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transparency_tiles_are_kept BEFORE DELETE ON transparency_tiles
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transparency_tiles_are_not_truncated BEFORE TRUNCATE ON transparency_tiles
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transparency_checkpoints_are_immutable BEFORE UPDATE OR DELETE ON transparency_checkpoints
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transparency_checkpoints_are_not_truncated BEFORE TRUNCATE ON transparency_checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- A key is retired once, and its private half may be sealed again under another key-encryption key.
CREATE TRIGGER transparency_keys_go_forward BEFORE UPDATE ON transparency_keys FOR EACH ROW
  WHEN (NEW.key_id <> OLD.key_id OR NEW.name <> OLD.name OR NEW.verifier <> OLD.verifier OR NEW.created_at <> OLD.created_at
    OR (OLD.retired_at IS NOT NULL AND NEW.retired_at IS DISTINCT FROM OLD.retired_at))
  EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transparency_keys_are_kept BEFORE DELETE ON transparency_keys
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transparency_keys_are_not_truncated BEFORE TRUNCATE ON transparency_keys
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Servers prove, workers append and sign, operators rotate. Private keys are only where they are used.
GRANT SELECT ON transparency_log, transparency_tiles, transparency_checkpoints TO ppuri_app, ppuri_worker, ppuri_admin;
GRANT SELECT (key_id, name, verifier, created_at, retired_at) ON transparency_keys TO ppuri_app;
GRANT SELECT, INSERT (key_id, name, verifier, sealed_private_key) ON transparency_keys TO ppuri_worker, ppuri_admin;
GRANT UPDATE (sealed_private_key, retired_at) ON transparency_keys TO ppuri_admin;
GRANT UPDATE (size) ON transparency_log TO ppuri_worker;
GRANT INSERT, UPDATE (hashes, salts) ON transparency_tiles TO ppuri_worker;
GRANT INSERT (size, note) ON transparency_checkpoints TO ppuri_worker;
