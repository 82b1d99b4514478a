#!/usr/bin/env bash
# The hub's own proxy is a program of Node; it is kept in build/, and its path is the last line printed.
set -euo pipefail
folder="$(pwd)/build/hub"
proxy="$folder/node_modules/.bin/configurable-http-proxy"
if [ ! -x "$proxy" ]; then
    mkdir -p "$folder"
    npm install --prefix "$folder" --no-fund --no-audit --silent "configurable-http-proxy@5" >&2
fi
echo "$proxy"
