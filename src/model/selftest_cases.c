#include "vaetop/model/selftest.h"

#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"

/* Between them: three activations, three optimisers, widths and batches that are no multiple of anything, one and
 * several layers and tiles, both kinds of data, momentum, layer norm and dropout. The figures come from tests/ref in double precision; when a
 * case changes, tests/model prints the new ones. */
const struct selftest_case selftest_cases[] = {
    {"relu, adam",
     "model.encoder=13,9\nmodel.decoder=10\nmodel.latent=3\nmodel.activation=relu\noptimizer.kind=adam\n"
     "optimizer.lr=0.01\nloss.beta=1\ntrain.batch=33\n",
     21, true,
     {{{481.426275388, 248.903922105, 478.783163963}, {3.95399979558, 1.50821321024, 2.22249520795},
       289.576108826, 1.00368966447, 1.60568403872},
      {{485.338930935, 248.910504503, 481.02660639}, {3.57320335769, 1.33790478029, 1.88800594239},
       288.296676005, 0.845492190466, -1.75540689255}}},
    {"tanh, rmsprop",
     "model.encoder=33\nmodel.decoder=17\nmodel.latent=2\nmodel.activation=tanh\noptimizer.kind=rmsprop\n"
     "optimizer.lr=0.003\nloss.beta=0.5\ntrain.batch=31\n",
     10, false,
     {{{219.111715799, 131.150772012, 206.396009706}, {2.06727042548, 1.86768164798, 2.89225751101},
       135.926802304, 2.92922999649, 3.46239665182},
      {{218.38847554, 129.279916128, 210.573138169}, {1.25249928964, 1.53358711782, 2.50481809653},
       131.224496146, 2.03342244646, 2.66558416318}}},
    {"wide, sgd",
     "model.encoder=70,40\nmodel.decoder=33,65\nmodel.latent=17\nmodel.activation=relu\noptimizer.kind=sgd\n"
     "optimizer.momentum=0.9\noptimizer.lr=0.05\nloss.beta=2\ntrain.batch=64\n",
     130, true,
     {{{4538.80858763, 4515.23558063, 4495.32274229}, {7.14683604348, 5.06207099386, 2.91179306427},
       1788.00448264, 0.628267678337, 4.64106639526},
      {{4516.67547817, 4504.83761793, 4481.29917647}, {7.51142943922, 5.3770843271, 2.93612406651},
       1782.45888716, 0.593194669199, 14.9373936075}}},
    {"layer norm, dropout, silu",
     "model.encoder=37,20\nmodel.decoder=19\nmodel.latent=5\nmodel.activation=silu\nmodel.norm=layer\n"
     "model.dropout=0.25\noptimizer.kind=sgd\noptimizer.lr=0.01\nloss.beta=1\ntrain.batch=30\n",
     45, true,
     {{{972.292270671, 638.305456142, 963.790523231}, {13.3698475268, 8.37071626113, 10.4171263401},
       641.55523592, 4.33163621539, 0.719466795026},
      {{966.527780997, 636.550161517, 970.163570971}, {19.6881710922, 9.25700081486, 12.3770501971},
       635.725507302, 5.53523136926, -5.22353313525}}},
};
const size_t selftest_case_count = sizeof selftest_cases / sizeof *selftest_cases;

void *selftest_rows(const struct selftest_case *c)
{
    size_t n = (size_t)SELFTEST_ROWS * (size_t)c->data;
    uint8_t *bytes = xcalloc(n, 1);
    struct rng r = rng_start(rng_key(SELFTEST_SEED, -1), RNG_SPLIT, 0);
    for (size_t i = 0; i < n; i++) { /* dark, with light stripes in one of three places: something to learn */
        size_t row = i / (size_t)c->data, column = i % (size_t)c->data;
        bytes[i] = (uint8_t)((column + row) % 3 == 0 ? 255 - rng_below(&r, 64) : rng_below(&r, 64));
    }
    if (c->is_u8) {
        return bytes;
    }
    float *values = xcalloc(n, sizeof *values);
    for (size_t i = 0; i < n; i++) {
        values[i] = (float)bytes[i] / 256.0f; /* exact */
    }
    free(bytes);
    return values;
}
