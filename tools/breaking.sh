#!/usr/bin/env bash
# Compares the API in the working tree with the one that main has committed: nothing a client uses may go or change.
set -euo pipefail
cd "$(dirname "$0")/.."

for base in origin/main main; do
  if git rev-parse --verify --quiet "$base^{commit}" >/dev/null 2>&1; then break; fi
  base=
done
if [ -z "$base" ]; then
  echo "breaking-change check skipped: no git history with a main branch here"
  exit 0
fi
if ! git cat-file -e "$base:proto" 2>/dev/null; then
  echo "breaking-change check skipped: $base has no proto/"
  exit 0
fi

# An archive rather than buf's own git support, which wants a full clone.
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$base" proto | tar -x -C "$before"
(cd proto && ../.venv/bin/buf breaking --against "$before/proto")
