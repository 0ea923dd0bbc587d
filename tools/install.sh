#!/usr/bin/env bash
# Makes .venv and puts into it what the lock says, a torch, and this project.
#
#   tools/install.sh run     what running needs
#   tools/install.sh dev     and what tests and lint need
#
# With everything in place it does nothing and asks no network: the stamp .venv/.installed-<what> holds the hash of
# all that decides what is installed.
#
#   PYTHON              the Python to use, 3.11 or newer (default python3)
#   UNMASK_TORCH_INDEX  index to take torch from when the machine has none. Without it torch comes from wherever pip is
#                       set up to look, which on Linux with the public index is a CUDA build of several GB. For
#                       a small CPU build give the CPU index that https://pytorch.org/get-started shows.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:?run or dev}
python=${PYTHON:-python3}
# dev holds all that run does.
case "$what" in
  run) lock=requirements.lock; gives="run" ;;
  dev) lock=requirements-dev.lock; gives="run dev" ;;
  *) echo "tools/install.sh: '$what' is neither run nor dev" >&2; exit 2 ;;
esac

hash=$(cat requirements.lock requirements-dev.lock pyproject.toml tools/install.sh | sha256sum | cut -d' ' -f1)
if [ "$(cat ".venv/.installed-$what" 2>/dev/null)" = "$hash" ]; then exit 0; fi

say() { printf '\033[1m%s\033[0m\n' "$*"; }

# Without pip, it is a .venv that was interrupted while it was made.
if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$python is older than Python 3.11. Name a newer one: make PYTHON=python3.12 ..." >&2
    exit 1
  }
  say "Making .venv with $("$python" --version)"
  "$python" -m venv .venv || {
    rm -rf .venv
    echo "$python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2
    exit 1
  }
fi

pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }

say "Installing $lock (the first time takes a minute or two)"
pip install --require-hashes --no-deps -r "$lock"

# Prints the folder that holds a torch this project can use; fails without one.
torch_folder() {
  "$1" - <<'PY'
import importlib.metadata, importlib.util, pathlib, re, sys

try:
    version = importlib.metadata.version("torch")
except importlib.metadata.PackageNotFoundError:
    sys.exit(1)
release = tuple(map(int, re.match(r"(\d+)\.(\d+)", version).groups()))
if not (2, 10) <= release < (3, 0):
    sys.exit(1)
print(pathlib.Path(importlib.util.find_spec("torch").origin).parents[1])
PY
}

# A torch that is here already is kept. One that belongs to the Python which .venv was made from is lent to it by a .pth
# file: that also reaches a torch in the user's own folder, in conda or in another virtual environment, which
# --system-site-packages does not. The folder comes last on the path, so the lock's packages go before its neighbours.
if torch_folder .venv/bin/python >/dev/null; then
  say "Keeping the torch that .venv has"
elif [ "$("$python" -c 'import sys; print(sys.version_info[:2])')" = "$(.venv/bin/python -c 'import sys; print(sys.version_info[:2])')" ] \
    && folder=$(torch_folder "$python"); then
  say "Using the torch in $folder"
  echo "$folder" > "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/unmask-torch.pth"
else
  say "Installing torch 2.13.0"
  pip install "torch==2.13.0" ${UNMASK_TORCH_INDEX:+--index-url "$UNMASK_TORCH_INDEX"}
fi

# The lock holds setuptools, so building needs no network either.
pip install --quiet --no-deps --no-build-isolation --editable .

for each in $gives; do echo "$hash" > ".venv/.installed-$each"; done
