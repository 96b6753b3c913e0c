-- API keys: who may call, what for, on whose behalf and from where.

CREATE TABLE api_keys (
  id text PRIMARY KEY,
  display_name text NOT NULL CHECK (display_name <> ''),
  kind text NOT NULL CHECK (kind IN ('hmac-sha256', 'ed25519')),
  -- AES-256-GCM under a key-encryption key from configuration; which one, the first part of it says.
  sealed_secret text,
  -- SubjectPublicKeyInfo in PEM.
  public_key text,
  scopes text[] NOT NULL CHECK (scopes <@ ARRAY['read', 'pay', 'fund', 'admin'] AND cardinality(scopes) > 0),
  -- The only user that it may act for; any when null.
  user_id bigint CHECK (user_id > 0),
  -- CIDR blocks; anywhere when empty.
  allowed_networks text[] NOT NULL DEFAULT '{}',
  rate_per_second integer CHECK (rate_per_second > 0),
  -- The key that this one replaced. One key is replaced once at most.
  replaces_id text UNIQUE REFERENCES api_keys (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  active_from timestamptz NOT NULL,
  revoked_at timestamptz,
  expires_at timestamptz,
  use_count bigint NOT NULL DEFAULT 0,
  last_used_at timestamptz,
  CONSTRAINT api_keys_has_one_material CHECK ((kind = 'hmac-sha256') = (sealed_secret IS NOT NULL)
    AND (kind = 'ed25519') = (public_key IS NOT NULL))
);

GRANT SELECT, INSERT ON api_keys TO ppuri_app;
-- What a key may do is decided when it is made; only its end, its networks, its seal and its use change.
GRANT UPDATE (revoked_at, allowed_networks, sealed_secret, use_count, last_used_at) ON api_keys TO ppuri_app;
