#!/bin/sh
# What a study says as a whole: as text and JSON, while it runs and without an engine; and a stopping rule that ends one.
. "$(dirname "$0")/lib.sh"

whole() { "$vaetop" show "$1" --study --json; }
set -- --set data.count=400 --set train.epochs=2 --set train.batch=64 --set loss.beta_warmup=1 \
    --set loss.beta_schedule=constant --set model.width=32
run_it 0 run bayes --name whole --trials 20 --slots 2 "$@" --no-tui --quiet
seen() { whole whole | jq -e '.left.trials_ended == 20' >/dev/null; }
until_true 20 seen
run_it 0 show whole --study
says "$T/out" "20 of 20 trials ended"
says "$T/out" "importance: PED-ANOVA of the best tenth of 20 trials"
says "$T/out" "least value along each range"
says "$T/out" "front of reconstruction and KL"
says "$T/out" "sampler: auto took gp: trials are few and dear"
says "$T/out" "next: no trial waits for a slot"
says "$T/out" "left to gain: "
whole whole >"$T/whole"
jq -e '
    .schema_version == 1 and .trials_ended == 20 and .importance_trials == 20 and
    ([.knobs[].importance[0]] | add > 0.999 and add < 1.001) and
    ([.knobs[].importance[0]] == ([.knobs[].importance[0]] | sort | reverse)) and
    ([.knobs[] | [.histogram[].trials] | add] | all(. == 20)) and
    (.best_value_nats == ([.trials[].value_nats] | min)) and
    ([.trials[] | select(.best_tenth)] | length == 2) and
    ([.trials[] | select(.front) | .number] | sort) == (.front | sort) and
    ([.trials[].best_so_far_nats] == ([.trials[].best_so_far_nats] | sort | reverse)) and
    .left.trials_ended == 20 and .left.expected_gain_sd > 0 and .left["study.stop"] == "never"' "$T/whole" >/dev/null ||
    fail "the study as a whole: $(jq -c 'del(.trials)' "$T/whole")"
# The front by another way: nobody is better in both.
jq -e '[.trials[] | {number, rec_nats, kl_nats}] as $t | [$t[] | . as $a |
    select([$t[] | select(.rec_nats < $a.rec_nats and .kl_nats < $a.kl_nats)] | length == 0) | .number] | sort ==
    (input | .front | sort)' "$T/whole" "$T/whole" >/dev/null || fail "the front"

# While it runs: which trial comes next, why, and what it is expected to give.
run_it 0 run bayes --name live --trials 2000 --slots 1 "$@" --set study.sampler=gp --detach
told() { whole live | jq -e '.next.sampler == "gp" and .next.predicted_nats > 0 and .next.predicted_sd_nats > 0 and
    .next.fit > 0 and (.next.params | length) >= 4 and (.next.why | test("gp: predicts"))' >/dev/null; }
until_true 180 told
"$vaetop" stop live --quiet

# The rule: no trial improves for long, the study ends by itself and says so; who asks for more gets it.
run_it 0 run bayes --name enough --trials 5000 --slots 2 "$@" --set study.sampler=random --set study.stop=no_gain \
    --set train.epochs=1 --set study.value=last --set data.count=200 --no-tui --quiet
n=$(whole enough | jq .trials_total)
[ "$n" -ge 31 ] && [ "$n" -lt 5000 ] || fail "study.stop ended the study at $n trials"
last_word() { whole "$1" | jq -e '.phase == "finished" and .left.trials_ended == .trials_total' >/dev/null; }
until_true 20 last_word enough
grep -aq "study.stop: no trial of the last .* of 5000 trials are enough" "$XDG_DATA_HOME/vaetop/enough/log" ||
    fail "the log does not say why: $(tail -n 5 "$XDG_DATA_HOME/vaetop/enough/log")"
more=$((n + 3))
run_it 0 run bayes --name enough --trials $more --slots 2 "$@" --set study.sampler=random --set study.stop=no_gain \
    --set train.epochs=1 --set study.value=last --set data.count=200 --no-tui --quiet
whole enough | jq -e ".trials_ended == $more and .left[\"study.stop\"] == \"never\"" >/dev/null ||
    fail "more was asked for: $(whole enough | jq -c 'del(.trials, .knobs)')"
echo "20 trials understood; study.stop ended one of 5000 trials after $n"
