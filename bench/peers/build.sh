#!/bin/sh
# The peers that are written in Go, of today, from the Go registry into .venv/peers. One that the registry refuses is
# said, and may be built in a clone: PEERS=DIRECTORY make bench.
set -u
GOBIN=$PWD/.venv/peers
export GOBIN
left=0
for module in github.com/prometheus/blackbox_exporter github.com/TwiN/gatus/v5 \
    github.com/cloudprober/cloudprober/cmd/cloudprober; do
    go install "$module@latest" || { echo "$module: not built; build it in a clone and name its place by PEERS" >&2; left=1; }
done
exit $left
