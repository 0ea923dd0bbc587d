#!/usr/bin/env bash
# Generates unmask/v1 from proto/unmask/v1; with --check, only says whether what is committed is what it would generate.
set -euo pipefail
cd "$(dirname "$0")/.."

generate() { # into the folder $1
  .venv/bin/python -m grpc_tools.protoc --proto_path=proto \
    --python_out="$1" --pyi_out="$1" --grpc_python_out="$1" proto/unmask/v1/*.proto
  # protoc writes an empty _pb2_grpc.py for a proto without a service.
  for stub in "$1"/unmask/v1/*_pb2_grpc.py; do
    grep -q 'class .*Stub' "$stub" || rm "$stub"
  done
}

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
generate "$new"

if [ "${1:-}" = --check ]; then
  if ! diff --recursive --brief --exclude=__init__.py --exclude=__pycache__ "$new/unmask/v1" unmask/v1; then
    echo "unmask/v1 is not what proto/ generates: run 'make proto'" >&2
    exit 1
  fi
else
  rm -f unmask/v1/*_pb2.py unmask/v1/*_pb2.pyi unmask/v1/*_pb2_grpc.py
  cp "$new"/unmask/v1/* unmask/v1/
fi
