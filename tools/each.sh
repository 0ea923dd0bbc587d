#!/usr/bin/env bash
# Runs every command that is given, each of them one argument, whatever becomes of those before it, so that one failure
# does not hide another. In the end it names those that failed, and fails if there was one.
set -uo pipefail
trap 'exit 130' INT

failed=()
for command in "$@"; do
  bash -c "$command" || failed+=("$command")
done
for command in ${failed[@]+"${failed[@]}"}; do
  echo "Failed: $command" >&2
done
exit $((${#failed[@]} > 0))
