-- no transaction
-- What migration 0165 demands of new rows holds for all of them.
ALTER TABLE sprinkles VALIDATE CONSTRAINT sprinkles_have_a_whole_draw;
ALTER TABLE sprinkles VALIDATE CONSTRAINT sprinkles_draw_lengths;
ALTER TABLE sprinkles VALIDATE CONSTRAINT sprinkles_share_mode;
ALTER TABLE sprinkles VALIDATE CONSTRAINT sprinkles_share_bounds;
ALTER TABLE sprinkle_claims VALIDATE CONSTRAINT sprinkle_claims_nonce_length;
