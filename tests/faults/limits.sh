#!/bin/sh
# Low limits: what can be raised is raised, what cannot ends in one line, and whatever was begun goes on without them.
. "$(dirname "$0")/../e2e/lib.sh"
export VAETOP_IDLE_S=1

run_small() { # NAME: its exit status in $got
    got=0
    "$vaetop" run quickstart --name "$1" --trials 2 --slots 2 --set data.count=400 --set train.epochs=3 \
        --set model.width=16 --no-tui >"$T/out" 2>"$T/err" </dev/null || got=$?
}
# bears LIMIT VALUE: it works, or says in one line what does not and leaves a study that goes on.
bears() {
    (
        ulimit "$1" "$2" || exit 99
        run_small "low$1"
        exit $got
    ) && got=0 || got=$?
    [ $got != 99 ] || fail "ulimit $1 $2 is refused here"
    [ $got -lt 128 ] || fail "ulimit $1 $2: status $got: $(cat "$T/err")"
    [ $got = 0 ] || grep -q '^vaetop: ' "$T/err" || fail "ulimit $1 $2: status $got without a word"
    echo "ulimit $1 $2: status $got $(tail -n 1 "$T/err" | cut -c1-200)"
    [ $got = 0 ] || { run_small "low$1"; [ $got = 0 ] || fail "without the limit: $(cat "$T/err")"; }
    run_it 0 fsck "low$1"
}
bears -Sn 20 # the engine takes what the hard limit leaves
[ -z "$(cat "$T/err")" ] || fail "a soft limit is no limit: $(cat "$T/err")"
bears -n 20
bears -s 256
# The sanitizers' shadow takes terabytes of addresses.
ldd "$vaetop" | grep -q libasan || bears -v 1500000
