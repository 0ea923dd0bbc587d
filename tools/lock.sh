#!/usr/bin/env bash
# Makes requirements.lock and requirements-dev.lock from the ranges in pyproject.toml, and deploy/gateway.lock, which is
# the part of requirements.lock that the gateway needs.
#
#   tools/lock.sh [--upgrade | --upgrade-package NAME ...]
#
# torch stays out of the locks, with the CUDA packages that only it asks for: which build is right depends on
# the machine, and tools/install.sh sees to it. pip-compile still has to look at torch to learn what it needs; where
# UNMASK_TORCH_INDEX names an index of CPU builds, that costs 200 MB instead of several GB.
set -euo pipefail
cd "$(dirname "$0")/.."

# Hashes must be those of the public index, for every platform, so a mirror set up on this machine is not asked.
export PIP_CONFIG_FILE=/dev/null
export CUSTOM_COMPILE_COMMAND="make lock"

compile() {
  .venv/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
    --no-emit-index-url --no-emit-find-links --no-header \
    ${UNMASK_TORCH_INDEX:+--extra-index-url "$UNMASK_TORCH_INDEX"} "$@"
}

# pip is dropped too: it is what installs the lock. A package is a line 'name==version \' and the indented lines under it.
without_torch_or_pip() {
  awk '/^[^ #]/ { drop = /^(pip|torch|triton|nvidia-[a-z0-9-]*|cuda-[a-z0-9-]*)==/ } !drop' "$1" > "$1.new"
  mv "$1.new" "$1"
}

header() {
  printf '# Made by `make lock` from pyproject.toml; do not edit. torch is left out: see tools/install.sh.\n' | cat - "$1" > "$1.new"
  mv "$1.new" "$1"
}

project=(--build-deps-for editable pyproject.toml)
compile "$@" --output-file requirements.lock "${project[@]}"
compile "$@" --extra dev --constraint requirements.lock --output-file requirements-dev.lock "${project[@]}"
compile --constraint requirements.lock --output-file deploy/gateway.lock deploy/gateway.in
for lock in requirements.lock requirements-dev.lock deploy/gateway.lock; do
  without_torch_or_pip "$lock"
  header "$lock"
done
