#!/bin/sh
# Optuna and a running study on one file: what Optuna enqueues is taken at once, what it finishes informs the sampler, and
# numbers never clash.
. "$(dirname "$0")/lib.sh"
python=/usr/bin/python3
"$python" -c 'import optuna' || fail "python3-optuna is missing"
live() { "$python" "$(dirname "$0")/optuna_live.py" "$XDG_DATA_HOME/vaetop/live" "$@"; }

cat >"$T/live.yaml" <<'YAML'
study:
  sampler: tpe
  startup: 4
  slots: 2
data:
  source: builtin:digits
  count: 600
model:
  width: 32
  latent: 2 .. 32 log
  activation: relu | tanh
optimizer:
  lr: 1e-4 .. 1e-2 log
train:
  epochs: 2
YAML
run_it 0 run "$T/live.yaml" --trials 2000 --detach
done_of_ours() { [ "$(json live | jq '[.trials[] | select(.phase == "done" and .attempts > 0)] | length')" -ge "$1" ]; }
until_true 180 done_of_ours 6

# Enqueued while it runs: taken before the sampler's own, with exactly these values; what was left open is filled in.
waiting=$(live enqueue)
set -- $waiting
[ $# = 3 ] || fail "Optuna enqueued $waiting"
ended() { json live | jq -e ".trials[] | select(.number == $1 and .phase == \"done\")" >/dev/null; }
until_true 180 ended "$1"
until_true 180 ended "$2"
json live | jq -e ".trials[] | select(.number == $1) | .attempts == 1 and
    .params == {\"model.latent\": 7, \"model.activation\": \"tanh\", \"optimizer.lr\": 0.00125}" >/dev/null ||
    fail "trial $1 was not run as enqueued: $(json live | jq -c ".trials[] | select(.number == $1)")"
json live | jq -e ".trials[] | select(.number == $2) | .params[\"model.latent\"] == 9 and (.params | length) == 3" >/dev/null ||
    fail "trial $2 was not filled in"
[ "$(json live | jq -r ".trials[] | select(.number == $3) | .phase")" = waiting ] || fail "trial $3 is outside the space"
grep -aq "left to it: model.latent: 99 is outside the space" "$XDG_DATA_HOME/vaetop/live/log" || fail "no word about it"

# Optuna works beside it: its trials get numbers of their own and count.
at=$(json live | jq '.trials | length')
live work
until_true 180 done_of_ours $((at / 2))
later() { [ "$("$vaetop" show live --study --json | jq '.trials_ended')" -gt $((at + 6)) ]; }
until_true 180 later
run_it 0 stop live
stopped() { [ "$(json live | jq -r '"\(.phase) \(.engine_running)"')" = "stopped false" ]; }
until_true 20 stopped
json live >"$T/shown"
live check "$T/shown"
"$VAETOP_BUILD/tests/replay" "$XDG_DATA_HOME/vaetop/live" >"$T/replayed" 2>&1 || fail "not the same again: $(cat "$T/replayed")"
cat "$T/replayed"
[ "$(jq '[.trials[] | select(.phase == "done" and .attempts == 0)] | length' "$T/shown")" -ge 6 ] || fail "Optuna's trials"
! grep -a "starting anew" "$XDG_DATA_HOME/vaetop/live/log" || fail "the engine had to start anew"
