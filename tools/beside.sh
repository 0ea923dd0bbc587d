#!/usr/bin/env bash
# Runs two commands, each of them one argument, at once; what the first says is shown when both are done. Fails, and
# names what failed, where one of them does.
set -uo pipefail
said=$(mktemp)
bash -c "$1" > "$said" 2>&1 &
first=$!
trap 'kill $first 2>/dev/null; rm -f "$said"; exit 130' INT TERM

failed=()
bash -c "$2" || failed+=("$2")
wait $first || failed=("$1" ${failed[@]+"${failed[@]}"})
cat "$said"
rm -f "$said"
for command in ${failed[@]+"${failed[@]}"}; do
  echo "Failed: $command" >&2
done
exit $((${#failed[@]} > 0))
