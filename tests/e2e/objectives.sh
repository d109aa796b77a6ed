#!/bin/sh
# Objectives other than -ELBO, on the real engine and worker: the preset kl-tradeoff and its front; require; nll and knn;
# what Optuna's tables say of each; the warning of a search that the objective cannot judge.
. "$(dirname "$0")/lib.sh"

show() { # NAME
    "$vaetop" show "$1" --json
}
table() { # NAME SQL
    /usr/bin/python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())' \
        "$XDG_DATA_HOME/vaetop/$1/study.db" "$2"
}

# What beta does.
run_it 0 run kl-tradeoff --no-tui --quiet --set data.count=2500
[ "$(table kl-tradeoff 'SELECT objective, direction FROM study_directions ORDER BY 1')" = "[(0, 'MINIMIZE'), (1, 'MINIMIZE')]" ] ||
    fail "two rows of directions were expected"
[ "$(table kl-tradeoff 'SELECT count(*) FROM trial_values')" = "[(16,)]" ] || fail "two values of each trial were expected"
show kl-tradeoff | jq -e '[.trials | sort_by(.params["loss.beta"])[].values[1]] | . == (sort | reverse)' >/dev/null ||
    fail "KL does not fall as beta grows: $(show kl-tradeoff | jq -c '[.trials[] | [.params["loss.beta"], .values]]')"
show kl-tradeoff | jq -e '.trials | length == 8 and all(.values == [.last.val_rec_nats, .last.val_kl_nats])' >/dev/null ||
    fail "values are not those of the last epoch"
# The front, straight from its definition; the leaderboard begins with it.
show kl-tradeoff | jq -c '[.trials[] | {n: .number, v: .values}] as $t | [$t[] | . as $a |
    select([$t[] | select(.v[0] <= $a.v[0] and .v[1] <= $a.v[1] and .v != $a.v)] | length == 0) | .n] | sort' >"$T/front"
"$vaetop" show kl-tradeoff --study --json | jq -c '.front | sort' >"$T/shown"
cmp -s "$T/front" "$T/shown" || fail "the front is $(cat "$T/front"), shown is $(cat "$T/shown")"
[ "$(jq length <"$T/front")" -ge 4 ] || fail "no front to speak of: $(cat "$T/front")"
show kl-tradeoff | jq -c --slurpfile f "$T/front" '[.trials[:($f[0] | length)][].number] | sort' >"$T/first"
cmp -s "$T/front" "$T/first" || fail "the leaderboard does not begin with the front"
show kl-tradeoff | jq -e '.trials | all((.bits_per_dim - (.last.val_rec_nats + .last.val_kl_nats) / (784 * 0.6931471805599453) | fabs) < 1e-9)' \
    >/dev/null || fail "bits per dimension"
run_it 0 show kl-tradeoff
says "$T/out" "bits/dim"
run_it 0 fsck kl-tradeoff

# A requirement: who breaks it stands below everybody who keeps it, though its value is better.
run_it 0 run kl-tradeoff --name required --no-tui --quiet --set data.count=2500 --set study.objective=rec \
    --set 'study.require=kl <= 9' --set loss.beta="0.5 | 1 | 4 | 8" --trials 4
show required | jq -e '[.trials[].require_broken_by > 0] | . == sort and any and (all | not)' >/dev/null ||
    fail "what breaks the requirement is not last: $(show required | jq -c '[.trials[] | [.values, .require_broken_by]]')"
show required | jq -e '.trials | min_by(.values[0]) | .require_broken_by > 0' >/dev/null || fail "nothing had to be put below"
run_it 0 show required
says "$T/out" "(breaks kl <= 9)"
run_it 2 run kl-tradeoff --name wrong --set 'study.require=kl < 9'
one_line
says "$T/err" "rec, kl or active, then <= or >=, then a number"

# Neighbours: more is better, here and for Optuna.
short="--no-tui --quiet --trials 3 --slots 1 --set data.count=1500 --set train.epochs=3 --set train.batch=64"
run_it 0 run quickstart --name near $short --set study.objective=knn
[ "$(table near 'SELECT direction FROM study_directions')" = "[('MAXIMIZE',)]" ] || fail "knn is not maximised"
show near | jq -e '[.trials[].values[0]] | all(. > 0.1 and . <= 1) and . == (sort | reverse)' >/dev/null ||
    fail "accuracies: $(show near | jq -c '[.trials[].values]')"
[ "$(table near 'SELECT min(value) > 0.1 FROM trial_values')" = "[(1,)]" ] || fail "Optuna sees no accuracy"
[ "$(table near 'SELECT min(intermediate_value) > 0 FROM trial_intermediate_values')" = "[(1,)]" ] || fail "nor between"
run_it 0 fsck near

# Steps that optimizer.skip leaves out are counted where one looks at a trial: 1,200 rows by 64 are 19 an epoch.
run_it 0 run quickstart --name skips $short --trials 1 --set optimizer.skip=1e-6
run_it 0 show skips --trial 0
says "$T/out" "skipped: 57 of 57 steps"
"$vaetop" show skips --trial 0 --json | jq -e '.skipped_steps == 57 and .steps == 57' >/dev/null || fail "no count of skipped steps"
"$vaetop" show near --trial 0 --json | jq -e '.skipped_steps == 0' >/dev/null || fail "a trial without skipped steps"

# The likelihood by importance weights is never above the sampled -ELBO by more than noise, and is what eval says.
run_it 0 run quickstart --name nll $short --set study.objective=nll --set data.validation='last 300'
show nll | jq -e '.trials | all(.values[0] < .best.val_rec_nats + .best.val_kl_nats)' >/dev/null ||
    fail "NLL is not below -ELBO: $(show nll | jq -c '[.trials[] | [.values, .best]]')"
run_it 0 eval nll --samples 16 --json
best=$(show nll | jq .best_values[0])
jq -e --argjson b "$best" '(.nll_nats - $b | fabs) < 1e-3' "$T/out" >/dev/null || fail "eval says $(jq .nll_nats "$T/out"), training said $best"

# Said once, on stderr, and nothing is refused.
run_it 0 run quickstart --dry-run --set loss.beta="0.5 .. 4 log"
says "$T/err" "loss.beta is searched, but study.objective: elbo scores at beta 1, so expect a beta of about 1 to win"
run_it 0 run kl-tradeoff --dry-run --name other
[ ! -s "$T/err" ] || fail "a warning without need: $(cat "$T/err")"
echo "fronts, requirements, accuracies and likelihoods stand where they belong"
