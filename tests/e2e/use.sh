#!/bin/sh
# A trained model in use: figures as in the study, images as PNG and NPY, latent means, and what is refused.
. "$(dirname "$0")/lib.sh"

run_it 0 run quickstart --no-tui --name use --trials 1 --set data.count=1700 --set data.test='last 200' \
    --set train.epochs=8 --set model.latent=6 \
    --set model.width=64 --set optimizer.lr=4e-3

# eval: the stored row of the best epoch; a likelihood below the -ELBO, falling as samples grow.
run_it 0 eval use --json
cp "$T/out" "$T/64"
run_it 0 eval use --json --samples 4
cp "$T/out" "$T/4"
"$vaetop" show use --json >"$T/show"
agree() { # agree KEY STORED_KEY
    jq -e --slurpfile show "$T/show" "(.$1 - \$show[0].trials[0].$2 | fabs) < 1e-4 * .$1" "$T/64" >/dev/null ||
        fail "$1 is $(jq ".$1" "$T/64"), the study has $(jq ".trials[0].$2" "$T/show")"
}
agree neg_elbo_nats value_nats
agree rec_nats best.val_rec_nats
agree kl_nats best.val_kl_nats
jq -e --slurpfile few "$T/4" '.nll_nats < $few[0].nll_nats and $few[0].nll_nats < .neg_elbo_nats and .images == 300 and
    .effective_samples > 1 and .effective_samples < 64 and (.latent_kl_nats | length) == 6 and
    .knn_accuracy > 0.5 and .knn_accuracy < 1' "$T/64" >/dev/null || fail "eval: $(cat "$T/64" "$T/4")"
run_it 0 eval use --test --json
jq -e --slurpfile val "$T/64" '.images == 200 and .part == "test" and .neg_elbo_nats != $val[0].neg_elbo_nats and
    .knn_accuracy > 0.5' "$T/out" >/dev/null || fail "eval --test: $(cat "$T/out")"
run_it 0 eval use --samples 0
says "$T/out" "-ELBO"
says "$T/out" "5 neighbours"

# Pictures: a PNG of the right size, an array whose mean is a digit's: dark with some ink.
png_size() { od -A n -t u1 -j 16 -N 8 "$1" | awk '{ print $3 * 256 + $4 "x" $7 * 256 + $8 }'; }
shape_of() { head -c 128 "$1" | tr -d '\0' | LC_ALL=C sed -n "s/.*'shape': (\(.*\)), }.*/\1/p"; }
picture() { # picture SIZE WORDS...
    size=$1
    shift
    run_it 0 "$@" -o "$T/x.png"
    says "$T/out" "written to $T/x.png"
    [ "$(head -c 4 "$T/x.png" | tail -c 3)" = PNG ] || fail "$*: no PNG"
    [ "$(png_size "$T/x.png")" = "$size" ] || fail "$*: a picture of $(png_size "$T/x.png"), expected $size"
    rm "$T/x.png"
}
picture 466x466 sample use
picture 176x176 sample use --count 9 --from gmm
picture 930x240 reconstruct use
picture 292x466 interpolate use --steps 5
run_it 0 sample use --seed 3 --count 50 -o "$T/a.npy"
run_it 0 sample use --seed 3 --count 50 -o "$T/b.npy" --quiet
[ ! -s "$T/out" ] || fail "sample --quiet says $(cat "$T/out")"
cmp "$T/a.npy" "$T/b.npy" || fail "two samples of one seed differ"
[ "$(shape_of "$T/a.npy")" = "50, 28, 28" ] || fail "samples have shape $(shape_of "$T/a.npy")"
mean=$(tail -c +129 "$T/a.npy" | od -A n -v -t f4 | awk '{ for (i = 1; i <= NF; i++) { s += $i; n++; d += $i < 0.1 } } END { print s / n, d / n, n }')
echo "mean grey and share of dark pixels of samples: $mean"
echo "$mean" | awk '{ exit !($1 > 0.05 && $1 < 0.3 && $2 > 0.3 && $2 < 0.95 && $3 == 39200) }' || fail "no digits: $mean"
run_it 0 reconstruct use --count 3 -o "$T/a.npy"
[ "$(shape_of "$T/a.npy")" = "3, 2, 28, 28" ] || fail "pairs have shape $(shape_of "$T/a.npy")"

# Latent means of every row, labels beside them, and both as NumPy reads them.
run_it 0 encode use -o "$T/mu.npy" --labels "$T/label.npy"
says "$T/out" "1700 latent means"
/usr/bin/python3 - "$T/mu.npy" "$T/label.npy" "$T/a.npy" <<'PYTHON'
import sys
import numpy
mu, label, pairs = (numpy.load(path) for path in sys.argv[1:])
assert mu.shape == (1700, 6) and mu.dtype == numpy.float32 and 0.1 < mu.std() < 3, (mu.shape, mu.dtype, mu.std())
assert label.shape == (1700,) and label.dtype == numpy.uint8 and set(label) == set(range(10))
assert pairs.min() >= 0 and pairs.max() <= 1
error = numpy.abs(pairs[:, 0] - pairs[:, 1]).mean()
assert error < 0.15, error
PYTHON

# The exported weights make the same model again, by the words of the README.
run_it 0 export use -o "$T/model.safetensors"
run_it 0 reconstruct use --count 50 -o "$T/pairs.npy"
/usr/bin/python3 "$VAETOP_SOURCE/tests/e2e/readme_model.py" "$VAETOP_SOURCE/README.md" "$T/model.safetensors" "$T/pairs.npy"

# What is refused, in one line.
run_it 2 sample use
one_line
run_it 2 sample use -o "$T/x.jpg"
says "$T/err" "FILE.png or FILE.npy"
run_it 2 encode use -o "$T/x.png"
run_it 2 sample use --from dreams -o "$T/x.png"
run_it 2 sample use --count 0 -o "$T/x.png"
run_it 1 eval use --source "$T/nothing"
one_line
run_it 1 sample use -o "$T/no/folder.png"
one_line
run_it 1 eval nothing
run_it 3 eval use --device nonsense
rm "$XDG_DATA_HOME"/vaetop/use/checkpoints/*
run_it 1 sample use -o "$T/x.png"
says "$T/err" "has no weights"
one_line
[ ! -e "$T/x.png" ] || fail "a refused command left a file"
