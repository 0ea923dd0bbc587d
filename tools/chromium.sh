#!/usr/bin/env bash
# Sees to a Chromium for the browser tests: the system's if there is one, else by apt when root may, else Playwright's own.
set -euo pipefail
cd "$(dirname "$0")/.."

if command -v chromium >/dev/null; then exit 0; fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  echo "Installing the system's chromium"
  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium </dev/null >/dev/null && exit 0
  echo "apt has no chromium here; taking Playwright's own" >&2
fi
.venv/bin/playwright install chromium
