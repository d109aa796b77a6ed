#!/bin/sh
# Successive halving on the real engine and worker: trials are held at their rungs with a checkpoint, promoted, pruned
# with their last value and a reason; after kill -9 of workers and of engine with supervisor all of it is the same to the
# bit; a stopped study keeps what it holds.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_kill.sh"

start() { # NAME SLOTS
    run_it 0 run asha --name "$1" --slots "$2" --trials 9 --set data.count=1500 --set model.width="48 .. 64" \
        --set model.depth=1 --set train.batch=64 --set train.epochs=225 --set study.pruner_min_epochs=25 --detach
}
phases() { # NAME PHASE: how many
    json "$1" | jq "[.trials[] | select(.phase == \"$2\")] | length"
}
# Everything of every trial but what time gave.
all_of() { # NAME
    for trial in 0 1 2 3 4 5 6 7 8; do
        "$vaetop" show "$1" --trial $trial --json |
            jq -cS '{number, phase, reason, value_nats, epoch, params, series: [.series[] | del(.images_per_s, .time_s, .seconds)]}'
    done
}
same() { # NAME: as calm
    all_of "$1" >"$T/all.$1"
    cmp -s "$T/all.calm" "$T/all.$1" || {
        diff "$T/all.calm" "$T/all.$1" | cut -c1-200 >&2 || true
        fail "calm and $1 differ"
    }
}

# One slot: who is where when is the same each time.
start calm 1
until_true 10 test -e "$XDG_DATA_HOME/vaetop/calm/study.db"
seen_held=0
while ! ended calm; do
    held=$(phases calm held)
    [ "$held" -le "$seen_held" ] || seen_held=$held
done
[ "$seen_held" -gt 0 ] || fail "no trial was seen held"
[ "$(phases calm done)" = 1 ] && [ "$(phases calm pruned)" = 8 ] || fail "not one done and eight pruned: $(json calm | jq -c .counts)"
[ "$(json calm | jq -c '[.trials[].epoch] | sort')" = "[25,25,25,25,25,25,75,75,225]" ] ||
    fail "rungs are not 25, 75 and 225: $(json calm | jq -c '[.trials[].epoch] | sort')"
json calm | jq -e '[.trials[] | select(.epoch == 25) | .reason | test("^rung 0 \\(25 epochs\\): [4-9]th of 9, the best 3 go on$")] | all' \
    >/dev/null || fail "reasons at rung 0: $(json calm | jq -c '[.trials[].reason]')"
json calm | jq -e '[.trials[] | select(.epoch == 75) | .reason | test("^rung 1 \\(75 epochs\\): [23][nr]d of 3, the best 1 goes on$")] | all' \
    >/dev/null || fail "reasons at rung 1: $(json calm | jq -c '[.trials[].reason]')"
json calm | jq -e '[.trials[] | select(.phase == "pruned") | .value_nats == .last.value_nats] | all' >/dev/null ||
    fail "a pruned trial's value is not its last"
json calm | jq -e '[.trials[] | select(.phase == "done") | .attempts == 3] | all' >/dev/null ||
    fail "the whole trial was not taken off at both rungs"
all_of calm >"$T/all.calm"
run_it 0 show calm
says "$T/out" "(rung 0 (25 epochs): 9th of 9, the best 3 go on)"

# Optuna's tables: pruned with a value, every epoch an intermediate value.
/usr/bin/python3 - "$XDG_DATA_HOME/vaetop/calm/study.db" <<'P' || fail "Optuna's tables"
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
rows = db.execute("SELECT t.number, t.state, v.value, count(i.step), max(i.step) FROM trials t"
                  " JOIN trial_values v USING (trial_id) JOIN trial_intermediate_values i USING (trial_id)"
                  " GROUP BY t.trial_id").fetchall()
assert len(rows) == 9, rows
assert sorted(r[4] for r in rows) == [25] * 6 + [75] * 2 + [225], rows
assert all(r[3] == r[4] and r[1] == ("COMPLETE" if r[4] == 225 else "PRUNED") for r in rows), rows
P

# Killed over and over.
start struck 1
kills=0
while [ $kills -lt 6 ] && ! ended struck; do
    at=$(epochs_of struck)
    until_true 60 past struck "$((at + 30))" || break
    if [ $((kills % 2)) = 0 ]; then
        victim=$(workers_of struck | head -n 1) || true
    else
        engine=$(engine_of struck)
        victim="$(ps -o ppid= -p "$engine" | tr -d ' ') $engine"
    fi
    [ -z "$victim" ] || kill -KILL $victim 2>/dev/null || true
    [ $((kills % 2)) = 0 ] || start struck 1
    kills=$((kills + 1))
    ended struck && break
done
[ $kills -ge 3 ] || fail "the study was over before three kills"
until_true 180 ended struck
same struck

# Several at once, stopped in the middle and continued: the same curves as far as each went, each at a rung.
start wide 3
until_true 60 past wide 120
run_it 0 stop wide
at_rest() {
    [ "$(json wide | jq .engine_running)" = false ]
}
until_true 60 at_rest
start wide 3
until_true 180 ended wide
json wide | jq -e '[.trials[].epoch] | all(. == 25 or . == 75 or . == 225)' >/dev/null ||
    fail "a trial stands between rungs: $(json wide | jq -c '[.trials[].epoch]')"
[ "$(phases wide done)" -ge 1 ] && [ "$(($(phases wide done) + $(phases wide pruned)))" = 9 ] || fail "not all have ended"
all_of wide | jq -c '[.number, .series]' >"$T/wide"
jq -c '[.number, .series]' "$T/all.calm" >"$T/calm"
paste -d '\n' "$T/calm" "$T/wide" | jq -se '[range(0; length; 2) as $i | .[$i][1] as $a | .[$i + 1][1] as $b |
    ([$a, $b] | map(length) | min) as $n | $a[:$n] == $b[:$n]] | all' >/dev/null || fail "curves differ from those of one slot"
echo "9 trials, 525 of 2025 epochs; $kills kills of workers and engines, the same bits, places and reasons"
