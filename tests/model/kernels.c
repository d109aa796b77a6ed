/* Each kernel of the plain plan by itself against the reference, at sizes that are no multiple of anything. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "shape.h"

/* Runs an operation for the only lane, on the first of the named steps. */
static void op(struct shape *s, enum pack_op what, int layer)
{
    struct err e;
    assert_ok(pack_op(s->pack, what, layer, 0, &e), &e);
}

/* The epoch's rows, and zeros in the places a partial batch leaves. */
static void check_gather(struct shape *s, const struct pack_step *step)
{
    size_t n = (size_t)s->v.batch * (size_t)s->v.data;
    double *want = doubles(n), *got = doubles(n);
    shape_batch(s, step, want);
    op(s, OP_GATHER, 0);
    shape_read(s, 0, ACT_IN, 0, s->v.batch, s->v.data, got);
    for (size_t i = 0; i < n; i++) {
        /* A byte may be divided by 255 or multiplied by its rounded reciprocal: two roundings. */
        assert_close(got[i], want[i], 0, s->v.floats ? 0 : (double)FLT_EPSILON);
    }
    free(want);
    free(got);
}

static void check_forward(struct shape *s, const struct pack_step *step)
{
    for (int i = 0; i < s->plan.n_layers; i++) {
        struct ref_layer l = ref_layer(&s->ref, i);
        size_t n_in = (size_t)step->rows * (size_t)l.in, n_out = (size_t)step->rows * (size_t)l.out;
        if (!l.hidden) {
            continue;
        }
        double *x = doubles(n_in), *want = doubles(n_out), *got = doubles(n_out);
        fill_random(x, n_in, -1, 1, 10);
        shape_write(s, i, ACT_IN, 0, step->rows, l.in, x);
        op(s, OP_FORWARD, i);
        shape_read(s, i, ACT_OUT, 0, step->rows, l.out, got);
        ref_dense(want, x, s->theta + l.w, s->theta + l.b, step->rows, l.in, l.out);
        ref_activate(want, n_out, s->ref.act);
        compare("hidden layer", got, want, n_out, l.in);
        free(x);
        free(want);
        free(got);
    }
}

/* Columns mu and logvar of the heads, side by side as in the reference. */
static void read_heads(struct shape *s, enum act what, int rows, double *out)
{
    int latent = s->v.latent;
    double *half = doubles((size_t)rows * (size_t)latent);
    for (int h = 0; h < 2; h++) {
        shape_read(s, s->plan.heads, what, h ? s->plan.latent_pad : 0, rows, latent, half);
        for (int r = 0; r < rows; r++) {
            for (int d = 0; d < latent; d++) {
                out[r * 2 * latent + h * latent + d] = half[r * latent + d];
            }
        }
    }
    free(half);
}

/* The hidden layer before `layer` as if it had just run on inputs `pre`; y becomes what it gives. */
static void write_hidden(struct shape *s, int layer, int rows, const double *pre, double *y)
{
    int width = ref_layer(&s->ref, layer).in;
    shape_write(s, layer - 1, ACT_PRE, 0, rows, width, pre);
    for (int i = 0; i < rows * width; i++) {
        y[i] = ref_act_value(pre[i], s->ref.act);
    }
    shape_write(s, layer, ACT_IN, 0, rows, width, y);
}

/* Feeds the heads with random input and runs them; returns what they gave, (rows, 2 latent). */
static double *run_heads(struct shape *s, int rows)
{
    struct ref_layer l = ref_layer(&s->ref, s->plan.heads);
    size_t n_in = (size_t)rows * (size_t)l.in, n_out = (size_t)rows * (size_t)l.out;
    double *x = doubles(n_in), *want = doubles(n_out), *got = doubles(n_out);
    fill_random(x, n_in, -1, 1, 11);
    write_hidden(s, s->plan.heads, rows, x, x);
    op(s, OP_LATENT, s->plan.heads);
    read_heads(s, ACT_OUT, rows, got);
    ref_dense(want, x, s->theta + l.w, s->theta + l.b, rows, l.in, l.out);
    compare("heads", got, want, n_out, l.in);
    free(x);
    free(want);
    return got;
}

static void check_latent(struct shape *s, const struct pack_step *step)
{
    int rows = step->rows, latent = s->v.latent;
    size_t n = (size_t)rows * (size_t)latent;
    double *heads = run_heads(s, rows), *eps = doubles(n), *want = doubles(n), *got = doubles(n);
    shape_noise(s, step, eps);
    shape_read(s, s->plan.heads + 1, ACT_IN, 0, rows, latent, got);
    for (int r = 0; r < rows; r++) {
        for (int d = 0; d < latent; d++) {
            const double *mu = heads + r * 2 * latent;
            want[r * latent + d] = ref_reparam(mu[d], mu[latent + d], eps[r * latent + d]);
        }
    }
    compare("z", got, want, n, 1);
    free(heads);
    free(eps);
    free(want);
    free(got);
}

/* Logits, their loss and its gradient; `gain` enlarges the weights. */
static void check_loss(struct shape *s, const struct pack_step *step, double gain)
{
    int last = s->plan.n_layers - 1, rows = step->rows;
    struct ref_layer l = ref_layer(&s->ref, last);
    size_t n_in = (size_t)rows * (size_t)l.in, n = (size_t)rows * (size_t)l.out;
    double *in = doubles(n_in), *x = doubles(n), *logit = doubles(n), *want = doubles(n), *got = doubles(n);
    for (size_t i = 0; i < ref_params(&s->ref); i++) {
        s->theta[i] *= gain;
    }
    shape_put(s, ARENA_WEIGHTS, s->theta);
    fill_random(in, n_in, -1, 1, 12);
    shape_batch(s, step, x);
    op(s, OP_GATHER, 0);
    shape_write(s, last, ACT_IN, 0, rows, l.in, in);
    op(s, OP_LOSS, last);
    shape_read(s, last, ACT_GRAD, 0, rows, l.out, got);
    ref_dense(logit, in, s->theta + l.w, s->theta + l.b, rows, l.in, l.out);
    for (size_t i = 0; i < n; i++) {
        want[i] = ref_bernoulli_grad(logit[i], x[i]) / rows;
    }
    if (gain == 1) {
        compare("gradient of the logits", got, want, n, l.in);
    } else {
        double rms = 0; /* of the logits: their error, passed on by a slope of at most 1/4, is all there is */
        for (size_t i = 0; i < n; i++) {
            rms += logit[i] * logit[i] / (double)n;
        }
        for (size_t i = 0; i < n; i++) {
            double tolerance = 8 * sqrt(l.in) * (double)FLT_EPSILON;
            assert_close(got[i], want[i], tolerance * sqrt(rms) / 4 / rows, tolerance);
        }
    }
    free(in);
    free(x);
    free(logit);
    free(want);
    free(got);
}

static void check_back(struct shape *s, const struct pack_step *step)
{
    for (int i = 1; i < s->plan.n_layers; i++) {
        struct ref_layer l = ref_layer(&s->ref, i);
        size_t n_in = (size_t)step->rows * (size_t)l.in, n_out = (size_t)step->rows * (size_t)l.out;
        if (i == s->plan.heads || i == s->plan.heads + 1) {
            continue; /* the heads have two halves to write, see check_back_latent(); the next is OP_BACK_LATENT's */
        }
        double *dy = doubles(n_out), *y = doubles(n_in), *want = doubles(n_in), *got = doubles(n_in);
        double *dw = doubles((size_t)l.in * (size_t)l.out), *db = doubles((size_t)l.out), *pre = doubles(n_in);
        fill_random(dy, n_out, -1, 1, 13);
        fill_random(pre, n_in, -3, 3, 14);
        shape_write(s, i, ACT_GRAD, 0, step->rows, l.out, dy);
        write_hidden(s, i, step->rows, pre, y);
        op(s, OP_BACK, i);
        shape_read(s, i - 1, ACT_GRAD, 0, step->rows, l.in, got);
        ref_dense_back(want, dw, db, dy, y, s->theta + l.w, step->rows, l.in, l.out);
        ref_activate_back(want, pre, n_in, s->ref.act);
        compare("backward through a layer", got, want, n_in, l.out);
        free(dy);
        free(y);
        free(want);
        free(got);
        free(dw);
        free(db);
        free(pre);
    }
}

/* dmu | dlogvar, and on through the heads to the encoder's last hidden layer. */
static void check_back_latent(struct shape *s, const struct pack_step *step)
{
    int heads = s->plan.heads, rows = step->rows, latent = s->v.latent;
    struct ref_layer next = ref_layer(&s->ref, heads + 1), l = ref_layer(&s->ref, heads);
    size_t n = (size_t)rows * (size_t)latent, n_next = (size_t)rows * (size_t)next.out;
    size_t n_in = (size_t)rows * (size_t)l.in;
    double *out = run_heads(s, rows), *eps = doubles(n), *dy = doubles(n_next), *dz = doubles(n);
    double *want = doubles(2 * n);
    double *got = doubles(2 * n), *dw = doubles(ref_params(&s->ref)), *x = doubles(n_in), *dx = doubles(n_in);
    shape_noise(s, step, eps);
    fill_random(dy, n_next, -1, 1, 15);
    shape_write(s, heads + 1, ACT_GRAD, 0, rows, next.out, dy);
    op(s, OP_BACK_LATENT, heads + 1);
    read_heads(s, ACT_GRAD, rows, got);
    ref_dense_back(dz, dw, dw, dy, dz, s->theta + next.w, rows, latent, next.out);
    for (int r = 0; r < rows; r++) {
        for (int d = 0; d < latent; d++) {
            const double *mu = out + r * 2 * latent;
            double *dmu = want + r * 2 * latent, *ds = dmu + latent;
            ref_reparam_back(&dmu[d], &ds[d], dz[r * latent + d], mu[latent + d], eps[r * latent + d]);
            ref_kl_back(&dmu[d], &ds[d], (double)step->beta / rows, mu[d], mu[latent + d]);
        }
    }
    compare("gradient of the heads", got, want, 2 * n, next.out);
    op(s, OP_BACK, heads);
    shape_read(s, heads - 1, ACT_GRAD, 0, rows, l.in, dx);
    double *want_dx = doubles(n_in);
    fill_random(x, n_in, -1, 1, 11); /* as run_heads(), before the activation */
    ref_dense_back(want_dx, dw, dw, want, x, s->theta + l.w, rows, l.in, l.out);
    ref_activate_back(want_dx, x, n_in, s->ref.act);
    compare("backward through the heads", dx, want_dx, n_in, next.out + l.out);
    double *all[] = {out, eps, dy, dz, want, got, dw, x, dx, want_dx};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

/* SGD without momentum keeps the gradient in moment 1. */
static void check_update(struct shape *s, const struct pack_step *step)
{
    size_t params = ref_params(&s->ref);
    double *want = doubles(params), *got = doubles(params), *theta = doubles(params);
    for (int i = 0; i < s->plan.n_layers; i++) {
        struct ref_layer l = ref_layer(&s->ref, i);
        size_t n_in = (size_t)step->rows * (size_t)l.in, n_out = (size_t)step->rows * (size_t)l.out;
        double *x = doubles(n_in), *dy = doubles(n_out);
        fill_random(x, n_in, -1, 1, 30 + (uint32_t)i);
        fill_random(dy, n_out, -1, 1, 60 + (uint32_t)i);
        shape_write(s, i, ACT_IN, 0, step->rows, l.in, x);
        if (i == s->plan.heads) {
            for (int h = 0; h < 2; h++) {
                double *half = doubles(n_out);
                for (int j = 0; j < step->rows * s->v.latent; j++) {
                    half[j] = dy[j / s->v.latent * 2 * s->v.latent + h * s->v.latent + j % s->v.latent];
                }
                shape_write(s, i, ACT_GRAD, h ? s->plan.latent_pad : 0, step->rows, s->v.latent, half);
                free(half);
            }
        } else {
            shape_write(s, i, ACT_GRAD, 0, step->rows, l.out, dy);
        }
        ref_dense_back(NULL, want + l.w, want + l.b, dy, x, s->theta + l.w, step->rows, l.in, l.out);
        free(x);
        free(dy);
    }
    op(s, OP_UPDATE, 0);
    shape_get(s, ARENA_MOMENT1, got);
    compare("gradient of weights and biases", got, want, params, step->rows);
    shape_get(s, ARENA_WEIGHTS, theta);
    for (size_t i = 0; i < params; i++) { /* one product and one difference away from the gradient just checked */
        double want_theta = s->theta[i] - (double)step->lr * got[i];
        assert_close(theta[i], want_theta, (double)FLT_EPSILON * fabs(got[i]), (double)FLT_EPSILON);
    }
    free(want);
    free(got);
    free(theta);
}

/* Full batches at one width, the epoch's last and partial batch at the others. */
static struct pack_step start(struct shape *s, const struct variant *v)
{
    shape_init(s, v);
    int64_t last = ((int64_t)s->n_train - 1) / v->batch;
    struct pack_step step = shape_train_step(s, v->hidden == 33 ? 0 : last, 0.5, 1.25);
    shape_steps(s, &step, 1);
    return step;
}

static void check_kernels(struct variant v)
{
    struct shape s;
    struct pack_step step = start(&s, &v);
    check_gather(&s, &step);
    check_forward(&s, &step);
    check_latent(&s, &step);
    check_loss(&s, &step, 1);
    check_back(&s, &step);
    check_back_latent(&s, &step);
    check_update(&s, &step); /* the last, since it changes the weights */
    shape_release(&s);
}

static void check_chain_update(struct variant v)
{
    struct shape s;
    struct pack_step step = start(&s, &v);
    check_update(&s, &step);
    shape_release(&s);
}

/* Zeros and ones with the values as probabilities; training draws anew each epoch, evaluation never. */
static void check_binarized(bool floats)
{
    struct variant v = {.data = 561, .latent = 2, .batch = 33, .hidden = 5, .floats = floats,
                        .optimizer = "optimizer.kind=sgd\ndata.binarize=dynamic\n"};
    struct shape s;
    shape_init(&s, &v);
    const int64_t at[] = {0, 3, 0, 0}; /* three steps an epoch */
    size_t n = 33 * 561, same = 0, moved = 0, outside = 0;
    double *got[4], ones = 0, expected = 0, variance = 0;
    for (int i = 0; i < 4; i++) {
        struct pack_step step = shape_train_step(&s, at[i], 0.1, 1);
        if (i >= 2) {
            pack_step_eval(&step, 0, 33);
        }
        shape_steps(&s, &step, 1);
        op(&s, OP_GATHER, 0);
        got[i] = doubles(n);
        shape_read(&s, 0, ACT_IN, 0, 33, 561, got[i]);
        for (int r = 0; r < 33; r++) { /* against the rule in model.h, by the reference's generator */
            uint32_t at_row = (uint32_t)(step.first + r);
            uint32_t row = i >= 2 ? s.val[at_row] : s.train[shuffle_at(step.shuffle, (uint32_t)s.n_train, at_row)];
            for (uint32_t j = 0; j < 561; j++) {
                uint32_t word[4], draw = i >= 2 ? 0 : (uint32_t)at[i] / 3 + 1;
                ref_philox(word, (uint32_t[]){j % 16 + j / 64 * 16, row, draw, RNG_BINARIZE},
                           draw ? s.lane.key : s.lane.data_key);
                double p = s.x[row * 561 + j], u = (word[j / 16 % 4] >> 8) / 16777216.0;
                if (fabs(u - p) > 1e-6) { /* a byte over 255 may be rounded either way */
                    outside += got[i][(size_t)r * 561 + j] != (u < p);
                }
                expected += p;
                variance += p * (1 - p);
                ones += got[i][(size_t)r * 561 + j];
            }
        }
    }
    assert_int_equal(outside, 0);
    assert_close(ones, expected, 5 * sqrt(variance), 0);
    for (size_t j = 0; j < n; j++) {
        same += got[2][j] == got[3][j];
        moved += got[0][j] != got[1][j];
    }
    assert_int_equal(same, n);
    assert_true(moved > n / 10);
    for (int i = 0; i < 4; i++) {
        free(got[i]);
    }
    shape_release(&s);
}

static void binarized_data_are_drawn_by_the_rule(void **state)
{
    (void)state;
    check_binarized(false);
    check_binarized(true);
}

/* Two hidden layers each side, so that every kind of neighbour occurs. */
static const struct variant two = {.flat = true, .n_enc = 2, .n_dec = 2};

static void kernels_on_our_tiles_agree(void **state)
{
    (void)state;
    struct variant v = two;
    for_each_size(check_kernels, v);
    v.act = ACT_TANH;
    v.floats = true;
    for_each_size(check_kernels, v);
}

/* The two above have ReLU and tanh at every size; the others differ from them in the activation alone. */
static void every_activation_agrees(void **state)
{
    (void)state;
    for (enum activation act = ACT_LEAKY; act <= ACT_SOFTPLUS; act++) {
        struct variant v = {.data = 10, .latent = 17, .batch = 33, .hidden = 33, .flat = true, .n_enc = 2, .n_dec = 2,
                            .act = act};
        for (v.provider = PROVIDER_TILE; v.provider <= PROVIDER_CLBLAST; v.provider++) {
            v.hidden = 33;
            check_kernels(v);
            v.hidden = 65;
            check_kernels(v);
        }
    }
}

static void kernels_on_clblast_agree(void **state)
{
    (void)state;
    struct variant v = two;
    v.provider = PROVIDER_CLBLAST;
    for_each_size(check_kernels, v);
    v.act = ACT_TANH;
    v.floats = true;
    for_each_size(check_kernels, v);
}

static void the_chain_plan_s_update_agrees(void **state)
{
    (void)state;
    struct variant v = two;
    v.kind = PLAN_CHAIN;
    for_each_size(check_chain_update, v);
}

/* Logits of several hundred: e^l overflows a float at 89. */
static void loss_gradients_agree_for_huge_logits(void **state)
{
    (void)state;
    for (enum provider p = PROVIDER_TILE; p <= PROVIDER_CLBLAST; p++) {
        struct variant v = {.data = 10, .latent = 2, .batch = 31, .hidden = 33, .provider = p};
        struct shape s;
        struct pack_step step = start(&s, &v);
        check_loss(&s, &step, 256);
        shape_release(&s);
    }
}

int kernels_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_on_our_tiles_agree),
        cmocka_unit_test(kernels_on_clblast_agree),
        cmocka_unit_test(every_activation_agrees),
        cmocka_unit_test(binarized_data_are_drawn_by_the_rule),
        cmocka_unit_test(the_chain_plan_s_update_agrees),
        cmocka_unit_test(loss_gradients_agree_for_huge_logits),
    };
    return cmocka_run_group_tests_name("model kernels", tests, NULL, NULL);
}
