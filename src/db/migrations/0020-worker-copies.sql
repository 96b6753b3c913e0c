-- A worker moves money too, and so keeps old copies of it from being believed.
GRANT SELECT, UPDATE (epoch, redis_run_id, postgres_started_at, changed_at, usable_from) ON cache_epochs TO ppuri_worker;
