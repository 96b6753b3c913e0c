-- Each login may do what its process does, and nothing besides. ppuri_app is the servers' behind the public edge,
-- ppuri_worker the workers', ppuri_admin that of the server that offers admin.v1 and of the command line for keys. None is a
-- member of another. Whoever takes one over can do what it does; what would let him stay, or hide what he did, is not among it.

REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- What the logins were given before is taken back, with the rights to single columns; what they need follows.
REVOKE ALL ON users, friendships, rooms, room_members, accounts, sprinkles, sprinkle_tokens, sprinkle_claims, api_keys,
  cache_epochs, primary_run, outbox, dead_letters, job_states, ledger_checkpoints, reconciliations, archived_months,
  statistics, samples, payouts, payout_lines FROM ppuri_app, ppuri_worker, ppuri_admin;

-- The ledger. Locking a row of accounts takes the right to update some column of it; a name moves no money.
GRANT SELECT, UPDATE (display_name) ON accounts TO ppuri_app, ppuri_worker;
GRANT INSERT (id, kind, currency, owner_user_id, is_default, display_name, created_at) ON accounts TO ppuri_app;
GRANT SELECT ON transfers, archived_months TO ppuri_app, ppuri_worker;
GRANT SELECT, INSERT ON idempotency_keys TO ppuri_app, ppuri_worker;
GRANT EXECUTE ON FUNCTION post_transfers(uuid[], transfer_kind[], text[], bigint[], uuid[], uuid[], bigint[], bigint[],
  uuid[], text[], text[], timestamptz), ensure_transfer_partitions(integer) TO ppuri_worker;
GRANT INSERT (job, data, run_at) ON outbox TO ppuri_app, ppuri_worker, ppuri_admin;

-- Sprinkles: servers make them and hand them out, workers give back what is left.
GRANT SELECT, UPDATE (closed_at) ON sprinkles TO ppuri_app, ppuri_worker;
GRANT INSERT (id, room_id, token, creator_user_id, source_account_id, pot_account_id, currency, amount, shares, created_at,
  expires_at), UPDATE (claimed_count) ON sprinkles TO ppuri_app;
GRANT UPDATE (set_aside_at) ON sprinkles TO ppuri_worker;
GRANT SELECT ON sprinkle_claims, sprinkle_tokens TO ppuri_app, ppuri_worker;
GRANT INSERT ON sprinkle_claims TO ppuri_app;
GRANT INSERT, UPDATE (sprinkle_id, expires_at) ON sprinkle_tokens TO ppuri_app;

-- Payouts: servers make, start and cancel them, workers pay them. One statement writes how they stand, for both.
GRANT SELECT, UPDATE (state, funded_amount, paid_amount, paid_count, failed_count, next_line, started_at, ended_at)
  ON payouts TO ppuri_app, ppuri_worker;
GRANT INSERT (id, owner_user_id, source_account_id, pot_account_id, currency, mode, memo, state, created_at),
  UPDATE (line_count, bad_count, total_amount) ON payouts TO ppuri_app;
GRANT SELECT ON payout_lines TO ppuri_app, ppuri_worker;
GRANT INSERT ON payout_lines TO ppuri_app;
GRANT UPDATE (reason) ON payout_lines TO ppuri_worker;

-- People.
GRANT SELECT, INSERT, UPDATE (display_name, updated_at) ON users, rooms TO ppuri_app;
GRANT SELECT, INSERT, DELETE ON friendships, room_members TO ppuri_app;

-- API keys: every server reads them to check signatures and counts their use; only ppuri_admin makes and ends them. What a
-- key may do is decided when it is made.
GRANT SELECT ON api_keys TO ppuri_app, ppuri_admin;
GRANT UPDATE (use_count, last_used_at) ON api_keys TO ppuri_app;
GRANT INSERT, UPDATE (revoked_at, allowed_networks, sealed_secret) ON api_keys TO ppuri_admin;

-- Copies and replicas.
GRANT SELECT, UPDATE (epoch, redis_run_id, postgres_started_at, changed_at, usable_from) ON cache_epochs
  TO ppuri_app, ppuri_worker;
GRANT SELECT, UPDATE (started_at) ON primary_run TO ppuri_app;

-- Jobs. Only ppuri_admin pauses and replays.
GRANT SELECT, UPDATE (relayed_at), DELETE ON outbox TO ppuri_worker;
GRANT SELECT ON outbox TO ppuri_admin;
GRANT SELECT, INSERT (job, runs, failures, last_started_at, last_ended_at, last_result, last_error),
  UPDATE (runs, failures, last_started_at, last_ended_at, last_result, last_error) ON job_states TO ppuri_worker;
GRANT SELECT, INSERT (job, paused_at), UPDATE (paused_at) ON job_states TO ppuri_admin;
GRANT SELECT, INSERT (job, queue_id, data, error, attempts) ON dead_letters TO ppuri_worker;
GRANT SELECT, UPDATE (replayed_at) ON dead_letters TO ppuri_admin;

-- Holding the ledger against itself, and figures.
GRANT SELECT, INSERT, UPDATE ON ledger_checkpoints TO ppuri_worker;
GRANT SELECT, INSERT (through, transfers, faults) ON reconciliations TO ppuri_worker;
GRANT SELECT ON reconciliations TO ppuri_admin;
GRANT INSERT (measure, label, value) ON samples TO ppuri_app;
GRANT SELECT, DELETE ON samples TO ppuri_worker;
GRANT SELECT, INSERT, DELETE ON statistics TO ppuri_worker;
GRANT SELECT ON statistics TO ppuri_admin;

-- What only goes forward. The conditions are the triggers' own, so a change that is allowed costs next to nothing.
CREATE TRIGGER sprinkles_go_forward BEFORE UPDATE ON sprinkles FOR EACH ROW
  WHEN (NEW.claimed_count < OLD.claimed_count OR (OLD.closed_at IS NOT NULL AND NEW.closed_at IS DISTINCT FROM OLD.closed_at))
  EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sprinkle_tokens_go_forward BEFORE UPDATE ON sprinkle_tokens FOR EACH ROW
  WHEN (NEW.expires_at <= OLD.expires_at) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payouts_go_forward BEFORE UPDATE ON payouts FOR EACH ROW
  WHEN (OLD.ended_at IS NOT NULL OR NEW.next_line < OLD.next_line OR NEW.paid_amount < OLD.paid_amount
    OR NEW.paid_count < OLD.paid_count OR NEW.failed_count < OLD.failed_count OR NEW.line_count < OLD.line_count
    OR (OLD.state <> 'draft' AND (NEW.state = 'draft' OR NEW.funded_amount <> OLD.funded_amount
      OR NEW.line_count <> OLD.line_count OR NEW.total_amount <> OLD.total_amount)))
  EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_lines_go_forward BEFORE UPDATE ON payout_lines FOR EACH ROW
  WHEN (OLD.reason IS NOT NULL) EXECUTE FUNCTION refuse_change();
-- Nobody takes a revocation back or puts it off, the owner neither; and no use is taken back.
CREATE TRIGGER api_keys_go_forward BEFORE UPDATE ON api_keys FOR EACH ROW
  WHEN ((OLD.revoked_at IS NOT NULL AND (NEW.revoked_at IS NULL OR NEW.revoked_at > OLD.revoked_at))
    OR NEW.use_count < OLD.use_count)
  EXECUTE FUNCTION refuse_change();
