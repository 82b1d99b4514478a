#!/usr/bin/env bash
# The tests of a power cut show a file system of their own by libfuse; this brings it where that can be
# done without asking.
set -euo pipefail

if PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -q 'libfuse3\.so'; then
    exit 0
fi
if [ -e /dev/fuse ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends fuse3 >/dev/null
    exit 0
fi
echo "SKIPPED: libfuse3 or /dev/fuse is missing, so no power was cut." >&2
echo "Install it (Debian: apt-get install fuse3) to run these tests." >&2
