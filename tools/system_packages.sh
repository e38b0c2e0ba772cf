#!/bin/sh
# Makes sure that what pip cannot bring is there: installs it where it may (root or sudo, apt),
# otherwise prints the one line that would.   usage: system_packages.sh install|test|nightly
set -eu

wanted=""
want() { wanted="$wanted $1"; }

has_library() { { ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null; } | grep -q "$1"; }
has_command() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }

python="${PYTHON:-python3}"
"$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || want python3-venv
has_library libGL.so.1 || want libgl1
has_library libEGL.so.1 || want libegl1
has_library libGL.so.1 || want libgl1-mesa-dri
if [ "$1" != install ]; then
    has_command mosquitto || want mosquitto
    has_command chromium || want chromium
fi
if [ "$1" = nightly ]; then
    has_command rabbitmq-server || want rabbitmq-server
fi
[ -n "$wanted" ] || exit 0

run=""
if [ "$(id -u)" != 0 ]; then
    if has_command sudo && sudo -n true 2>/dev/null; then run="sudo -n"; else run="no"; fi
fi
if [ "$run" != no ] && has_command apt-get; then
    echo "installing system packages:$wanted"
    $run apt-get update -qq >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends $wanted \
        >/dev/null && exit 0
fi

echo "missing system packages; as root run: apt-get install -y$wanted" >&2
case "$wanted" in
    *python3-venv*) exit 1 ;;
    *mosquitto* | *chromium* | *rabbitmq*)
        echo "until then skipped: tests that need$wanted" >&2
        [ -z "${CI:-}" ] || exit 1
        ;;
    *)
        echo "until then the tablet's tests run without pixels" >&2
        [ -z "${CI:-}" ] || exit 1
        ;;
esac
exit 0
