-- Operators see webhooks and their deliveries, without their secrets; of an address only where it leads to, because the rest of it
-- may be a secret, too.
GRANT SELECT (owner_key_id, state, pause_reason, paused_at, created_at, deleted_at, worker, lease_until, last_sequence, types,
  description) ON webhooks TO ppuri_admin;
GRANT SELECT (id, webhook_id, event_id, sequence, type, created_at, pending_since, attempt_count, attempts, failing_since,
  next_attempt_at, delivered_at) ON webhook_deliveries TO ppuri_admin;
CREATE FUNCTION webhook_host(of_webhook uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT substring(w.url FROM '^https?://([^/?#]+)') FROM webhooks w WHERE w.id = of_webhook
$$;
REVOKE ALL ON FUNCTION webhook_host(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION webhook_host(uuid) TO ppuri_admin;
