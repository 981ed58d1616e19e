#!/bin/sh
# Make the lock files anew from pyproject.toml (needs uv in the environment: .venv/bin/pip install uv).
set -eu
cd "$(dirname "$0")/.."
common="--universal --python-version 3.11 --generate-hashes --no-header --no-emit-find-links --no-emit-index-url -q"
.venv/bin/uv pip compile $common pyproject.toml --group build -o requirements.lock
.venv/bin/uv pip compile $common pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
