-- Events that a webhook came to when the feed kept them no longer are told, instead of being left out in silence.

-- Its end was no delivery: the feed had the event no longer.
ALTER TABLE webhook_deliveries ADD COLUMN is_expired boolean NOT NULL DEFAULT false;
GRANT UPDATE (is_expired) ON webhook_deliveries TO ppuri_app, ppuri_worker;
GRANT SELECT (is_expired) ON webhook_deliveries TO ppuri_admin;

-- The last range that was passed over: what follows the first and does not follow the second.
ALTER TABLE webhooks ADD COLUMN expired_after bigint, ADD COLUMN expired_through bigint;
GRANT UPDATE (expired_after, expired_through) ON webhooks TO ppuri_worker;
GRANT SELECT (expired_after, expired_through) ON webhooks TO ppuri_admin;

CREATE FUNCTION announce_expired_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM announce('webhook.events_expired', 'webhooks/' || NEW.id, '{}', jsonb_build_object('webhook_id', NEW.id,
    'first_sequence', (NEW.expired_after + 1)::text, 'last_sequence', NEW.expired_through::text));
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION announce_expired_events() FROM PUBLIC;
CREATE TRIGGER expired_events_are_announced AFTER UPDATE OF expired_through ON webhooks FOR EACH ROW
  WHEN (NEW.expired_through IS DISTINCT FROM OLD.expired_through) EXECUTE FUNCTION announce_expired_events();
