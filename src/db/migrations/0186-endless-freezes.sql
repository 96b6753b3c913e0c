-- A freeze that its caller says to end at infinity was refused, because infinity is no bigint: it is announced as one without an end.
CREATE OR REPLACE FUNCTION announce_freeze() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  owner bigint := coalesce(NEW.user_id, (SELECT a.owner_user_id FROM accounts a WHERE a.id = NEW.wallet_id));
BEGIN
  PERFORM announce(CASE TG_OP WHEN 'INSERT' THEN 'wallet.frozen' ELSE 'wallet.unfrozen' END,
    coalesce('wallets/' || NEW.wallet_id, 'users/' || NEW.user_id), ARRAY[owner],
    jsonb_strip_nulls(jsonb_build_object('wallet_id', NEW.wallet_id, 'user_id', owner::text, 'direction', NEW.direction,
      'frozen_until', CASE WHEN isfinite(NEW.frozen_until) THEN (extract(epoch FROM NEW.frozen_until) * 1000000)::bigint::text END)));
  RETURN NULL;
END $$;
