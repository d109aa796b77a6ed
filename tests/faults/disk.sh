#!/bin/sh
# A disk that gets full and has room again, a folder that cannot be written, a study that is damaged when it starts.
. "$(dirname "$0")/../e2e/lib.sh"
shim=$VAETOP_BUILD/tests/faults/libfault_shim.so
export VAETOP_IDLE_S=1
D=$XDG_DATA_HOME/vaetop
set -- --trials 4 --slots 2 --set data.count=400 --set train.epochs=40 --set model.width=16
epochs_of() { "$vaetop" show "$1" --json | jq '[.trials[].epoch] | add // 0'; }
past() { [ "$(epochs_of "$1")" -gt "$2" ]; }
over() { [ "$("$vaetop" show "$1" --json | jq -r '"\(.phase) \(.engine_running)"')" = "finished false" ]; }
values() { "$vaetop" show "$1" --json | jq -cS '[.trials[] | [.number, .phase, .value_nats]]'; }

run_it 0 run quickstart --name calm "$@" --detach
until_true 120 over calm

# Full while it trains: what is stored stays, the engine says so, and all goes on by itself.
mkdir -p "$D"
ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$shim VAETOP_FAULT=write,truncate:0:ENOSPC VAETOP_FAULT_DIR="$D/full" \
    VAETOP_FAULT_WHILE="$T/full" "$vaetop" run quickstart --name full "$@" --detach >"$T/out" 2>&1
until_true 60 past full 3
: >"$T/full"
# The log cannot be written either: the screen's line is what tells.
"$vaetop" attach full --no-tui >"$T/watched" 2>&1 </dev/null &
watcher=$!
until_true 60 grep -q "not saved yet" "$T/watched"
says "$T/watched" "disk is full"
run_it 0 fsck full
rm "$T/full"
until_true 120 over full
wait $watcher || true
run_it 0 fsck full
[ "$(values full)" = "$(values calm)" ] || fail "full: $(values full), want $(values calm)"

# A start where nothing can be written is refused in one line and leaves nothing.
if [ "$(id -u)" != 0 ]; then
    mkdir "$T/closed"
    chmod 500 "$T/closed"
    run_it 1 run quickstart --name no --dir "$T/closed" "$@" --detach
    one_line
fi
status=0
ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$shim VAETOP_FAULT=open,write:0:EROFS VAETOP_FAULT_DIR="$D" \
    "$vaetop" run quickstart --name no "$@" --detach >"$T/out" 2>"$T/err" || status=$?
[ $status = 1 ] || fail "read-only: status $status"
one_line
[ ! -e "$D/no" ] || fail "a refused start left its folder"

# Damaged at the start: 6, one line, what to do.
cp -r "$D/calm" "$D/hit"
dd if=/dev/zero of="$D/hit/study.db" bs=4096 seek=1 count=4 conv=notrunc 2>/dev/null
run_it 6 run quickstart --name hit "$@" --trials 6 --detach
one_line
run_it 6 fsck hit
