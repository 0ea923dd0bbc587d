#!/usr/bin/env bash
# Sees to a Chromium for the browser tests: the system's if there is one, else by apt when root may, else Playwright's own.
# The one without windows (headless shell) is preferred: the same engine, and the tests take a seventh less time with it.
set -euo pipefail
cd "$(dirname "$0")/.."

for name in chromium-headless-shell chromium; do
  if command -v "$name" >/dev/null; then exit 0; fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  for package in chromium-headless-shell chromium; do
    echo "Installing the system's $package"
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package" </dev/null >/dev/null && exit 0
  done
  echo "apt has no chromium here; taking Playwright's own" >&2
fi
.venv/bin/playwright install chromium
