#!/bin/sh
# Two objectives, rec and kl, with each sampler that learns and each pruner that stops, on the real engine and worker: who
# is pruned stands behind, the front is what its definition says, the model was used; with a requirement the same; and
# another study starts from these trials, both their values known.
. "$(dirname "$0")/lib.sh"

cat >"$T/two.yaml" <<'END'
# What beta and the learning rate do, searched.
study:
  objective: rec,kl
  value: last
  startup: 5
  trials: 14
  slots: 1
  pruner_startup: 3
  pruner_min_epochs: 2
data:
  count: 600
model:
  width: 32
  latent: 4
loss:
  beta: 0.1 .. 10 log
optimizer:
  kind: adam
  lr: 1e-4 .. 1e-2 log
train:
  epochs: 8
  batch: 64
END
show() { "$vaetop" show "$1" --json; }
check() { # NAME SAMPLER WHAT: jq over the study's trials must hold
    show "$1" | jq -e "$3" >/dev/null || fail "$1 ($2): $3: $(show "$1" | jq -c '[.trials[] | [.number, .phase, .epoch, .values, .reason]]')"
}
study() { # NAME SAMPLER PRUNER WORDS...
    name=$1 sampler=$2 pruner=$3
    shift 3
    run_it 0 run "$T/two.yaml" --name "$name" --no-tui --quiet --set study.sampler="$sampler" --set study.pruner="$pruner" "$@"
    check "$name" "$sampler" '[.trials[] | select(.phase == "done" or .phase == "pruned")] | length == 14'
    check "$name" "$sampler" '.trials | all(.values == [.last.val_rec_nats, .last.val_kl_nats])'
    by=$(sqlite3 -cmd ".timeout 20000" "$XDG_DATA_HOME/vaetop/$name/study.db" "SELECT count(*) FROM vaetop_suggestion WHERE sampler = '$sampler'")
    [ "$by" -ge 8 ] || fail "$name: $by suggestions by $sampler"
    pruned=$(show "$name" | jq '[.trials[] | select(.phase == "pruned")] | length')
    echo "$name: $pruned of 14 pruned"
}
impatient=0
for sampler in tpe gp; do
    study "$sampler-percentile" $sampler percentile --set study.pruner_percentile=50
    [ "$pruned" -ge 2 ] || fail "hardly anything was pruned"
    check "$sampler-percentile" $sampler '[.trials[] | select(.phase == "pruned") | .reason |
        test("^epoch [2-7]: [0-9]+[snrt][tdh] of [0-9]+, the best [0-9]+ go(es)? on$")] | all'
    check "$sampler-percentile" $sampler '[.trials[] | select(.number < 3) | .phase == "done"] | all'
    study "$sampler-patience" $sampler patience --set study.pruner_patience=1 --set optimizer.lr='1e-3 .. 1e-1 log'
    impatient=$((impatient + pruned))
    check "$sampler-patience" $sampler '[.trials[] | select(.phase == "pruned") | .reason |
        test("^epoch [2-7]: none better than [0-9.]+ for 1 epochs$")] | all'
done
[ $impatient -ge 1 ] || fail "nobody ran out of patience"

# The front of the trials that trained to their end, straight from its definition; what was pruned is in no best.
show gp-percentile | jq -c '[.trials[] | select(.phase == "done") | {n: .number, v: .values}] as $t | [$t[] | . as $a |
    select([$t[] | select(.v[0] <= $a.v[0] and .v[1] <= $a.v[1] and .v != $a.v)] | length == 0) | .n] | sort' >"$T/front"
"$vaetop" show gp-percentile --study --json | jq -c '.front | sort' >"$T/shown"
cmp -s "$T/front" "$T/shown" || fail "the front is $(cat "$T/front"), shown is $(cat "$T/shown")"

# A requirement: what breaks it is pruned for it, and says so; nothing that keeps it is pruned by what breaks it.
study required gp percentile --set 'study.require=kl <= 8'
check required gp '[.trials[] | select(.phase == "pruned" and .require_broken_by > 0) | .reason | endswith("; it breaks study.require")] | all'
check required gp '[.trials[].require_broken_by > 0] | any and (all | not) and . == sort'

# Another study starts from these: the model knows both values of each, so it is used from the first trial on.
run_it 0 run "$T/two.yaml" --name heir --no-tui --set study.sampler=gp --set study.pruner=none --trials 2 --warm-start gp-percentile
says "$T/err" 'the sampler starts from trials of gp-percentile that lie in this space: 14 of 14'
[ "$(sqlite3 -cmd ".timeout 20000" "$XDG_DATA_HOME/vaetop/heir/study.db" 'SELECT group_concat(sampler) FROM vaetop_suggestion')" = gp,gp ] ||
    fail "the model does not know both values of the other study's trials"
