#!/usr/bin/env bash
# Debian packages that the tests and `npm run bench` use; no daemon is started. Without root: through sudo.
set -euo pipefail

# nginx as a real upstream, haproxy and caddy as peers, prometheus (and promtool) as what scrapes us, chromium as a reader of the
# dashboard, wrk and h2load (nghttp2-client) as load, slowhttptest as many slow clients, openssl for
# certificates, libatomic1 for the pinned Node, util-linux for taskset.
packages=(nginx-light haproxy caddy wrk nghttp2-client curl openssl libatomic1 util-linux procps prometheus slowhttptest chromium)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo)
# Packages of servers start them when they are installed, unless this file says no (exit code 101).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
  "${sudo[@]}" chmod 755 "$policy"
  trap '"${sudo[@]}" rm -f "$policy"' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
