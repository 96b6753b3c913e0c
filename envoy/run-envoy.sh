#!/bin/bash
# usage: run-envoy.sh SOCKET ENVOY [ARGUMENT…]
# Runs Envoy, whose admin page is on the Unix socket SOCKET, and drains it at SIGTERM (docs/edge.md, 'Draining'): for
# DRAIN_SECONDS (20 by default) it still serves and asks its clients to connect elsewhere; then it has up to DRAIN_SECONDS more
# for the calls under way. Balancers must have taken it out of service within the first DRAIN_SECONDS.
set -u
socket=$1
shift
drain_seconds=${DRAIN_SECONDS:-20}
readonly BUSY='^http\.(rest|grpc)\.downstream_rq_active: [1-9]'

# Envoy's image has perl and no curl; many machines have both.
if command -v curl > /dev/null; then
  admin() { # METHOD PATH
    curl --silent --show-error --fail --globoff --max-time 5 --request "$1" --unix-socket "$socket" "http://admin$2"
  }
elif perl -MIO::Socket::UNIX -e 1 2> /dev/null; then
  admin() {
    perl -MIO::Socket::UNIX -e '
      my ($path, $method, $target) = @ARGV;
      alarm 5;
      my $socket = IO::Socket::UNIX->new($path) or die "$path: $!\n";
      print $socket "$method $target HTTP/1.1\r\nhost: admin\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
      my @lines = <$socket>;
      print @lines;
      exit($lines[0] =~ m{^HTTP/1.1 200 } ? 0 : 1);
    ' "$socket" "$1" "$2"
  }
else
  echo 'run-envoy.sh: draining needs curl or perl, and there is neither' >&2
  exit 1
fi

stop() {
  trap '' TERM INT
  admin POST '/drain_listeners?graceful' > /dev/null || echo 'run-envoy.sh: Envoy cannot be asked to drain' >&2
  local until_closed=$((SECONDS + drain_seconds)) until_ended=$((SECONDS + 2 * drain_seconds))
  while running && [ $SECONDS -lt $until_closed ]; do sleep 0.2; done
  while running && [ $SECONDS -lt $until_ended ] && admin GET '/stats?filter=downstream_rq_active' | grep -Eq "$BUSY"; do
    sleep 0.2
  done
  kill -TERM $envoy 2> /dev/null
}
running() { kill -0 $envoy 2> /dev/null; }

trap stop TERM INT
"$@" --drain-time-s "$drain_seconds" &
envoy=$!
# A signal ends `wait` before Envoy has ended.
wait $envoy
while running; do wait $envoy; done
wait $envoy
