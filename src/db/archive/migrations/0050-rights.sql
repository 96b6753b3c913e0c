-- The worker compares what it copied; it is a member of no other login, so it is given the right itself.
GRANT SELECT ON transfers TO ppuri_worker;
