#!/bin/sh
# A study that lives: trials by hand and clones with and without an engine, a space that narrows, extends and gains a
# choice, more trials, another day, another study to start from; and Optuna (Debian's) opens what comes of it.
. "$(dirname "$0")/lib.sh"
export PYTHONDONTWRITEBYTECODE=1

cat >"$T/small.yaml" <<'END'
# A small space with a condition.
study:
  sampler: tpe
  startup: 2
  trials: 4
  slots: 2
data:
  count: 300
model:
  width: 16
  latent: 2 .. 8
optimizer:
  kind: adam | sgd
  lr:
    - 1e-4 .. 1e-2 log if kind = adam
    - 1e-5 .. 1e-3 log if kind = sgd
train:
  epochs: 1
END
rests() { [ "$("$vaetop" show small --json | jq .engine_running)" = false ]; }
run_small() { # the engine ends a moment after its last client
    run_it 0 run "$T/small.yaml" --no-tui --quiet "$@"
    until_true 30 rests
}
trial() { # NUMBER JQ: of the study "small"
    "$vaetop" show small --json | jq -r ".trials[] | select(.number == $1) | $2"
}

run_small
[ "$(trial 3 .phase)" = done ] || fail "trial 3 is not done"

# Without an engine: a trial by hand, a clone, a refused value. Then they run, and more trials than the study had.
run_it 0 enqueue small --set model.latent=5 --set optimizer.kind=sgd
says "$T/out" 'trial 4 waits (drawn at random: lr); vaetop resume small goes on'
run_it 0 clone small --trial 4 --set latent=7
says "$T/out" 'trial 5 waits;'
[ "$(trial 5 .phase)" = waiting ] || fail "trial 5 does not wait"
run_it 2 enqueue small --set model.latent=9
one_line
says "$T/err" '2 .. 8'
run_it 2 enqueue small --set model.width=32
says "$T/err" 'not searched'
/usr/bin/python3 "$VAETOP_SOURCE/tests/e2e/living.py" "$XDG_DATA_HOME/vaetop/small" 4:WAITING 5:WAITING
run_small
[ "$(trial 4 .phase) $(trial 5 .phase)" = 'done done' ] || fail "what was enqueued did not run"
[ "$(trial 5 '.params["model.latent"]')" = 7 ] || fail "the clone's change is lost: $(trial 5 .params)"
[ "$(trial 4 '.params["optimizer.lr"]')" = "$(trial 5 '.params["optimizer.lr"]')" ] || fail "the clone is none"

# The space: extended, with a new choice, and narrowed; the same preset goes on with the study.
run_it 0 space small --set 'model.latent=2 .. 16' --set 'optimizer.kind=adam | sgd | rmsprop'
says "$T/out" 'stored distributions rewritten: 6'
run_it 0 space small --set 'model.latent=12 .. 16' --set 'optimizer.kind=rmsprop | sgd'
run_it 2 space small --set 'model.latent=12 .. 16 log'
one_line
run_it 0 space small
says "$T/out" '12 .. 16'
run_it 0 set small --trials 10
run_small
for n in 6 7 8 9; do
    [ "$(trial $n '.params["model.latent"] >= 12 and .params["optimizer.kind"] != "adam"')" = true ] ||
        fail "trial $n lies outside the space: $(trial $n .params)"
done
[ "$(trial 4 '.params["model.latent"]')" = 5 ] || fail "an old trial changed"
/usr/bin/python3 "$VAETOP_SOURCE/tests/e2e/living.py" "$XDG_DATA_HOME/vaetop/small" 0:COMPLETE 9:COMPLETE
run_it 0 fsck small

# With an engine.
run_it 0 run "$T/small.yaml" --name live --detach --quiet --trials 3 --set train.epochs=100000
running() { "$vaetop" show live --json | jq -e '[.trials[] | select(.phase == "running")] | length == 2' >"$T/jq"; }
until_true 60 running
run_it 0 enqueue live --set model.latent=3
says "$T/out" 'waits for a slot'
run_it 0 space live --set 'model.latent=4 .. 8'
run_it 0 devices live
says "$T/out" ' on '
run_it 0 run "$T/small.yaml" --name live --detach --set train.epochs=100000 --trials 3 --device cpu
says "$T/err" 'trials run on device'
run_it 0 stop live
ended() { [ "$("$vaetop" show live --json | jq -r '"\(.phase) \(.engine_running)"')" = 'stopped false' ]; }
until_true 60 ended
run_it 0 resume live
until_true 60 running
run_it 0 stop live

# Another study to start from, and one that has nothing to say.
run_it 0 run "$T/small.yaml" --name heir --no-tui --warm-start small --trials 1
says "$T/err" 'the sampler starts from trials of small that lie in this space: '
first=$(db "$XDG_DATA_HOME/vaetop/heir/study.db" 'SELECT text FROM vaetop_suggestion WHERE number = 0')
case $first in
*'(0 finished'* | '') fail "the sampler began without them: $first" ;;
esac
[ "$("$vaetop" show heir --json | jq '.trials | length')" = 1 ] || fail "the other study's trials are among its own"
# A knob that was fixed: a new study searches it, and the old trials are trials of that one too.
run_it 2 space small --set 'model.width=16 .. 32'
one_line
says "$T/err" 'it is 16 in every trial of this study; a new study that searches it starts from these trials: vaetop run PRESET'
run_it 0 run "$T/small.yaml" --name wider --no-tui --trials 1 --set 'model.width=16 .. 32' --set 'model.latent=2 .. 16' \
    --set 'optimizer.kind=adam | sgd | rmsprop' --set 'optimizer.lr=1e-5 .. 1e-2 log' --warm-start small
says "$T/err" 'the sampler starts from trials of small that lie in this space: 10 of 10'
run_it 2 run "$T/small.yaml" --name stranger --no-tui --warm-start small --set data.count=200
one_line
says "$T/err" 'data.count is 300 there and 200 here'
[ ! -e "$XDG_DATA_HOME/vaetop/stranger" ] || fail "a refused start left a study"
run_it 2 run "$T/small.yaml" --no-tui --warm-start live
