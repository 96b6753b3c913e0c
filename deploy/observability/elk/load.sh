#!/bin/sh
# Puts the lifecycle policies, the pipeline and the index templates into Elasticsearch 8 or newer, and the data views and
# searches into Kibana where KIBANA_URL is set. It may run again. Into OpenSearch, which has no lifecycle policies of this kind,
# it puts the rest: there, delete old indices by a policy of Index State Management.
#
#   ELASTICSEARCH_URL=https://USER:PASSWORD@elastic:9200 KIBANA_URL=https://USER:PASSWORD@kibana:5601 sh load.sh
set -eu
cd "$(dirname "$0")"
: "${ELASTICSEARCH_URL:?is not set}"

put() { # PATH FILE
  curl -sS --fail-with-body -X PUT -H 'content-type: application/json' --data-binary "@$2" "$ELASTICSEARCH_URL/$1"
  echo " $1"
}

if curl -sS "$ELASTICSEARCH_URL/" | grep -q opensearch; then
  lifecycle=no
else
  lifecycle=yes
fi
for file in lifecycle/*.json; do
  name=$(basename "$file" .json)
  if [ "$lifecycle" = yes ]; then
    put "_ilm/policy/$name" "$file"
    put "_component_template/$name" "component-templates/$name.json"
  else
    echo '{"template": {}}' | put "_component_template/$name" -
  fi
done
put _ingest/pipeline/ppuri ingest-pipelines/ppuri.json
put _component_template/ppuri-mappings component-templates/ppuri-mappings.json
for file in index-templates/*.json; do
  put "_index_template/$(basename "$file" .json)" "$file"
done
if [ -n "${KIBANA_URL:-}" ]; then
  curl -sS --fail-with-body -H 'kbn-xsrf: true' -F file=@kibana/ppuri.ndjson \
    "$KIBANA_URL/api/saved_objects/_import?overwrite=true"
  echo ' kibana'
fi
