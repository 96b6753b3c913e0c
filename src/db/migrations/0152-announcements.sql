-- What is announced: sprinkles, holds, gifts, payouts, freezes and closed wallets, by triggers, in the transaction of what they tell.
-- A transfer between wallets meets none of them.

CREATE FUNCTION announce_closing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM announce('wallet.closed', 'wallets/' || NEW.id, ARRAY[NEW.owner_user_id],
    jsonb_build_object('wallet_id', NEW.id, 'user_id', NEW.owner_user_id::text));
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION announce_closing() FROM PUBLIC;
-- Statements that move money do not name the column, and pay nothing. It comes first, because batches lock accounts first.
CREATE TRIGGER closed_wallets_are_announced AFTER UPDATE OF closed_at ON accounts FOR EACH ROW
  WHEN (OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL) EXECUTE FUNCTION announce_closing();

CREATE FUNCTION announce_sprinkle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  is_emptied boolean := NEW.claimed_count = cardinality(NEW.shares);
BEGIN
  PERFORM announce(
    CASE WHEN TG_OP = 'INSERT' THEN 'sprinkle.created' WHEN is_emptied THEN 'sprinkle.emptied'
      WHEN NEW.closed_at >= NEW.expires_at THEN 'sprinkle.expired' ELSE 'sprinkle.cancelled' END,
    'sprinkles/' || NEW.id, ARRAY[NEW.creator_user_id],
    jsonb_build_object('sprinkle_id', NEW.id, 'room_id', NEW.room_id, 'creator_user_id', NEW.creator_user_id::text,
      'currency', NEW.currency, 'amount', NEW.amount::text, 'headcount', cardinality(NEW.shares),
      'claimed_count', NEW.claimed_count));
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION announce_sprinkle() FROM PUBLIC;
CREATE TRIGGER sprinkles_are_announced AFTER INSERT ON sprinkles FOR EACH ROW EXECUTE FUNCTION announce_sprinkle();
CREATE TRIGGER sprinkle_ends_are_announced AFTER UPDATE OF closed_at ON sprinkles FOR EACH ROW
  WHEN (OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL) EXECUTE FUNCTION announce_sprinkle();

CREATE FUNCTION announce_claims() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO announcements (type, subject, user_ids, data)
  SELECT 'sprinkle.claimed', 'sprinkles/' || s.id, ARRAY[n.user_id, s.creator_user_id],
    jsonb_build_object('sprinkle_id', s.id, 'room_id', s.room_id, 'creator_user_id', s.creator_user_id::text,
      'currency', s.currency, 'amount', s.amount::text, 'headcount', cardinality(s.shares), 'claimed_count', n.share_index + 1,
      'claimer_user_id', n.user_id::text, 'claimed_amount', n.amount::text, 'transfer_id', n.transfer_id)
  FROM after n JOIN sprinkles s ON s.id = n.sprinkle_id ORDER BY n.sprinkle_id, n.share_index;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION announce_claims() FROM PUBLIC;
CREATE TRIGGER sprinkle_claims_are_announced AFTER INSERT ON sprinkle_claims REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION announce_claims();

-- A gift is a hold that its receiver accepts; the last capture of a hold may give back what is left.
CREATE FUNCTION announce_hold() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  became text := CASE WHEN TG_OP = 'INSERT' THEN 'created' WHEN NEW.captured_amount > OLD.captured_amount THEN 'captured'
    ELSE NEW.state END;
BEGIN
  IF NEW.kind = 'gift' THEN
    became := CASE became WHEN 'captured' THEN 'accepted' WHEN 'voided' THEN 'cancelled' ELSE became END;
  END IF;
  PERFORM announce(NEW.kind || '.' || became, NEW.kind || 's/' || NEW.id, ARRAY[NEW.user_id, NEW.credit_user_id],
    jsonb_strip_nulls(jsonb_build_object(NEW.kind || '_id', NEW.id, 'wallet_id', NEW.wallet_id, 'user_id', NEW.user_id::text,
      'credit_wallet_id', NEW.credit_wallet_id, 'credit_user_id', NEW.credit_user_id::text, 'currency', NEW.currency,
      'amount', NEW.amount::text, 'captured_amount', NEW.captured_amount::text, 'state', NEW.state)));
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION announce_hold() FROM PUBLIC;
CREATE TRIGGER holds_are_announced AFTER INSERT ON holds FOR EACH ROW EXECUTE FUNCTION announce_hold();
CREATE TRIGGER hold_changes_are_announced AFTER UPDATE OF captured_amount, state ON holds FOR EACH ROW
  WHEN (NEW.captured_amount > OLD.captured_amount OR NEW.state <> OLD.state) EXECUTE FUNCTION announce_hold();

CREATE FUNCTION announce_payout() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM announce(CASE NEW.state WHEN 'done' THEN 'payout.completed' ELSE 'payout.cancelled' END, 'payouts/' || NEW.id,
    ARRAY[NEW.owner_user_id],
    jsonb_build_object('payout_id', NEW.id, 'user_id', NEW.owner_user_id::text, 'wallet_id', NEW.source_account_id,
      'currency', NEW.currency, 'paid_amount', NEW.paid_amount::text, 'paid_count', NEW.paid_count,
      'failed_count', NEW.failed_count, 'line_count', NEW.line_count));
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION announce_payout() FROM PUBLIC;
CREATE TRIGGER payout_ends_are_announced AFTER UPDATE OF ended_at ON payouts FOR EACH ROW
  WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION announce_payout();

-- Why a wallet or a user is frozen, and for which case, is told to nobody.
CREATE FUNCTION announce_freeze() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  owner bigint := coalesce(NEW.user_id, (SELECT a.owner_user_id FROM accounts a WHERE a.id = NEW.wallet_id));
BEGIN
  PERFORM announce(CASE TG_OP WHEN 'INSERT' THEN 'wallet.frozen' ELSE 'wallet.unfrozen' END,
    coalesce('wallets/' || NEW.wallet_id, 'users/' || NEW.user_id), ARRAY[owner],
    jsonb_strip_nulls(jsonb_build_object('wallet_id', NEW.wallet_id, 'user_id', owner::text, 'direction', NEW.direction,
      'frozen_until', (extract(epoch FROM NEW.frozen_until) * 1000000)::bigint::text)));
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION announce_freeze() FROM PUBLIC;
CREATE TRIGGER freezes_are_announced AFTER INSERT ON freezes FOR EACH ROW EXECUTE FUNCTION announce_freeze();
CREATE TRIGGER lifted_freezes_are_announced AFTER UPDATE OF lifted_at ON freezes FOR EACH ROW
  WHEN (OLD.lifted_at IS NULL AND NEW.lifted_at IS NOT NULL) EXECUTE FUNCTION announce_freeze();
