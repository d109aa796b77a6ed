#!/bin/sh
# An OpenCL driver that fails, hangs or aborts at one call: the trial is tried again or ends with the reason, the others
# are unharmed, and what is finished has the numbers of an undisturbed study.
. "$(dirname "$0")/../e2e/lib.sh"
layer=$VAETOP_BUILD/tests/faults/libfault_cl.so
export VAETOP_IDLE_S=1

start() { # NAME: each trial alone launches more often than any fault below counts
    run_it 0 run quickstart --name "$1" --trials 3 --slots 2 --set data.count=400 --set train.epochs=12 \
        --set model.width=16 --detach
}
gone() { [ "$(json "$1" | jq -r .engine_running)" = false ]; }
values() { json "$1" | jq -cS '[.trials[] | [.number, .phase, .value_nats]]'; }
log_says() { # NAME TEXT
    grep -qF -- "$2" "$XDG_DATA_HOME/vaetop/$1/log" || {
        tail -n 20 "$XDG_DATA_HOME/vaetop/$1/log" >&2
        fail "$1: the log does not say: $2"
    }
}
start calm
until_true 120 gone calm
[ "$(values calm | jq '[.[] | select(.[1] == "done")] | length')" = 3 ] || fail "calm: $(values calm)"

# recovers NAME FAULT TEXT: strikes one process once; TEXT is in the log; the numbers are the calm ones.
recovers() {
    : >"$T/once"
    ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$layer VAETOP_CL_FAULT=$2 VAETOP_CL_FAULT_ONCE=$T/once start "$1"
    until_true 120 gone "$1"
    [ ! -e "$T/once" ] || fail "$1: the fault never struck"
    [ "$(values "$1")" = "$(values calm)" ] || fail "$1: $(values "$1"), want $(values calm)"
    log_says "$1" "$3"
    run_it 0 fsck "$1"
}
recovers launch launch:60:-5 CL_OUT_OF_RESOURCES
recovers lost read:9:-36 CL_INVALID_COMMAND_QUEUE
recovers aborted launch:90:abort "signal 6"
recovers unclocked clock:1:-35 "its busy share is unknown"
VAETOP_QUIET_S=3
export VAETOP_QUIET_S
recovers hung launch:70:hang "it had said nothing for"
unset VAETOP_QUIET_S

# ends NAME FAULT: strikes every process from that call on; the study ends by itself.
ends() {
    ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$layer VAETOP_CL_FAULT=$2 start "$1"
    until_true 180 gone "$1"
    run_it 0 fsck "$1"
}
# The device has no memory: tried again, then the study ends and says why; nothing is lost.
ends full buffer:8:-4+
log_says full CL_MEM_OBJECT_ALLOCATION_FAILURE

# The driver is another one when a stopped trial goes on: it does, and says that its bits are no longer those.
moved="run quickstart --name moved --trials 1 --set data.count=400 --set train.epochs=1000000 --set model.width=16 --detach"
past() { [ "$(json moved | jq '[.trials[].epoch] | add // 0')" -gt "$1" ]; }
said() { grep -qF "no longer exact" "$XDG_DATA_HOME/vaetop/moved/log"; }
stopped() {
    run_it 0 stop moved
    until_true 120 gone moved
}
# shellcheck disable=SC2086
run_it 0 $moved
until_true 120 begun moved
stopped
epoch=$("$vaetop" show moved --json | jq '.trials[0].epoch')
# shellcheck disable=SC2086
run_it 0 $moved
until_true 120 past "$epoch"
stopped
! said || fail "moved: the same driver was taken for another"
# shellcheck disable=SC2086
ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$layer VAETOP_CL_DRIVER=another run_it 0 $moved
until_true 120 said
stopped
