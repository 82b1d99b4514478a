#!/usr/bin/env bash
# The tests behind a proxy run a real nginx; this brings it where that can be done without asking.
set -euo pipefail

if [ -n "${NGINX:-}" ] || PATH="$PATH:/usr/sbin" command -v nginx >/dev/null; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # The program is wanted, not the service that the package would start.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light >/dev/null
    exit 0
fi
echo "SKIPPED: nginx is missing, so nothing was tested behind it." >&2
echo "Install it (Debian: apt-get install nginx-light), or set NGINX to its path." >&2
