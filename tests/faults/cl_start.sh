#!/bin/sh
# A driver that cannot be used at all: the start says why in one line, and does not go on for ever.
. "$(dirname "$0")/../e2e/lib.sh"
layer=$VAETOP_BUILD/tests/faults/libfault_cl.so
export VAETOP_IDLE_S=1 ASAN_OPTIONS=verify_asan_link_order=0

refused() { # NAME FAULT TEXT
    status=0
    LD_PRELOAD=$layer VAETOP_CL_FAULT=$2 timeout 100 "$vaetop" run quickstart --name "$1" --no-tui --quiet --trials 2 \
        --set data.count=400 --set train.epochs=2 --set model.width=16 >"$T/out" 2>"$T/err" </dev/null || status=$?
    [ $status != 0 ] && [ $status != 124 ] || fail "$1: status $status: $(cat "$T/out" "$T/err")"
    grep -qF -- "$3" "$T/err" || fail "$1: status $status: $(cat "$T/out" "$T/err"); want $3"
}
refused unbuilt build:1:-11+ "CL_BUILD_PROGRAM_FAILURE"
refused nocontext context:1:-2+ "CL_DEVICE_NOT_AVAILABLE"
