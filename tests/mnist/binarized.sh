#!/bin/sh
# The net of Burda et al. 2016 with one sample, 784-200-200-50 tanh on dynamically binarised digits, for a few epochs: its
# importance-weighted likelihood lies below its negative ELBO and falls as samples grow.
. "$VAETOP_SOURCE/tests/e2e/lib.sh"
[ -r "$VAETOP_MNIST/t10k-images-idx3-ubyte.gz" ] || fail "$VAETOP_MNIST/t10k-images-idx3-ubyte.gz is missing"

run_it 0 run quickstart --no-tui --name burda --trials 1 --set "data.source=$VAETOP_MNIST/t10k-images-idx3-ubyte.gz" \
    --set data.count=0 --set 'data.validation=last 1000' --set data.binarize=dynamic --set model.encoder=200,200 \
    --set model.latent=50 --set model.activation=tanh --set model.bias=data --set optimizer.lr=1e-3 --set train.batch=100 \
    --set train.epochs=15
for samples in 1 5 50; do
    run_it 0 eval burda --json --samples $samples
    cp "$T/out" "$T/$samples"
    echo "K = $samples: $(jq -c '{neg_elbo_nats, rec_nats, kl_nats, nll_nats, effective_samples}' "$T/out")"
done
jq -es '.[0].nll_nats > .[1].nll_nats and .[1].nll_nats > .[2].nll_nats and .[1].nll_nats < .[1].neg_elbo_nats and
    .[2].neg_elbo_nats - .[2].nll_nats > 2 and .[2].neg_elbo_nats - .[2].nll_nats < 12 and
    .[2].effective_samples > 1 and .[2].neg_elbo_nats < 150' "$T/1" "$T/5" "$T/50" >/dev/null ||
    fail "the likelihood does not fall as samples grow, or not below the negative ELBO"
