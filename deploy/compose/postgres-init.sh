#!/bin/bash
# Runs once, when the cluster of compose.yaml is initialized: the roles of the standby and of the exporter, and the slot that
# keeps the WAL which the standby does not have yet.
set -euo pipefail
# psql reads the passwords itself: everybody on the machine sees its arguments.
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set standby `cat /run/secrets/standby_password`
\set monitor `cat /run/secrets/monitor_password`
CREATE ROLE ppuri_standby LOGIN REPLICATION PASSWORD :'standby';
CREATE ROLE ppuri_monitor LOGIN PASSWORD :'monitor' IN ROLE pg_monitor;
SELECT pg_create_physical_replication_slot('standby');
SQL
# A line for all databases does not count for replication. The backup connects as the owner, from a container of its own.
cat >> "$PGDATA/pg_hba.conf" <<'HBA'
host replication ppuri_standby all scram-sha-256
host replication ppuri_owner all scram-sha-256
HBA
