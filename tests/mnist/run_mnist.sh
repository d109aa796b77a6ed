#!/bin/sh
# The mnist preset on real images: 12 random trials in 4 slots end with a leaderboard.
. "$VAETOP_SOURCE/tests/e2e/lib.sh"
[ -r "$VAETOP_MNIST/t10k-images-idx3-ubyte.gz" ] || fail "$VAETOP_MNIST/t10k-images-idx3-ubyte.gz is missing"

run_it 0 run mnist --no-tui --set "data.source=$VAETOP_MNIST/t10k-images-idx3-ubyte.gz"
says "$T/out" "trials 12/12"
tail -n 13 "$T/out"
"$vaetop" show mnist --json >"$T/json"
[ "$(jq '.trials | length' "$T/json")" = 12 ] || fail "12 trials were expected"
[ "$(jq '[.trials[] | select(.phase == "done")] | length' "$T/json")" -ge 10 ] || fail "most trials should be done"
[ "$(jq '[.trials[].params["optimizer.kind"]] | unique | length' "$T/json")" -ge 2 ] || fail "the optimiser was not searched"
# A best trial above 150 nats would be no better than two latent dimensions.
[ "$(jq '.best_value_nats < 135 and .best_value_nats > 90' "$T/json")" = true ] || fail "best: $(jq .best_value_nats "$T/json")"
