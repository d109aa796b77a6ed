#!/bin/sh
# A worker is killed in the midst of a checkpoint: in a write, before a sync, between write and rename, between the two
# names. Its trials, with noise, dropout, a norm and a moving mean, end with the bits of those that nobody disturbed.
. "$(dirname "$0")/../e2e/lib.sh"
shim=$VAETOP_BUILD/tests/faults/libfault_shim.so
D=$XDG_DATA_HOME/vaetop
export VAETOP_IDLE_S=1

start() { # NAME
    run_it 0 run quickstart --name "$1" --trials 3 --slots 2 --set data.count=600 --set train.epochs=120 \
        --set model.width="24 .. 64" --set model.dropout=0.2 --set model.norm=layer --set optimizer.ema=0.9 --detach
}
starts() { json "$1" | jq '[.trials[].attempts] | add // 0'; }
struck() { [ "$(starts "$1")" -ge 6 ] || over "$1"; } # three and then some
numbers() {
    for trial in 0 1 2; do
        "$vaetop" show "$1" --trial $trial --json |
            jq -cS '{number, phase, value_nats, params, series: [.series[] | del(.images_per_s, .time_s, .seconds)]}'
    done
}
start calm
until_true 200 over calm
numbers calm >"$T/calm"
[ "$(starts calm)" = 3 ] || fail "the undisturbed study was disturbed"

# At least one checkpoint of each worker's gets through; the next one, in the words of tensor_write.c, does not.
for at in write:20 sync:3 link:1 rename:2 sync:4; do
    name=$(echo $at | tr -d :)
    : >"$T/while"
    rm -f "$T/mark"
    ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$shim VAETOP_FAULT_FAST=1 VAETOP_FAULT_DIR="$D/$name/checkpoints" \
        VAETOP_FAULT=$at:kill VAETOP_FAULT_MARK="$T/mark" VAETOP_FAULT_WHILE="$T/while" start "$name"
    until_true 200 struck "$name"
    rm "$T/while"
    [ -e "$T/mark" ] || fail "$at: nobody was killed"
    until_true 200 over "$name"
    [ "$(starts "$name")" -gt 3 ] || fail "$at: no trial was started again"
    numbers "$name" >"$T/numbers"
    cmp -s "$T/calm" "$T/numbers" || fail "$at: the numbers differ: $(diff "$T/calm" "$T/numbers" | cut -c1-300)"
    run_it 0 fsck "$name" --json
    [ "$(jq -c '[.lost, .duplicated, .corrupted]' "$T/out")" = "[0,0,0]" ] || fail "$at: $(cat "$T/out")"
    grep -q "signal 9" "$D/$name/log" || fail "$at: the log does not say how the worker ended"
    [ -z "$(ls "$D/$name/checkpoints" | grep tmp)" ] || fail "$at: half a checkpoint is left"
    echo "$at: $(grep -c "signal 9" "$D/$name/log") kills, $(starts "$name") starts"
done
