#!/usr/bin/env bash
# `record-search serve` under load: serve.sh FOLDER_OF_PROGRAMS FOLDER_OF_DATA [ROWS] [CLIENTS] [SECONDS]
# Needs wrk, `sim`, `hf-crawler` and `record-search`. Each kind of request is sent by itself, and each one differs from the one
# before, so that nothing but the index is warm. wrk shares the machine with the server.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
bin="$1" data="$2" rows="${3:-100000}" clients="${4:-50}" seconds="${5:-20}"
mkdir -p "$data"
done_or_missing() { "$@" || [ $? -eq 3 ]; }
if [ ! -d "$data/index" ]; then
  done_or_missing "$bin/sim" models --synthetic "$rows" --seed 1 --root "$data/models"
  done_or_missing "$bin/hf-crawler" catalogue "$data/models" --to "$data/models.parquet"
  done_or_missing "$bin/record-search" index "$data/models.parquet" --index "$data/index"
fi
rm -f "$data/address"
"$bin/record-search" serve --index "$data/index" --addr 127.0.0.1:0 >"$data/address" &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
for _ in $(seq 600); do [ -s "$data/address" ] && break; sleep 0.1; done
address="$(cat "$data/address")"

for kind in page api words filters model; do
  # Columns and vectors are read when they are first asked for.
  KIND=$kind wrk -t1 -c1 -d2s -s "$here/serve.lua" "$address" >/dev/null
  echo "== $kind"
  KIND=$kind wrk -t2 -c"$clients" -d"${seconds}s" --timeout 30s --latency -s "$here/serve.lua" "$address" |
    grep -E "50%|99%|Requests/sec|requests in|Socket errors|Non-2xx" || true
done
awk '/VmHWM/ { printf "memory at most: %.0f MiB\n", $2 / 1024 }' "/proc/$server/status"

echo "== too much"
long="$(head -c 1048576 /dev/zero | tr '\0' a)"
printf 'GET /?q=%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n' "$long" >"$data/long"
printf 'GET /api/search?%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n' "$(yes 'facet=license&' | head -1000000 | tr -d '\n')" >"$data/facets"
for request in long facets; do
  echo "$request: $(timeout 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/${address##*:}; cat '$data/$request' >&3 & head -1 <&3")"
done
echo "after it: $(curl -s -o /dev/null -w '%{http_code} in %{time_total} s' "$address/api/search?q=llama")"
