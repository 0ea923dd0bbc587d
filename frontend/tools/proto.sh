#!/usr/bin/env bash
# Writes src/net/gen/ from the .proto files. Needs npm (a registry or a warm
# cache) and a Python with grpcio-tools and googleapis-common-protos, whose
# error details the page decodes too. What it writes is committed: the page
# itself needs neither.
set -euo pipefail

frontend="$(cd "$(dirname "$0")/.." && pwd)"
root="$(dirname "$frontend")"
python="$root/.venv/bin/python" # make's PYTHON is the one to make .venv from
version=2.17.0 # that of vendor/@bufbuild/protobuf@...

tools="$(mktemp -d)"
trap 'rm -rf "$tools"' EXIT
npm install --silent --no-audit --no-fund --prefix "$tools" "@bufbuild/protoc-gen-es@$version"

googleapis="$("$python" -c 'import google.rpc, os; print(os.path.dirname(os.path.dirname(list(google.rpc.__path__)[0])))')"
rm -rf "$frontend/src/net/gen"
mkdir -p "$frontend/src/net/gen"
# Imports are rewritten to bare specifiers: the import map of index.html
# resolves them, from a server as well as from a page kept in one file.
"$python" -m grpc_tools.protoc \
  --plugin="protoc-gen-es=$tools/node_modules/.bin/protoc-gen-es" \
  --es_out="$frontend/src/net/gen" \
  --es_opt='target=js,js_import_style=module,rewrite_imports=./unmask/v1/*_pb.js:app/net/gen,rewrite_imports=@bufbuild/protobuf/*:app/net/protobuf.js' \
  -I "$root/proto" -I "$googleapis" \
  "$root"/proto/unmask/v1/*.proto google/rpc/error_details.proto
