#!/bin/sh
# Make the project's own environment: bootstrap.sh PYTHON VENV LOCKFILE. Says in one line what is missing.
set -eu
python=$1 venv=$2 lock=$3
fail() { echo "andaman: $1" >&2; exit 1; }

command -v "$python" >/dev/null 2>&1 || fail "$python is not installed; Python 3.11 or newer is needed (Debian: apt install python3 python3-venv)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old; Python 3.11 or newer is needed (make demo PYTHON=/path/to/python3.11)"
free_kb=$(df -Pk . | awk 'NR==2 {print $4}')
[ "$free_kb" -gt 1500000 ] || fail "only $((free_kb / 1024)) MB are free on this disk; the environment needs 1500 MB"

if [ ! -x "$venv/bin/pip" ]; then
    echo "andaman: making the environment in $venv"
    rm -rf "$venv"
    "$python" -m venv "$venv" >/dev/null 2>&1 || "$python" -m virtualenv -q "$venv" >/dev/null 2>&1 || {
        rm -rf "$venv"
        fail "$python cannot make virtual environments; install that part (Debian: apt install python3-venv)"
    }
fi
log=$venv/install.log
echo "andaman: installing the packages of $lock (a minute or two, once)"
"$venv/bin/pip" install -q --only-binary=:all: --require-hashes -r "$lock" >"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    fail "the packages could not be installed; the whole story is in $log"
}
echo "andaman: installing itself and building the screens"
"$venv/bin/pip" install -q --no-build-isolation --no-deps -e . >"$log" 2>&1 || {
    tail -n 15 "$log" >&2
    fail "the package could not be installed; the whole story is in $log"
}
