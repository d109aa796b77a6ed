#!/bin/sh
# Optuna opens a study of ours and adds to it; our reader then takes what Optuna wrote. Debian's python3-optuna.
set -eu
: "${VAETOP_BUILD:?run through ctest}" "${VAETOP_SOURCE:?run through ctest}"
mkdir -p "$VAETOP_BUILD/tests/tmp"
T=$(mktemp -d "$VAETOP_BUILD/tests/tmp/optuna.XXXXXX")
trap 'rm -rf "$T"' EXIT
trap 'exit 129' HUP INT TERM
# A time zone far from UTC: what we write must not depend on it. No byte code beside the test.
export HOME="$T" TZ=Asia/Tokyo PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR="$T" XDG_CACHE_HOME="$T" XDG_CONFIG_HOME="$T"

/usr/bin/python3 -c 'import optuna, numpy, sqlalchemy' || {
    echo "python3-optuna is not usable; install it: apt-get install python3-optuna"
    exit 1
}
"$VAETOP_BUILD/tests/test_store" write-study "$T/study" >"$T/written.json"
# The marked copy replaces what was there, and is never the study itself.
echo "an older file" >"$T/copy.db"
echo "its journal" >"$T/copy.db-journal"
"$VAETOP_BUILD/vaetop" export study --dir "$T" --optuna -o "$T/copy.db"
ln "$T/study/study.db" "$T/link.db"
status=0
"$VAETOP_BUILD/vaetop" export study --dir "$T" --optuna -o "$T/link.db" 2>"$T/err" || status=$?
[ $status = 2 ] && grep -q "the study itself" "$T/err" || { cat "$T/err"; echo "FAILED: a copy over the study: $status"; exit 1; }
rm "$T/link.db"
/usr/bin/python3 "$VAETOP_SOURCE/tests/e2e/optuna_reads.py" "$T/study" "$T/written.json" "$VAETOP_BUILD/tests/test_store" \
    "$T/copy.db"
[ "$(ls "$T" | grep -c copy)" = 1 ] || { ls "$T"; echo "FAILED: something lies beside the copy"; exit 1; }
