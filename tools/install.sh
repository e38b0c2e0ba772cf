#!/bin/sh
# Makes .venv with every part of Lamplighter, from the pinned and hashed requirements.lock, and the
# front-end libraries of the control room from their own lock file.
set -eu
cd "$(dirname "$0")/.."
began=$(date +%s)

for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        PYTHON=$candidate
        break
    fi
    PYTHON=""
done
[ -n "${PYTHON:-}" ] || { echo "Lamplighter needs Python 3.11 or newer as python3" >&2; exit 1; }
export PYTHON
sh tools/system_packages.sh install

[ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
.venv/bin/python -m sync_server.web.build_assets_io
touch .venv/installed
echo "set-up took $(( $(date +%s) - began )) s"
