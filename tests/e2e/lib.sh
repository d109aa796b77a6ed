# Help for whole-program tests: a home of their own, checks that say what was seen, nothing left behind.
# Sourced; needs VAETOP_BUILD and VAETOP_SOURCE (CTest sets them).
set -eu
: "${VAETOP_BUILD:?run through ctest}" "${VAETOP_SOURCE:?run through ctest}"
vaetop=$VAETOP_BUILD/vaetop
mkdir -p "$VAETOP_BUILD/tests/tmp"
T=$(mktemp -d "$VAETOP_BUILD/tests/tmp/e2e.XXXXXX")
export HOME="$T/home" XDG_DATA_HOME="$T/data" XDG_CONFIG_HOME="$T/config" XDG_STATE_HOME="$T/state" \
    VAETOP_RUN_DIR="$T/run" XDG_CACHE_HOME="$T/cache"
mkdir -p "$HOME"

# Ends every engine whose study is below $T, then removes $T.
cleanup() {
    status=$?
    for study in "$T"/data/vaetop/*; do
        [ -e "$study/study.db" ] && "$vaetop" stop "${study##*/}" --quiet >/dev/null 2>&1 || true
    done
    deadline=$(($(date +%s) + 20))
    while pgrep -f "__(supervise|engine) $T/" >/dev/null && [ "$(date +%s)" -lt $deadline ]; do
        sleep 0.1
    done
    pkill -KILL -f "__(supervise|engine) $T/" || true
    rm -rf "$T"
    exit $status
}
trap cleanup EXIT
trap 'exit 129' HUP INT TERM

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# run_it STATUS WORDS...: runs vaetop, stdout in $T/out, stderr in $T/err, and checks the exit status.
run_it() {
    want=$1
    shift
    got=0
    "$vaetop" "$@" >"$T/out" 2>"$T/err" </dev/null || got=$?
    [ "$got" = "$want" ] || {
        cat "$T/out" "$T/err" >&2
        fail "vaetop $*: status $got, want $want"
    }
}

# says FILE TEXT: FILE contains TEXT.
says() {
    grep -qF -- "$2" "$1" || {
        cat "$1" >&2
        fail "\"$2\" is not in ${1##*/}"
    }
}

# db FILE [SQL]: a data base that others may hold for a moment, its engine while it ends among them.
db() {
    sqlite3 -cmd '.timeout 20000' "$@"
}

# one_line: stderr is exactly one line beginning with "vaetop: ".
one_line() {
    [ "$(wc -l <"$T/err")" = 1 ] && grep -q '^vaetop: ' "$T/err" || {
        cat "$T/err" >&2
        fail "one line on stderr was expected"
    }
}

# A study as it stands, by its NAME.
json() { "$vaetop" show "$1" --json; }
over() { [ "$(json "$1" | jq -r '"\(.phase) \(.engine_running)"')" = "finished false" ]; } # its engine has gone too
begun() { [ "$(json "$1" | jq '[.trials[].epoch] | add // 0')" -gt 0 ]; }
engine_of() { sed -n 's/^process \([0-9]*\) .*/\1/p' "$XDG_DATA_HOME/vaetop/$1/lock"; }

# until_true SECONDS COMMAND...: polls until COMMAND succeeds. Under sanitizers it may take five times as long.
until_true() {
    patience=${VAETOP_SANITIZED:+5}
    deadline=$(($(date +%s) + $1 * ${patience:-1}))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt $deadline ] || fail "not within its time: $*"
        sleep 0.1
    done
}
