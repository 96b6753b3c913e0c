-- Sprinkles: what was dropped, into which shares, and who grabbed which.

CREATE TABLE sprinkles (
  id uuid PRIMARY KEY,
  room_id text NOT NULL REFERENCES rooms (id),
  token text NOT NULL CHECK (token ~ '^[A-Za-z0-9]{3}$'),
  creator_user_id bigint NOT NULL REFERENCES users (id),
  -- Where the money came from and where a refund goes to.
  source_account_id uuid NOT NULL REFERENCES accounts (id),
  pot_account_id uuid NOT NULL UNIQUE REFERENCES accounts (id),
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  -- The shares in the order in which they are handed out, drawn when the sprinkle was made.
  shares bigint[] NOT NULL CHECK (cardinality(shares) BETWEEN 1 AND 10000),
  claimed_count integer NOT NULL DEFAULT 0 CHECK (claimed_count BETWEEN 0 AND cardinality(shares)),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 90);

CREATE INDEX sprinkles_by_creator ON sprinkles (creator_user_id, room_id, created_at DESC, id DESC);

-- Which sprinkle a room's token means. A row is taken over by a new sprinkle once the old one has expired.
CREATE TABLE sprinkle_tokens (
  room_id text NOT NULL,
  token text NOT NULL,
  sprinkle_id uuid NOT NULL REFERENCES sprinkles (id),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (room_id, token)
);

CREATE TABLE sprinkle_claims (
  sprinkle_id uuid NOT NULL REFERENCES sprinkles (id),
  -- Which of the shares, from 0 on.
  share_index integer NOT NULL CHECK (share_index >= 0),
  user_id bigint NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  transfer_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (sprinkle_id, share_index),
  CONSTRAINT sprinkle_claims_once_a_user UNIQUE (sprinkle_id, user_id)
);
CREATE TRIGGER sprinkle_claims_are_immutable BEFORE UPDATE ON sprinkle_claims
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON sprinkles, sprinkle_claims TO ppuri_app;
GRANT UPDATE (claimed_count) ON sprinkles TO ppuri_app;
GRANT SELECT, INSERT, UPDATE ON sprinkle_tokens TO ppuri_app;
