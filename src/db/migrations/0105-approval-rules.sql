-- Approvals are asked for by AccountService alone: a rule for another RPC would be kept and not enforced.
ALTER TABLE approval_rules ADD CONSTRAINT approval_rules_are_enforced CHECK (rpc ~ '^admin\.v1\.AccountService/\w+$') NOT VALID;
