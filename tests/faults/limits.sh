#!/bin/sh
# Low limits (ulimit). A low soft limit on open files or stack is raised and nothing is different; a hard one, or one on
# what a person limits on purpose, is named in the one line with which `run` ends.
. "$(dirname "$0")/../e2e/lib.sh"
export VAETOP_IDLE_S=1
shim=$VAETOP_BUILD/tests/faults/libfault_shim.so

# under OPTION NAME ENVIRONMENT...: a study below a limit; its status in $got.
under() {
    limit=$1
    name=$2
    shift 2
    got=0
    prlimit "$limit" env "$@" "$vaetop" run quickstart --name "$name" --trials 1 --no-tui --set data.count=400 \
        --set train.epochs=2 --set model.width=16 >"$T/out" 2>"$T/err" </dev/null || got=$?
}
numbers() { "$vaetop" show "$1" --json | jq -c '[.trials[] | [.phase, .value_nats]]'; }
# goes_on OPTION NAME: as if there were no limit.
goes_on() {
    under "$@"
    [ $got = 0 ] || fail "$1: status $got: $(cat "$T/err")"
    [ "$(numbers "$2")" = "$(numbers calm)" ] || fail "$1: $(numbers "$2"), want $(numbers calm)"
}
# refused OPTION NAME STATUS LETTER ...: one line that names the limit.
refused() {
    option=$1
    status=$3
    letter=$4
    name=$2
    shift 4
    under "$option" "$name" "$@"
    [ $got = "$status" ] || fail "$option: status $got, want $status: $(cat "$T/err")"
    one_line
    says "$T/err" "; limits here that may be too low: "
    says "$T/err" "(ulimit -$letter)"
}
under --core=0 calm
[ $got = 0 ] || fail "without a limit: status $got: $(cat "$T/err")"
goes_on --nofile=20: files
goes_on --stack=65536: stack
refused --nofile=12 few-files 1 n
refused --fsize=1024 small-files 1 f
# The address sanitizer's own needs are beyond these two.
if [ -z "${VAETOP_SANITIZED:-}" ]; then
    refused --stack=65536 small-stack 3 s
    refused --as=300000000 small-space 3 v
fi
# No more processes. Root is not held to it, hence the shim.
refused --nproc=900 no-processes 1 u "LD_PRELOAD=$shim" VAETOP_FAULT=fork:0:EAGAIN "VAETOP_FAULT_DIR=$T/nothing" \
    "ASAN_OPTIONS=verify_asan_link_order=0"
says "$T/err" "Resource temporarily unavailable"
