#!/bin/sh
# The preset of the first minute: progress lines, a leaderboard, and a best trial whose latent space tells digits apart.
. "$(dirname "$0")/lib.sh"

run_it 0 run quickstart --no-tui
"$vaetop" show quickstart --json >"$T/json"
trials=$(jq .trials_total "$T/json")
epochs=$(jq '.fixed["train.epochs"]' "$T/json")
[ "$trials" -ge 12 ] || fail "the preset is too small to be worth a look: $trials trials"
says "$T/out" "trials $trials/$trials"
[ "$(grep -c ' done  ' "$T/out")" = "$trials" ] || fail "$trials trials in the leaderboard were expected: $(cat "$T/out")"

# The leaderboard is sorted and agrees with the JSON.
best=$(jq -r .best_trial "$T/json")
[ "$(jq '[.trials[].value_nats] | . == sort' "$T/json")" = true ] || fail "the leaderboard is not sorted"
[ "$(jq -r '.trials[0].number' "$T/json")" = "$best" ] || fail "the best trial is not first"
[ "$(jq '[.trials[] | select(.last.epoch == '"$epochs"')] | length' "$T/json")" = "$trials" ] ||
    fail "not every trial has $epochs epochs"

# The better half of it is healthy: nothing is said to look wrong there.
for number in $(jq -r '.trials[:'$((trials / 2))'][].number' "$T/json"); do
    [ "$("$vaetop" show quickstart --trial "$number" --json | jq -c '[.notes[].kind]')" = '[]' ] ||
        fail "trial $number: $("$vaetop" show quickstart --trial "$number" --json | jq -c .notes)"
done

# 5 nearest neighbours in the best trial's latent means label at least 90 % of the held-out digits.
share=$("$VAETOP_BUILD/tests/latent_knn" "$XDG_DATA_HOME/vaetop/quickstart/checkpoints/$best.safetensors")
echo "5 nearest neighbours in the latent means of trial $best label $share of the held-out digits"
awk "BEGIN { exit !($share >= 0.90) }" || fail "$share of the held-out digits; at least 0.90 was expected"

# Running it again shows what it came to; more trials extend it, and the first ones stay as they are.
run_it 0 run quickstart --no-tui
says "$T/out" "finished"
run_it 0 run quickstart --no-tui --trials $((trials + 1))
"$vaetop" show quickstart --json >"$T/more"
[ "$(jq '.trials | length' "$T/more")" = $((trials + 1)) ] || fail "one more trial was expected"
[ "$(jq -S '[.trials[] | select(.number < '"$trials"')]' "$T/more")" = "$(jq -S .trials "$T/json")" ] ||
    fail "extending the study changed its finished trials"
