-- Keys may have the scope `events`: to read the feed, and to set up webhooks.
-- few rows: API keys are made by operators.
ALTER TABLE api_keys
  ADD CONSTRAINT api_keys_have_scopes CHECK (scopes <@ ARRAY['read', 'pay', 'fund', 'admin', 'events'] AND cardinality(scopes) > 0) NOT VALID;
-- contract: api_keys_have_scopes takes its place, which knows the scope `events`, too.
ALTER TABLE api_keys DROP CONSTRAINT api_keys_scopes_check;
