#!/bin/sh
# Tells the node exporter how new the newest line is that reached the log store from this machine, whatever ships the lines.
#
# Each run, once a minute by cron, writes a line into a log of its own, which is shipped like those of ppuri, asks the store
# for the newest such line that it has, and writes the time of that one as a metric for the node exporter. Where the store or
# the shipper is away, slow or refuses lines, and where this script does not run, the time stands still.
#
#   ELASTICSEARCH_URL  with a user that may read ppuri-app-*: https://USER:PASSWORD@elastic:9200
#   PROBE_LOG_DIR      the folder of the log
#   TEXTFILE_DIR       the folder of --collector.textfile.directory
set -eu
: "${ELASTICSEARCH_URL:?is not set}"
folder=${PROBE_LOG_DIR:-/var/log/ppuri/log-probe}
metrics=${TEXTFILE_DIR:-/var/lib/prometheus/node-exporter}/ppuri-logs.prom
ids="log-probe:$(uname -n):"
now=$(date +%s)

umask 077
mkdir -p "$folder"
printf '{"@timestamp":"%s","log.level":"info","ecs.version":"8.17.0","service.name":"ppuri","event.dataset":"ppuri.app","process.pid":%s,"event.id":"%s","message":"written to see that lines are shipped"}\n' \
  "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$$" "$ids$now" >> "$folder/app.log"

# By its standard input, for other users of the machine see the arguments of a process.
newest=$(curl -sS --max-time 10 --config - <<END | sed -n 's/.*:\([0-9]*\)".*/\1/p'
url = "$ELASTICSEARCH_URL/ppuri-app-*/_search?filter_path=hits.hits._id"
header = "content-type: application/json"
data = "{\"size\":1,\"sort\":{\"@timestamp\":\"desc\"},\"query\":{\"bool\":{\"filter\":[{\"prefix\":{\"event.id\":\"$ids\"}},{\"range\":{\"@timestamp\":{\"gte\":\"now-1h\"}}}]}}}"
END
)
[ -n "$newest" ] || newest=$(sed -n 's/^ppuri_logs_shipped_timestamp_seconds //p' "$metrics" 2> /dev/null) || newest=
# From its first run on the probe expects the line.
: "${newest:=$now}"

umask 022
cat > "$metrics.new" <<END
# HELP ppuri_logs_shipped_timestamp_seconds When the newest line of the log probe was written that the log store has.
# TYPE ppuri_logs_shipped_timestamp_seconds gauge
ppuri_logs_shipped_timestamp_seconds $newest
END
mv "$metrics.new" "$metrics"
