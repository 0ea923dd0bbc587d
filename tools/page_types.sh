#!/usr/bin/env bash
# The page's types: JSDoc, checked by TypeScript. The compiler and the libraries' declarations come from npm, as
# frontend/package-lock.json pins them, the first time and whenever the lock changes; the page itself needs none of them.
# Without Node.js or npm the types are left unchecked, aloud.
set -euo pipefail
cd "$(dirname "$0")/../frontend"

if ! [ "$(node --version 2>/dev/null | tr -dc '0-9.' | cut -d. -f1)" -ge 20 ] 2>/dev/null || ! command -v npm >/dev/null; then
  echo "The page's types were not checked: that needs Node.js 20 or newer and npm."
  exit 0
fi

hash=$(cat package.json package-lock.json | sha256sum | cut -d' ' -f1)
if [ "$(cat node_modules/.installed 2>/dev/null)" != "$hash" ]; then
  echo "Installing what checks the page's types"
  if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; then
    # Without a network there is nothing to check with; with one, the lock is wrong.
    npm ping >/dev/null 2>&1 && exit 1
    echo "The page's types were not checked: npm could not be reached."
    exit 0
  fi
  echo "$hash" > node_modules/.installed
fi

node_modules/.bin/tsc --project .
node_modules/.bin/tsc --project test
