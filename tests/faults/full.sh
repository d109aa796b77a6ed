#!/bin/sh
# A disk that is full for a while, with real trials: a finished trial waits with its weights until they can be written,
# the banner is on every view, and all goes on by itself with the numbers of an undisturbed study. Then stores that cannot
# be used: one line, and the right exit status. The disk is the shim's (shim.c), so no privileges are needed.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/lib_tui.sh"
shim=$VAETOP_BUILD/tests/faults/libfault_shim.so
D=$XDG_DATA_HOME/vaetop
export VAETOP_IDLE_S=1

# shimmed COMMAND...: with the shim below it, quick and without real syncs.
shimmed() {
    ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$shim VAETOP_FAULT_FAST=1 VAETOP_FAULT_DIR=$D "$@"
}
start() { # NAME
    run_it 0 run quickstart --name "$1" --trials 3 --slots 2 --set data.count=400 --set train.epochs=400 \
        --set model.width=16 --detach
}
numbers() { json "$1" | jq -cS '[.trials[] | [.number, .phase, .value_nats, .weights_kept]]'; }
banner_has() { json full | jq -r .banner | grep -qF "$1"; }

start calm
until_true 120 over calm

VAETOP_FAULT_QUOTA=$T/quota
export VAETOP_FAULT_QUOTA
shimmed start full
until_true 60 begun full
echo 0 >"$T/quota"
until_true 60 banner_has "disk full"
run_it 0 show full
says "$T/out" "disk full"
screen_start 80 24 "'$vaetop' attach full" # one that comes when nothing else is said any more
sees "disk full: trials go on in memory, none starts; free 8 MiB and all goes on"
tm kill-server
"$vaetop" attach full --no-tui >"$T/lines" 2>"$T/warnings" </dev/null &
watcher=$!
until_true 60 grep -qF "disk full" "$T/warnings"
# Longer than all its epochs take: nothing is given up meanwhile.
sleep 8
banner_has "disk full" || fail "the banner went: $(json full | jq -r .banner)"
[ "$(json full | jq '[.trials[] | select(.phase == "failed")] | length')" = 0 ] || fail "a trial failed: $(numbers full)"
rm "$T/quota"
until_true 120 over full
wait $watcher || fail "attach ended with $?: $(cat "$T/warnings")"
[ "$(numbers full)" = "$(numbers calm)" ] || fail "$(numbers full), want $(numbers calm)"
run_it 0 fsck full
[ ! -e "$D/full/reserve" ] || fail "the reserve is left"
unset VAETOP_FAULT_QUOTA

# refused FAULT STATUS TEXT [NAME]: a start under that fault ends with one line.
refused() {
    VAETOP_FAULT=$1 shimmed run_it "$2" run quickstart --name "${4:-new}" --trials 1 --no-tui \
        --set data.count=400 --set train.epochs=1 --set model.width=16
    grep -qF -- "$3" "$T/err" || fail "$1: \"$3\" is not in: $(cat "$T/err")"
    [ -n "${4:-}" ] || [ ! -e "$D/new" ] || fail "$1: half a study is left"
}
refused open,write,rename:0:EROFS 1 "Read-only file system"
refused open,write,rename:0:EACCES 1 "Permission denied"
refused write,truncate:0:ENOSPC 1 "the disk is full"
refused sync:0:EIO 1 "I/O error"

# fsync fails in the midst: said, written again whole, nothing lost.
VAETOP_FAULT_WHILE=$T/while VAETOP_FAULT=sync:0:EIO shimmed start full2
until_true 60 begun full2
: >"$T/while"
banner2() { json full2 | jq -r .banner | grep -qE "not saved yet|checkpoint is not written"; }
until_true 60 banner2
rm "$T/while"
until_true 120 over full2
[ "$(numbers full2)" = "$(numbers calm)" ] || fail "$(numbers full2), want $(numbers calm)"
run_it 0 fsck full2

# Somebody holds the data base: said, and all goes on once it is free. A damaged one is refused.
again() {
    run_it "$1" run quickstart --name calm --trials 4 --slots 2 --set data.count=400 --set train.epochs=400 \
        --set model.width=16 --detach
}
(
    echo "BEGIN EXCLUSIVE;"
    while [ -d "$T" ] && [ ! -e "$T/free" ]; do sleep 0.1; done
) | db "$D/calm/study.db" & # whoever looks whether it is held may hold it
holder=$!
held() { ! sqlite3 "$D/calm/study.db" "PRAGMA busy_timeout=0; BEGIN IMMEDIATE; ROLLBACK" >/dev/null 2>&1; }
until_true 20 held
again 0
banner3() { json calm | jq -r .banner | grep -qF "locked by another program"; }
until_true 60 banner3
: >"$T/free"
wait $holder
until_true 120 over calm
[ "$(json calm | jq '[.trials[] | select(.phase == "done")] | length')" = 4 ] || fail "$(numbers calm)"
run_it 0 fsck calm
rm -f "$D/calm/study.db-wal" "$D/calm/study.db-shm"
dd if=/dev/zero of="$D/calm/study.db" bs=1 count=100 conv=notrunc 2>/dev/null
again 6
one_line
run_it 6 show calm
one_line
