#!/bin/sh
# Models of other kinds in use: layer norm and dropout, moving mean weights, a Gaussian likelihood on standardised columns
# whose training file is gone.
. "$(dirname "$0")/lib.sh"

# agree STUDY: eval's figures are the stored row's of the trial's value.
agree() {
    run_it 0 eval "$1" --json --samples 2
    "$vaetop" show "$1" --json >"$T/show"
    jq -e --slurpfile show "$T/show" '((.neg_elbo_nats - $show[0].trials[0].value_nats) | fabs) < 1e-4 * (.rec_nats | fabs)' \
        "$T/out" >/dev/null || fail "$1: $(cat "$T/out"), the study has $(jq '.trials[0].value_nats' "$T/show")"
}

# rebuilt STUDY SIZE: the README's lines make the exported model again.
rebuilt() {
    run_it 0 export "$1" -o "$T/$1.safetensors"
    run_it 0 reconstruct "$1" --count 40 -o "$T/$1.npy"
    /usr/bin/python3 "$VAETOP_SOURCE/tests/e2e/readme_model.py" "$VAETOP_SOURCE/README.md" "$T/$1.safetensors" "$T/$1.npy"
}

small="--no-tui --trials 1 --set data.count=900 --set train.epochs=4 --set model.latent=5 --set model.width=48"
# shellcheck disable=SC2086 # options are words
{
    run_it 0 run quickstart --name norm $small --set model.norm=layer --set model.dropout=0.1 --set model.activation=silu \
        --set model.depth=2
    run_it 0 run quickstart --name ema $small --set optimizer.ema=0.95 --set optimizer.clip=50 --set study.value=last
    run_it 0 run quickstart --name gauss $small --set loss.likelihood=gauss_learned --set optimizer.ema=0.9
}
for study in norm ema gauss; do
    agree $study
    rebuilt $study
    run_it 0 sample $study --count 4 -o "$T/$study.png"
    run_it 0 encode $study -o "$T/mu.npy"
    run_it 0 interpolate $study --steps 3 -o "$T/$study.png"
done
if grep -aq '"ema\.' "$T/ema.safetensors"; then
    fail "an export holds the moving means beside the weights"
fi

# Columns of a table by the training rows' mean and deviation; the table itself is needed no more.
awk 'BEGIN { srand(4); for (i = 0; i < 400; i++) { a = rand(); printf "%.4f,%.4f,%.4f\n", 100 + 5 * a, a - rand() / 9, 1e3 * rand() } }' \
    >"$T/table.csv"
head -n 60 "$T/table.csv" >"$T/head.csv"
run_it 0 run quickstart --name columns --no-tui --trials 1 --set data.source="$T/table.csv" --set data.count=0 \
    --set data.scale=standard --set loss.likelihood=gauss_learned --set train.epochs=4 --set model.latent=2 --set model.width=8
agree columns
run_it 0 eval columns --source "$T/head.csv" --json
cp "$T/out" "$T/before"
rm "$T/table.csv"
run_it 0 eval columns --source "$T/head.csv" --json
cmp "$T/before" "$T/out" || fail "without its table: $(cat "$T/out")"
run_it 0 export columns -o "$T/columns.safetensors"
grep -aq '"data.factor"' "$T/columns.safetensors" || fail "the export lacks the columns' scale"
