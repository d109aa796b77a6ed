#!/bin/sh
# A study of many trials goes on: a new advisor hears of all of them, more than its socket holds, and then answers.
. "$(dirname "$0")/lib.sh"

cat >"$T/null.yaml" <<'END'
# Trials that end at once.
study:
  sampler: random
  trials: 5000
  slots: 2
data:
  count: 400
model:
  latent: 2 .. 32
  width: 16
optimizer:
  lr: 1e-5 .. 1e-1 log
train:
  epochs: 0
END
mkdir -p "$XDG_DATA_HOME/vaetop"
"$VAETOP_BUILD/tests/bench_screen" make "$XDG_DATA_HOME/vaetop/large" 5000 1 "$T/null.yaml"
timeout 120 "$vaetop" run "$T/null.yaml" --name large --trials 5010 --no-tui --quiet >"$T/out" ||
    fail "the study did not go on: $(tail -n 3 "$XDG_DATA_HOME/vaetop/large/log")"
ended=$("$vaetop" show large --json | jq '[.trials[] | select(.number >= 5000 and .phase == "done")] | length')
[ "$ended" = 10 ] || fail "$ended of the 10 further trials ended"
