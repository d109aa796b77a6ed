#!/bin/sh
# kill -9 of workers and of the engine: every trial finishes, every curve is whole, and the numbers are to the bit those
# of a run that nobody disturbed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_kill.sh"

set_study calm
until_true 120 ended calm
check_whole calm

# Workers: their trials go on from the last checkpoint.
set_study struck
kills=0
while [ $kills -lt 5 ] && ! ended struck; do
    at=$(epochs_of struck)
    until_true 60 past struck "$at"
    victim=$(workers_of struck | head -n 1) || true
    [ -z "$victim" ] || kill -KILL "$victim" 2>/dev/null || true
    kills=$((kills + 1))
done
[ $kills -ge 2 ] || fail "the study was over before two kills"
until_true 180 ended struck
check_whole struck
[ "$(json struck | jq '[.trials[].attempts] | add')" -gt 4 ] || fail "no trial was started again"
check_same calm struck

# The engine: its supervisor brings it back, the old workers are gone, and who watches is connected again.
set_study beheaded
"$vaetop" attach beheaded --no-tui >"$T/watched" 2>&1 </dev/null &
watcher=$!
new_engine() {
    now=$(engine_of beheaded)
    [ -n "$now" ] && [ "$now" != "$old" ] && kill -0 "$now" 2>/dev/null
}
gone() {
    ! kill -0 "$1" 2>/dev/null
}
for round in 1 2; do
    at=$(epochs_of beheaded)
    until_true 60 past beheaded "$at"
    old=$(engine_of beheaded)
    workers=$(workers_of beheaded) || true
    kill -KILL "$old"
    until_true 60 new_engine
    for worker in $workers; do
        until_true 10 gone "$worker"
    done
done
until_true 180 ended beheaded
check_whole beheaded
check_same calm beheaded
status=0
wait $watcher || status=$?
[ $status = 0 ] || fail "attach ended with $status: $(cat "$T/watched")"
says "$T/watched" "trials 4/4"
echo "$kills workers and 2 engines killed; 4 trials of 400 epochs, the same bits each time"
