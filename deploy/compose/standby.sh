#!/bin/bash
# Starts the standby of compose.yaml; the first time it copies the primary.
set -euo pipefail
if [ ! -e "$PGDATA/PG_VERSION" ]; then
  draft="$PGDATA.draft"
  rm -rf "$draft"
  mkdir -p "$(dirname "$PGDATA")"
  PGPASSWORD=$(cat /run/secrets/standby_password) pg_basebackup --pgdata="$draft" --write-recovery-conf \
    --wal-method=stream --slot=standby --checkpoint=fast \
    --dbname="host=postgres port=${PRIMARY_PORT:-5432} user=ppuri_standby application_name=standby"
  rmdir "$PGDATA" 2> /dev/null || true
  mv "$draft" "$PGDATA"
fi
exec postgres -c config_file=/etc/postgresql/postgresql.conf
