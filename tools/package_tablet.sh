#!/bin/sh
# Packs the tablet's app with PyInstaller into build/tablet/dist/field-app, a folder that needs no
# Python, and starts the packed app once (demo, offscreen) to see that it draws its first page.
# On Windows the same two PyInstaller lines are run in PowerShell; that was not tried.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
out=build/tablet
version=6.22.3
$python -c "import PyInstaller" 2>/dev/null || $python -m pip install -q "pyinstaller==$version"
rm -rf "$out"
mkdir -p "$out/kivy"
KIVY_HOME="$PWD/$out/kivy" $python -m PyInstaller --noconfirm --clean --log-level ERROR \
    --distpath "$out/dist" --workpath "$out/work" tools/field_app.spec >"$out/pack.log" 2>&1 || {
    tail -20 "$out/pack.log" >&2
    exit 1
}
app="$out/dist/field-app/field-app"
echo "packed: $(du -sm "$out/dist/field-app" | cut -f1) MB in $out/dist/field-app"
env -u DISPLAY "$app" --demo --data "$out/try" --check 2>"$out/try.log" || {
    tail -20 "$out/try.log" >&2
    exit 1
}
