-- The nonces of calls that change something without an idempotency key. Redis remembers nonces, too, and may be emptied; a
-- captured call of these would then be done a second time, and one that makes a key would hand out a second secret.
CREATE TABLE used_nonces (
  key_id text NOT NULL,
  nonce text NOT NULL CHECK (char_length(nonce) <= 128),
  -- The edge's own name for the request, which its own retry repeats; empty where no edge was between.
  edge_request_id text NOT NULL CHECK (char_length(edge_request_id) <= 128),
  -- Until then a signature with it may still be taken.
  until timestamptz NOT NULL,
  PRIMARY KEY (key_id, nonce)
);
CREATE INDEX used_nonces_by_end ON used_nonces (until);

-- Notes a nonce; false where it was used before, unless by the same request of the edge, which tries again. The servers
-- have no right on the table itself, so nobody who takes one over makes a call new again.
CREATE FUNCTION use_nonce(signer text, given text, edge_request text, kept_ms integer) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  WITH noted AS (
    INSERT INTO used_nonces AS known (key_id, nonce, edge_request_id, until)
    VALUES (signer, given, edge_request, clock_timestamp() + kept_ms * interval '1 millisecond')
    ON CONFLICT (key_id, nonce) DO UPDATE SET until = known.until
      WHERE known.edge_request_id = excluded.edge_request_id AND known.edge_request_id <> ''
    RETURNING true
  )
  SELECT EXISTS (SELECT FROM noted)
$$;
REVOKE ALL ON FUNCTION use_nonce(text, text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION use_nonce(text, text, text, integer) TO ppuri_app;

-- Deletes nonces that no signature can bring any more.
CREATE FUNCTION purge_nonces(at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  gone integer;
BEGIN
  DELETE FROM used_nonces WHERE (key_id, nonce) IN (
    SELECT key_id, nonce FROM used_nonces WHERE until < clock_timestamp() LIMIT at_most FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$;
REVOKE ALL ON FUNCTION purge_nonces(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_nonces(integer) TO ppuri_worker;
