-- Webhooks: where events are sent to, what is on its way to each, and who sends it. Servers set them up; workers send.

-- The first key of the line of replacements that a key belongs to; the line's things belong to it. Null for an unknown key.
CREATE FUNCTION key_line(of_key text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  WITH RECURSIVE line AS (
    SELECT k.id, k.replaces_id FROM api_keys k WHERE k.id = of_key
    UNION ALL SELECT k.id, k.replaces_id FROM line JOIN api_keys k ON k.id = line.replaces_id)
  SELECT id FROM line WHERE replaces_id IS NULL
$$;
-- Whether one of the keys that a first key began can sign calls now.
CREATE FUNCTION key_line_is_live(first_key text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  WITH RECURSIVE line AS (
    SELECT k.id, k.active_from, k.revoked_at, k.expires_at FROM api_keys k WHERE k.id = first_key
    UNION ALL SELECT k.id, k.active_from, k.revoked_at, k.expires_at FROM line JOIN api_keys k ON k.replaces_id = line.id)
  SELECT EXISTS (SELECT 1 FROM line WHERE active_from <= clock_timestamp()
    AND coalesce(least(revoked_at, expires_at) > clock_timestamp(), true))
$$;
REVOKE ALL ON FUNCTION key_line(text), key_line_is_live(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION key_line(text) TO ppuri_app;
GRANT EXECUTE ON FUNCTION key_line_is_live(text) TO ppuri_worker;

CREATE TABLE webhooks (
  id uuid PRIMARY KEY,
  -- key_line() of the API key that made it. No reference: a line that ended long ago may be purged.
  owner_key_id text NOT NULL,
  url text NOT NULL CHECK (length(url) BETWEEN 1 AND 2048),
  -- Types of events; all where empty.
  types text[] NOT NULL,
  description text NOT NULL CHECK (length(description) <= 200),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused')),
  pause_reason text CHECK (pause_reason IN ('owner', 'failing', 'gone')),
  paused_at timestamptz,
  -- The secret and the private key, sealed as the secrets of API keys are; null once it is deleted.
  sealed_keys text,
  public_key text NOT NULL,
  -- What they replaced, which signs beside them until then.
  previous_sealed_keys text,
  previous_public_key text,
  previous_until timestamptz,
  -- The last event of the feed that was taken up for it.
  last_sequence bigint NOT NULL CHECK (last_sequence >= 0),
  -- What is taken up once more: what follows the first and does not follow the second.
  again_after bigint,
  again_through bigint,
  -- Counts what the worker that sends for it has to learn of.
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  deleted_at timestamptz,
  -- The process that sends for it, which puts lease_until off while it lives.
  worker uuid,
  lease_until timestamptz NOT NULL DEFAULT '-infinity',
  -- Counts the leases, so that a process learns that another one had it in between.
  lease bigint NOT NULL DEFAULT 0,
  CONSTRAINT webhooks_say_why_they_pause CHECK ((state = 'paused') = (pause_reason IS NOT NULL) AND (state = 'paused') = (paused_at IS NOT NULL)),
  CONSTRAINT webhooks_have_keys CHECK ((sealed_keys IS NULL) = (deleted_at IS NOT NULL)),
  CONSTRAINT webhooks_replace_all CHECK (num_nonnulls(previous_sealed_keys, previous_public_key, previous_until) IN (0, 3)),
  CONSTRAINT webhooks_repeat_a_range CHECK ((again_after IS NULL) = (again_through IS NULL) AND again_after < again_through)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX webhooks_of_owner ON webhooks (owner_key_id, url) WHERE deleted_at IS NULL;

-- Who reads the feed learns that a webhook sends nothing any more. Its address may hold a secret and is told to nobody.
CREATE FUNCTION announce_paused_webhook() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM announce('webhook.paused', 'webhooks/' || NEW.id, '{}', jsonb_build_object('webhook_id', NEW.id,
    'reason', NEW.pause_reason));
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION announce_paused_webhook() FROM PUBLIC;
CREATE TRIGGER paused_webhooks_are_announced AFTER UPDATE OF state ON webhooks FOR EACH ROW
  WHEN (OLD.state = 'active' AND NEW.state = 'paused') EXECUTE FUNCTION announce_paused_webhook();

CREATE TABLE webhook_deliveries (
  id uuid PRIMARY KEY,
  webhook_id uuid NOT NULL REFERENCES webhooks (id),
  -- What the receiver knows the event by.
  event_id text NOT NULL CHECK (length(event_id) BETWEEN 1 AND 128),
  -- Its place in the feed; null for a test event.
  sequence bigint,
  type text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Since when it is to be delivered: when it was made, or asked for once more.
  pending_since timestamptz NOT NULL DEFAULT clock_timestamp(),
  attempt_count integer NOT NULL DEFAULT 0 CHECK (attempt_count >= 0),
  -- The last ones: [{"at": microseconds since 1970, "status": 0 for none, "ms": how long, "error": ""}, …], oldest first.
  attempts jsonb NOT NULL DEFAULT '[]',
  -- Since when it fails; null before the first failure.
  failing_since timestamptz,
  -- When it is tried next; null once it is delivered.
  next_attempt_at timestamptz DEFAULT clock_timestamp(),
  delivered_at timestamptz,
  CONSTRAINT webhook_deliveries_end CHECK ((delivered_at IS NULL) = (next_attempt_at IS NOT NULL)),
  UNIQUE (webhook_id, sequence)
) WITH (fillfactor = 80);
CREATE INDEX webhook_deliveries_undelivered ON webhook_deliveries (webhook_id, sequence) WHERE delivered_at IS NULL;
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (webhook_id, created_at DESC, id DESC);
CREATE INDEX webhook_deliveries_old ON webhook_deliveries (created_at);

-- Deletes up to this many deliveries that were made 30 days ago, and of deleted webhooks all; what a webhook has yet to send
-- stays. A deleted webhook goes with its last delivery. Returns how many rows went.
CREATE FUNCTION purge_webhooks(at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  gone integer;
  gone_webhooks integer;
BEGIN
  DELETE FROM webhook_deliveries WHERE id IN (
    (SELECT d.id FROM webhook_deliveries d
      WHERE d.created_at < clock_timestamp() - interval '30 days' AND d.delivered_at IS NOT NULL LIMIT at_most)
    UNION ALL (SELECT d.id FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id
      WHERE w.deleted_at < clock_timestamp() - interval '1 hour' LIMIT at_most)
    LIMIT at_most);
  GET DIAGNOSTICS gone = ROW_COUNT;
  DELETE FROM webhooks w WHERE w.deleted_at < clock_timestamp() - interval '1 hour'
    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = w.id);
  GET DIAGNOSTICS gone_webhooks = ROW_COUNT;
  RETURN gone + gone_webhooks;
END $$;
REVOKE ALL ON FUNCTION purge_webhooks(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_webhooks(integer) TO ppuri_worker;

GRANT SELECT ON webhooks, webhook_deliveries TO ppuri_app, ppuri_worker;
GRANT INSERT (id, owner_key_id, url, types, description, sealed_keys, public_key, last_sequence) ON webhooks TO ppuri_app;
GRANT UPDATE (url, types, description, state, pause_reason, paused_at, sealed_keys, public_key, previous_sealed_keys,
  previous_public_key, previous_until, again_after, again_through, version, deleted_at) ON webhooks TO ppuri_app;
GRANT INSERT (id, webhook_id, event_id, type) ON webhook_deliveries TO ppuri_app;
GRANT UPDATE (pending_since, failing_since, next_attempt_at, delivered_at) ON webhook_deliveries TO ppuri_app;
GRANT UPDATE (state, pause_reason, paused_at, last_sequence, again_after, again_through, worker, lease_until, lease) ON webhooks
  TO ppuri_worker;
GRANT INSERT (id, webhook_id, event_id, sequence, type), UPDATE (pending_since, attempt_count, attempts, failing_since,
  next_attempt_at, delivered_at) ON webhook_deliveries TO ppuri_worker;
-- Who replaces a key-encryption key seals everything again.
GRANT SELECT (id, sealed_keys, previous_sealed_keys, version), UPDATE (sealed_keys, previous_sealed_keys, version) ON webhooks TO ppuri_admin;
