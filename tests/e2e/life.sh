#!/bin/sh
# A study's life from the command line: detach, look, pause, resume, stop one trial, change one, stop, go on, remove.
. "$(dirname "$0")/lib.sh"

phase() { "$vaetop" show life --json | jq -r ".trials[] | select(.number == $1) | .phase"; }
epoch() { "$vaetop" show life --json | jq -r ".trials[] | select(.number == $1) | .epoch"; }
in_phase() { [ "$(phase "$1")" = "$2" ]; }
past_epoch() { [ "$(epoch "$1")" -gt "$2" ]; }
study_phase() { [ "$("$vaetop" show life --json | jq -r '"\(.phase) \(.engine_running)"')" = "$1" ]; }

set -- --name life --slots 2 --trials 3 --set data.count=1000 --set train.epochs=100000 --set model.width=32
run_it 0 run quickstart "$@" --detach
says "$T/out" "vaetop attach life"
until_true 60 past_epoch 0 2
run_it 0 ls
says "$T/out" "running"

# One trial pauses, another takes its slot; it resumes behind where it was, not at the start.
run_it 0 pause life --trial 0
until_true 20 in_phase 0 paused
at=$(epoch 0)
until_true 20 in_phase 2 running
run_it 0 stop life --trial 2
until_true 20 in_phase 2 stopped
run_it 0 resume life --trial 0
until_true 60 past_epoch 0 "$at"

# An edit is acknowledged, recorded and marked.
run_it 0 set life --trial 0 optimizer.lr=1e-4
edited() { [ "$("$vaetop" show life --trial 0 --json | jq -c '.edits[] | [.knob, .value]')" = '["optimizer.lr","1e-4"]' ]; }
until_true 20 edited
run_it 2 set life --trial 0 model.latent=3
one_line

# Two clients, and a stop that both hear of: the study is stopped, not finished, and everything is checkpointed.
"$vaetop" attach life --no-tui >"$T/attached" 2>&1 </dev/null &
attached=$!
run_it 0 stop life
wait $attached || fail "attach ended with $?: $(cat "$T/attached")"
until_true 20 study_phase "stopped false"
at=$(epoch 0)
run_it 0 resume life
until_true 60 past_epoch 0 "$at"
[ "$("$vaetop" show life --trial 0 --json | jq '[.series[].epoch] == [range(1; .series | length + 1)]')" = true ] ||
    fail "the curve has a gap"

# Stopped and resumed in one breath: the engine that is ending is waited for.
run_it 0 stop life
run_it 0 resume life
says "$T/out" "life goes on"
at=$(epoch 0)
until_true 60 past_epoch 0 "$at"

# INT on `attach` ends the client alone; on `run` it checkpoints, stops the study and says 130.
interrupted() { # WORDS...: runs them, sends INT after the first progress line, wants 130
    rm -f "$T/waiting" # of the time before: its lines are no sign of life
    "$vaetop" "$@" >"$T/waiting" 2>&1 </dev/null &
    waiting=$!
    until_true 20 grep -q trials "$T/waiting"
    kill -INT $waiting
    status=0
    wait $waiting || status=$?
    [ $status = 130 ] || fail "INT on $1: status $status, 130 was expected: $(cat "$T/waiting")"
}
interrupted attach life --no-tui
says "$T/waiting" "trains on"
at=$(epoch 0)
until_true 60 past_epoch 0 "$at"
interrupted run quickstart "$@" --no-tui
until_true 20 study_phase "stopped false"

# Exports.
run_it 0 export life --csv -o "$T/trials.csv"
[ "$(wc -l <"$T/trials.csv")" = "$(($("$vaetop" show life --json | jq '.trials | length') + 1))" ] || fail "CSV lines"
run_it 0 export life --json -o "$T/study.json"
jq -e .schema_version "$T/study.json" >/dev/null || fail "JSON export"
run_it 0 export life --trial 0 -o "$T/model.safetensors"
[ -s "$T/model.safetensors" ] || fail "no weights"

run_it 0 rm life
[ ! -e "$XDG_DATA_HOME/vaetop/life" ] || fail "rm left the study"
run_it 0 ls
says "$T/out" "no studies yet"
