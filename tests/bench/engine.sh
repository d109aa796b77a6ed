#!/bin/sh
# What the engine and checkpoints cost on this machine; run by hand, nothing is asserted: engine.sh BUILD
set -eu
build=${1:?usage: engine.sh BUILD}
T=$(mktemp -d)
export XDG_DATA_HOME="$T/data" XDG_CONFIG_HOME="$T/config" VAETOP_RUN_DIR="$T/run" VAETOP_IDLE_S=1
D=$XDG_DATA_HOME/vaetop
trap 'rm -rf "$T"' EXIT
printf 'study:\n  sampler: random\n  slots: 2\n  trials: 1000\nmodel:\n  latent: 2 .. 32\n  width: 16\n' >"$T/null.yaml"
printf 'optimizer:\n  lr: 1e-5 .. 1e-1 log\ntrain:\n  epochs: 0\ndata:\n  count: 400\n' >>"$T/null.yaml"
stamp() { # FILE TEXT: when the last such line was written, in seconds
    date -d "$(grep -F "$2" "$1" | tail -n 1 | cut -d' ' -f1)" +%s.%N
}
# null NAME TRIALS: runs a study up to so many and says how fast those it had to add went.
null() {
    before=$("$build/vaetop" show "$1" --json 2>/dev/null | jq '.trials | length') || before=0
    "$build/vaetop" run "$T/null.yaml" --name "$1" --trials "$2" --no-tui --quiet >/dev/null
    from=$(stamp "$D/$1/log" "ready on")
    to=$(stamp "$D/$1/log" "INFO finished")
    echo "$(($2 - ${before:-0})) $from $to" | awk -v name="$1" '{ printf "%s: %d null trials, %.0f a second\n", name, $1, $1 / ($3 - $2) }'
}
echo "null trials, assigned, answered, stored (wanted: 200 a second; as fast at 100,000 as at 1,000)"
null fresh 2000
for n in 1000 100000; do
    "$build/tests/bench_screen" make "$D/n$n" "$n" 50 "$T/null.yaml"
    null "n$n" $((n + 1000))
done
echo "100,000 trials of 50 epochs, $(du -sh "$D/n100000" | cut -f1) (wanted: the first frame within 2 s)"
"$build/tests/bench_screen" 160x48 5 "$build/vaetop" attach n100000

# Checkpoints: their time in the workers, against the training's.
echo "checkpoints of the quickstart study (wanted: at most 2 % of the training)"
VAETOP_LOG=debug "$build/vaetop" run quickstart --name ckpt --no-tui --quiet >/dev/null
awk '/DEBUG .*checkpoint: / { for (i = 1; i < NF; i++) if ($i == "checkpoint:") { ms += $(i + 1); n++ } }
     END { printf "%d checkpoints, %.1f ms in all\n", n, ms }' "$D/ckpt/log"
"$build/vaetop" show ckpt --json | jq '[.trials[].last.time_s] | add | "training and evaluation: \(. * 1000 | round) ms"'
