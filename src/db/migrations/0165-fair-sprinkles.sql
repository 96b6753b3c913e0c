-- Sprinkles whose shares follow from a seed: what is published of it, and what each claim adds. Rows of the release before have none
-- of it, and their shares are handed out in their order.
ALTER TABLE sprinkles
  -- Sealed under the key-encryption key, which only servers and operators have.
  ADD COLUMN sealed_seed text,
  -- What everybody saw before the first claim.
  ADD COLUMN commitment bytea,
  -- The chain of all claims so far; it begins with the commitment.
  ADD COLUMN draw_chain bytea,
  ADD COLUMN share_mode text,
  ADD COLUMN share_floor bigint,
  ADD COLUMN share_ceiling bigint;
ALTER TABLE sprinkles
  ADD CONSTRAINT sprinkles_have_a_whole_draw
    CHECK (num_nulls(sealed_seed, commitment, draw_chain, share_mode, share_floor, share_ceiling) IN (0, 6)) NOT VALID,
  ADD CONSTRAINT sprinkles_draw_lengths CHECK (octet_length(commitment) = 32 AND octet_length(draw_chain) = 32
    AND octet_length(sealed_seed) <= 300) NOT VALID,
  ADD CONSTRAINT sprinkles_share_mode CHECK (share_mode IN ('random', 'equal')) NOT VALID,
  ADD CONSTRAINT sprinkles_share_bounds CHECK (share_floor >= 1 AND share_floor <= amount / cardinality(shares)
    AND share_ceiling <= amount AND share_ceiling::numeric * cardinality(shares) >= amount) NOT VALID;

-- What the claimer sent; null where the share was the next one in its order: no seed, or claimed by the release before.
ALTER TABLE sprinkle_claims ADD COLUMN nonce bytea;
ALTER TABLE sprinkle_claims ADD CONSTRAINT sprinkle_claims_nonce_length CHECK (octet_length(nonce) <= 16) NOT VALID;

-- A claim changes the order of the shares that are left, and nothing else of them.
CREATE FUNCTION keep_shares() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF cardinality(NEW.shares) <> cardinality(OLD.shares)
    OR NEW.shares[1 : OLD.claimed_count] <> OLD.shares[1 : OLD.claimed_count]
    OR (SELECT sum(share) FROM unnest(NEW.shares) AS share) <> NEW.amount
    OR (SELECT min(share) FROM unnest(NEW.shares) AS share) < 1 THEN
    RAISE EXCEPTION 'the shares of a sprinkle are never changed or deleted, only their order' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER sprinkles_keep_shares BEFORE UPDATE OF shares ON sprinkles FOR EACH ROW EXECUTE FUNCTION keep_shares();

GRANT INSERT (sealed_seed, commitment, draw_chain, share_mode, share_floor, share_ceiling), UPDATE (shares, draw_chain)
  ON sprinkles TO ppuri_app;
-- A new key-encryption key seals the seeds again.
GRANT SELECT (id, sealed_seed), UPDATE (sealed_seed) ON sprinkles TO ppuri_admin;
