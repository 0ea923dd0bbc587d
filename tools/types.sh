#!/usr/bin/env bash
# The Python's types, checked by pyright as pyproject.toml says. It comes from pip with the Node.js that it runs on
# (requirements-dev.lock), so it needs no npm and asks no network.
set -euo pipefail
cd "$(dirname "$0")/.."
PYRIGHT_PYTHON_IGNORE_WARNINGS=1 exec .venv/bin/pyright
