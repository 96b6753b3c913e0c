#!/bin/sh
# Makes the secrets of compose.yaml: a file for each in deploy/secrets, which only you can open. It makes what is missing and
# changes nothing that is there, so it can be run again, also after it was interrupted. Keep key_encryption_keys apart from the
# backups and never lose it: it seals the secrets of all API keys.
set -eu
cd "$(dirname "$0")/.."
umask 077
mkdir -p secrets
cd secrets
made=
draft=".draft.$$"
trap 'rm -f "$draft"' EXIT

# Keeps the file NAME where there is one, otherwise makes it of VALUE: whole or not at all, whatever stops the script.
secret() { # NAME VALUE
  [ ! -e "$1" ] || return 0
  printf '%s' "$2" > "$draft"
  # The users of the containers read it; the folder stays yours alone.
  chmod 0444 "$draft"
  # ln fails where the name is taken meanwhile; mv would replace it.
  ln "$draft" "$1"
  rm -f "$draft"
  made="$made $1"
}

random() { # FORMAT BYTES
  value=$(openssl rand "$1" "$2")
}

# It is made first. Where others are there without it, it was there, too, and another one would open nothing.
if [ ! -e key_encryption_keys ] && [ -n "$(ls)" ]; then
  echo 'deploy/secrets has no key_encryption_keys any more: put it back, or delete the folder to begin again' >&2
  exit 1
fi
random -base64 32
secret key_encryption_keys "first:$value"
for name in edge_secret admin_edge_secret; do
  random -hex 32
  secret "$name" "$value"
done
for name in owner app worker admin standby monitor grafana redis; do
  random -hex 24
  secret "${name}_password" "$value"
done

url() { # NAME LOGIN HOST
  secret "$1" "postgres://ppuri_$2:$(cat "$2_password")@$3:5432/ppuri"
}
url owner_url owner postgres
url app_url app postgres
url replica_url app standby
url worker_url worker postgres
url admin_url admin postgres
secret redis_url "redis://:$(cat redis_password)@redis:6379"

echo "deploy/secrets is complete; made now:${made:- nothing}"
