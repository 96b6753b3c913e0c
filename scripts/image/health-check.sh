#!/bin/bash
# The image's HEALTHCHECK: succeeds while the server or worker of this container is ready. Starting Node for it would take a
# hundred times its CPU.
set -euo pipefail
exec 3<> "/dev/tcp/${OPS_HOST:-127.0.0.1}/${OPS_PORT:-9464}"
printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3
readarray -t lines <&3
echo "${lines[-1]}"
[[ ${lines[0]} == 'HTTP/1.1 200 '* ]]
