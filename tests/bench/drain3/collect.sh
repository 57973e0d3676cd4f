#!/bin/sh
# Makes logs from this machine (Debian or alike) in the directory given, for compare.py: package logs as they are, and
# the verbose output of real commands. A command that isn't there is skipped with a note.
#
#   tests/bench/drain3/collect.sh /tmp/logs
set -eu
[ $# -eq 1 ] || { echo "usage: collect.sh DIRECTORY" >&2; exit 2; }
mkdir -p "$1"
here=$(cd "$(dirname "$0")/../../.." && pwd)
cd "$1"
LINES_OF_BUILD=100000

take() { # take NAME COMMAND...: the command's output, both streams, whatever its status
    name=$1
    shift
    if command -v "$1" >/dev/null; then
        "$@" >"$name.log" 2>&1 || echo "note: $* ended with $?" >&2
    else
        echo "note: no $1, no $name.log" >&2
    fi
}

packages() {
    dpkg-query -W -f '${Package}\n' | head -n 120 | while read -r package; do dpkg -L "$package"; done
}

for log in dpkg alternatives; do
    [ ! -r /var/log/$log.log ] || cp /var/log/$log.log $log.log
done
[ ! -r /var/log/apt/term.log ] || cat /var/log/apt/term.log /var/log/apt/history.log >apt.log
take dmesg dmesg
take dpkgL packages
find /usr -ls 2>/dev/null | head -n 60000 >find.log || true
apt-cache dumpavail 2>/dev/null | head -n 40000 >aptcache.log || true
apt-cache dump 2>/dev/null | head -n 40000 >aptdump.log || true

# A build: cargo's verbose output of a crate from nothing, again from its cache and of its tests; gcc's with an error.
target=$(mktemp -d)
trap 'rm -r "$target"' EXIT
for verb in "check" "check" "test --no-run"; do
    # shellcheck disable=SC2086
    (cd "$here" && CARGO_TARGET_DIR=$target cargo $verb -v -p log-digest)
done >cargo.part 2>&1
printf '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { return x; }\n' >broken.c
for _ in $(seq 50); do
    gcc -v -O2 -Wall broken.c -o /dev/null || true
    gcc -H -E broken.c >/dev/null || true
done >gcc.log 2>&1
cat cargo.part gcc.log >once.part
: >build.log
while [ "$(wc -l <build.log)" -lt $LINES_OF_BUILD ]; do cat once.part >>build.log; done
rm cargo.part once.part broken.c
wc -l ./*.log
