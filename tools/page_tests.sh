#!/usr/bin/env bash
# The page's unit tests. They need Node.js 20 and nothing from npm; without it they are left out, aloud: the browser
# tests cover the page too.
set -euo pipefail
cd "$(dirname "$0")/../frontend"

if [ "$(node --version 2>/dev/null | tr -dc '0-9.' | cut -d. -f1)" -ge 20 ] 2>/dev/null; then
  node --import ./test/import-map.mjs --test --test-reporter=spec test/*.test.js
else
  echo "The page's unit tests did not run: they need Node.js 20 or newer."
fi
