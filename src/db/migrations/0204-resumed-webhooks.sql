-- Operators let a webhook go on, as its owner can.

-- What failed is tried at once, and the days until it is given up begin again, also where it is not paused. False where there is none.
CREATE FUNCTION resume_webhook(of_webhook uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE webhooks SET state = 'active', pause_reason = NULL, paused_at = NULL, version = version + 1
  WHERE id = of_webhook AND deleted_at IS NULL;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE webhook_deliveries SET failing_since = NULL, pending_since = clock_timestamp(), next_attempt_at = clock_timestamp()
  WHERE webhook_id = of_webhook AND delivered_at IS NULL;
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION resume_webhook(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resume_webhook(uuid) TO ppuri_admin;
