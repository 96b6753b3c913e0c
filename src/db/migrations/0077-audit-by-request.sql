-- no transaction
-- Finds what is on the audit trail of one call by its request id.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_acts_by_request ON audit_acts (request_id, id DESC) WHERE request_id <> '';
