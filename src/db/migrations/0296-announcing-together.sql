-- The holds and sprinkles that a batch makes are told by one statement for all of them. A trigger for each row called two functions,
-- which took a sixth of what a hold costs Postgres. Their ends are told one by one as before.

CREATE FUNCTION hold_facts(kind text, id uuid, wallet_id uuid, user_id bigint, credit_wallet_id uuid, credit_user_id bigint,
  currency text, amount bigint, captured_amount bigint, state text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object(kind || '_id', id, 'wallet_id', wallet_id, 'user_id', user_id::text,
    'credit_wallet_id', credit_wallet_id, 'credit_user_id', credit_user_id::text, 'currency', currency, 'amount', amount::text,
    'captured_amount', captured_amount::text, 'state', state));
$$;
REVOKE ALL ON FUNCTION hold_facts(text, uuid, uuid, bigint, uuid, bigint, text, bigint, bigint, text) FROM PUBLIC;
CREATE FUNCTION sprinkle_facts(id uuid, room_id text, creator_user_id bigint, currency text, amount bigint, shares bigint[],
  claimed_count integer) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('sprinkle_id', id, 'room_id', room_id, 'creator_user_id', creator_user_id::text, 'currency', currency,
    'amount', amount::text, 'headcount', cardinality(shares), 'claimed_count', claimed_count);
$$;
REVOKE ALL ON FUNCTION sprinkle_facts(uuid, text, bigint, text, bigint, bigint[], integer) FROM PUBLIC;

CREATE FUNCTION announce_new_holds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO announcements (type, subject, user_ids, data)
  SELECT kind || '.created', kind || 's/' || id, array_remove(ARRAY[user_id, credit_user_id], NULL),
    hold_facts(kind, id, wallet_id, user_id, credit_wallet_id, credit_user_id, currency, amount, captured_amount, state)
  FROM after;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION announce_new_holds() FROM PUBLIC;

CREATE FUNCTION announce_new_sprinkles() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO announcements (type, subject, user_ids, data)
  SELECT 'sprinkle.created', 'sprinkles/' || id, ARRAY[creator_user_id],
    sprinkle_facts(id, room_id, creator_user_id, currency, amount, shares, claimed_count)
  FROM after;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION announce_new_sprinkles() FROM PUBLIC;

CREATE OR REPLACE FUNCTION announce_hold() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  became text := CASE WHEN NEW.captured_amount > OLD.captured_amount THEN 'captured' ELSE NEW.state END;
BEGIN
  IF NEW.kind = 'gift' THEN
    became := CASE became WHEN 'captured' THEN 'accepted' WHEN 'voided' THEN 'cancelled' ELSE became END;
  END IF;
  PERFORM announce(NEW.kind || '.' || became, NEW.kind || 's/' || NEW.id, ARRAY[NEW.user_id, NEW.credit_user_id],
    hold_facts(NEW.kind, NEW.id, NEW.wallet_id, NEW.user_id, NEW.credit_wallet_id, NEW.credit_user_id, NEW.currency, NEW.amount,
      NEW.captured_amount, NEW.state));
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION announce_sprinkle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM announce(
    CASE WHEN NEW.claimed_count = cardinality(NEW.shares) THEN 'sprinkle.emptied'
      WHEN NEW.closed_at >= NEW.expires_at THEN 'sprinkle.expired' ELSE 'sprinkle.cancelled' END,
    'sprinkles/' || NEW.id, ARRAY[NEW.creator_user_id],
    sprinkle_facts(NEW.id, NEW.room_id, NEW.creator_user_id, NEW.currency, NEW.amount, NEW.shares, NEW.claimed_count));
  RETURN NULL;
END $$;

-- To replace a trigger blocks those that write the table for a moment, and never those that read it.
CREATE OR REPLACE TRIGGER sprinkles_are_announced AFTER INSERT ON sprinkles REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION announce_new_sprinkles();
CREATE OR REPLACE TRIGGER holds_are_announced AFTER INSERT ON holds REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION announce_new_holds();
