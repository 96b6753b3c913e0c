-- no transaction
-- While limits are in force each batch asks which of its wallets are not their owners' default ones: those are few, and asking all
-- accounts for each wallet cost as much as finding it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS further_wallets ON accounts (id) INCLUDE (owner_user_id)
  WHERE kind = 'wallet' AND NOT is_default;
