-- contract: release_month took its place in migration 0052, which took the right to call it from the worker; nobody had it since.
DROP FUNCTION drop_archived_month(date, bigint, numeric, numeric);
