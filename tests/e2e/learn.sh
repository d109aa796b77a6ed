#!/bin/sh
# A sampler that learns: from trials finished now, and after a stop from those of before.
. "$(dirname "$0")/lib.sh"

log="$T/data/vaetop/learn/log"
done_trials() { "$vaetop" show learn --json | jq '[.trials[] | select(.phase == "done")] | length'; }
at_least() { [ "$(done_trials)" -ge "$1" ]; }

set -- --name learn --slots 2 --seed 3 --set data.count=600 --set train.epochs=4 --set study.startup=4 --trials 200
set -- "$@" --set study.sampler=gp --set model.width="8 .. 64 log" --set optimizer.lr="1e-4 .. 1e-2 log"
run_it 0 run quickstart "$@" --detach
until_true 120 at_least 6
run_it 0 stop learn
says "$log" "trial 0: sobol: first trials are spread evenly, 0 of 4 finished"
grep -Eq 'trial [0-9]+: gp: .*\(fit [0-9]+, [0-9]+ finished, [0-9] running\)' "$log" || fail "nothing learnt: $(cat "$log")"

# Another engine and another advisor: they know what was found, and what waits.
before=$(done_trials)
lines=$(wc -l <"$log")
run_it 0 run quickstart "$@" --detach
until_true 120 at_least $((before + 4))
run_it 0 stop learn
first=$(tail -n +$((lines + 1)) "$log" | sed -n 's/.*: gp: .*(fit [0-9]*, \([0-9]*\) finished.*/\1/p' | head -n 1)
[ "${first:-0}" -ge "$before" ] || fail "$before trials were known, the first suggestion saw ${first:-none}"
