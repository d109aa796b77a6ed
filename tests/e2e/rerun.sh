#!/bin/sh
# Finalists once more with other seeds: as trials of their own, marked, and the table of what they came to.
. "$(dirname "$0")/lib.sh"

study="quickstart --name again --no-tui --trials 3 --set data.count=500 --set train.epochs=2 --set study.sampler=tpe"
# shellcheck disable=SC2086 # options are words
run_it 0 run $study
run_it 2 rerun again --top 0
one_line
run_it 0 rerun again --top 2 --seeds 2
says "$T/out" "4 new trials wait"
run_it 0 rerun again --top 2 --seeds 2 --json
jq -e '.finalists | length == 2 and all(.seeds == 2 and .seeds_ended == 0 and .mean_nats == null)' "$T/out" >/dev/null ||
    fail "before they ran: $(cat "$T/out")"
# shellcheck disable=SC2086
run_it 0 run $study
run_it 0 rerun again --top 2 --seeds 2 --json
cp "$T/out" "$T/table"
"$vaetop" show again --json >"$T/show"
[ "$(jq '.trials | length' "$T/show")" = 7 ] || fail "7 trials were expected: $(jq -c '.trials | map(.number)' "$T/show")"
jq -e --slurpfile s "$T/show" '
    ($s[0].trials | map(select(.number > 2))) as $again |
    ($again | all(.edited and .phase == "done")) and (.finalists | length == 2) and
    (.finalists | all(.seeds_ended == 2 and .deviation_nats > 0)) and
    ((.finalists | map(.mean_nats) | add / 2) - ($again | map(.value_nats) | add / 4) | fabs < 1e-9) and
    (.finalists | map(.trial) | all(. < 3))' "$T/table" >/dev/null || fail "$(cat "$T/table")"
# Of two values the deviation is their distance by the root of 2.
jq -e --slurpfile s "$T/show" '
    def param($n): $s[0].trials[] | select(.number == $n) | .params;
    .finalists | all(. as $f | [$s[0].trials[] | select(.number > 2 and .params == param($f.trial)) | .value_nats] |
        length == 2 and (((.[0] - .[1] | fabs) / (2 | sqrt) - $f.deviation_nats) | fabs) < 1e-9 and
        ((add / 2 - $f.mean_nats) | fabs) < 1e-9)' "$T/table" >/dev/null || fail "deviations: $(cat "$T/table")"
# Equal values, other numbers: another seed.
jq -e '[.trials[] | {p: .params, v: .value_nats}] | group_by(.p) | map(select(length > 1)) |
    length == 2 and all(map(.v) | unique | length == 3)' "$T/show" >/dev/null || fail "repetitions: $(jq -c '.trials[] | [.number, .params, .value_nats]' "$T/show")"
run_it 0 rerun again --top 2 --seeds 2
says "$T/out" "2/2"
if grep -q "new trials" "$T/out"; then
    fail "the same call added trials: $(cat "$T/out")"
fi
