#!/bin/sh
# Writes requirements.lock anew from pyproject.toml: every version pinned, every file hashed, no
# index named, so that a machine's own package settings decide where the files come from.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
$python -m pip show -q uv >/dev/null 2>&1 || $python -m pip install -q uv
exec $python -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate -q \
    -o requirements.lock "$@"
