-- Spreads the transfers of a migrated ppuri over the machines of a Citus cluster; everything else stays on the coordinator.
-- docs/growth.md says when this pays and what is not possible on it. Run it once, on the coordinator, as the owner of the
-- tables, with psql and these variables: coordinator, and worker_a and worker_b, each a host that the others reach.
--   psql -v ON_ERROR_STOP=1 -v coordinator=pg-0 -v worker_a=pg-1 -v worker_b=pg-2 -f deploy/citus/distribute.sql
-- Servers and workers of ppuri are stopped meanwhile: the table is locked while its rows move.

SELECT citus_set_coordinator_host(:'coordinator');
SELECT citus_add_node(:'worker_a', 5432);
SELECT citus_add_node(:'worker_b', 5432);

-- A shard for each worker. Each month is a partition of each shard, and more shards make more of the small writes of a batch.
SET citus.shard_count = 2;
-- A transfer is found by its id, and ids are spread evenly. Wallets would not be: a hot one would sit on one machine. Partitions that
-- exist move along, and those that are attached later are distributed by themselves.
SELECT create_distributed_table('transfers', 'id');
