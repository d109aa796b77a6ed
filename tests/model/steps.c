/* Whole steps of both plans against the reference: loss, KL, every gradient tensor. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shape.h"

/* Longest sum in a step: the bound of a chain of layers is set by its longest, and by what a norm does to errors. */
static double longest(const struct shape *s)
{
    int k = s->v.batch;
    for (int i = 0; i < s->plan.n_layers; i++) {
        struct ref_layer l = ref_layer(&s->ref, i);
        k = l.in > k ? l.in : k;
        k = l.out > k ? l.out : k;
    }
    return s->net.layer_norm ? k * 4 * s->strain * s->strain : k; /* its mean and its variance have their own errors */
}

/* A KL and its sums cancel, in one row by any factor: behind a norm they are held to a parity trace's bar of one part in
 * 100,000 instead. */
static void compare_latent(const struct shape *s, const char *what, const double *got, const double *want, size_t n)
{
    double sum = 0, wrong = 0;
    if (!s->net.layer_norm) {
        compare(what, got, want, n, longest(s));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        sum += want[i] * want[i];
        wrong += (got[i] - want[i]) * (got[i] - want[i]);
    }
    assert_close(sqrt(wrong / sum), 0.0, 1e-5, 0);
}

/* What dropout leaves of this step's rows, by the rule in model.h. */
static void draw_dropout(struct shape *s, const struct pack_step *step)
{
    static double factor[REF_LAYER_MAX][33 * 66];
    double rate = (double)s->lane.dropout;
    for (int i = 0; i < ref_layers(&s->ref) && rate > 0; i++) {
        struct ref_layer l = ref_layer(&s->ref, i);
        assert_true(!l.hidden || l.out * step->rows <= 33 * 66);
        for (int at = 0; at < step->rows * l.out && l.hidden; at++) {
            uint32_t word[4], r = (uint32_t)(at / l.out), j = (uint32_t)(at % l.out);
            ref_philox(word, (uint32_t[]){j, r / 4 + 65536 * (uint32_t)i, step->step_lo, RNG_DROPOUT}, s->lane.key);
            factor[i][at] = (word[r % 4] >> 8) / 16777216.0 < rate ? 0 : 1 / (1 - rate);
            assert_close(dropout_factor(&s->lane, step, i, r, j), factor[i][at], 0, (double)FLT_EPSILON);
        }
        s->ref.drop[i] = l.hidden ? factor[i] : NULL;
    }
}

struct ref_pass *shape_reference(struct shape *s, const struct pack_step *step)
{
    draw_dropout(s, step);
    double *x = doubles((size_t)step->rows * (size_t)s->v.data);
    double *eps = doubles((size_t)step->rows * (size_t)s->v.latent);
    shape_batch(s, step, x);
    shape_noise(s, step, eps);
    struct ref_pass *p = ref_forward(&s->ref, s->theta, x, eps, step->rows);
    s->strain = p->strain;
    free(x);
    free(eps);
    return p;
}

static void check_loss_of(struct shape *s, const struct ref_pass *p, int k, bool training)
{
    struct pack_loss loss;
    double rec = p->rec * p->batch, kl = p->kl * p->batch;
    pack_loss(s->pack, 0, k, &loss);
    assert_false(loss.not_finite);
    compare("reconstruction", &loss.rec, &rec, 1, longest(s));
    compare_latent(s, "kl", &loss.kl, &kl, 1);
    if (s->net.kl_control && training) { /* beta as check_step() has it */
        double want = ref_loss(p, 0.75) - p->rec;
        compare("what the kl adds", &loss.kl_term, &want, 1, longest(s));
    }
}

static void check_gradients(struct shape *s, const double *got, const double *want)
{
    if (s->ref.like == REF_GAUSS_LEARNED) { /* a difference of two sums over the batch */
        size_t last = ref_params(&s->ref) - 1;
        assert_close(got[last], want[last], 1e-5 * s->v.data, 1e-5);
    }
    for (int i = 0; i < s->plan.n_layers; i++) {
        struct ref_layer l = ref_layer(&s->ref, i);
        char what[48];
        (void)snprintf(what, sizeof what, "gradient of %s.weight", s->plan.layer[i].name);
        compare(what, got + l.w, want + l.w, (size_t)l.in * (size_t)l.out, longest(s));
        (void)snprintf(what, sizeof what, "gradient of %s.bias", s->plan.layer[i].name);
        compare(what, got + l.b, want + l.b, (size_t)l.out, longest(s));
        if (l.gain) {
            compare("gradient of the norm's gain", got + l.gain, want + l.gain, (size_t)l.out, longest(s));
            compare("gradient of the norm's shift", got + l.shift, want + l.shift, (size_t)l.out, longest(s));
        }
    }
}

static void check_step(struct variant v)
{
    struct shape s;
    struct err e;
    struct pack_step step;
    struct ref_pass *p = NULL;
    shape_init(&s, &v);
    size_t params = ref_params(&s.ref);
    double *want = doubles(params), *got = doubles(params);
    int64_t epoch = ((int64_t)s.n_train + v.batch - 1) / v.batch;
    /* Full batches at one width, the last and partial one at others; a step without a ReLU near its kink, where a
     * float and a double could rightly disagree. Preactivations are near 1, their errors near 1e-6. */
    for (int64_t at = v.hidden == 33 ? 0 : epoch - 1; !p || p->kink < 1e-5; at += epoch) {
        assert_true(at < 50 * epoch);
        ref_pass_free(p);
        step = shape_train_step(&s, at, 0.5, 0.75);
        p = shape_reference(&s, &step);
    }
    ref_backward(want, p, s.theta, 0.75);
    shape_steps(&s, &step, 1);
    assert_ok(pack_train(s.pack, 0, &e), &e);
    assert_ok(pack_fetch_ring(s.pack, &e), &e);
    check_loss_of(&s, p, 0, true);
    shape_get(&s, ARENA_MOMENT1, got);
    check_gradients(&s, got, want);
    ref_pass_free(p);
    free(want);
    free(got);
    shape_release(&s);
}

static void every_gradient_of_the_plain_plan_agrees(void **state)
{
    (void)state;
    for_each_size(check_step, (struct variant){.act = ACT_RELU});
    for_each_size(check_step, (struct variant){.act = ACT_TANH});
    for_each_size(check_step, (struct variant){.act = ACT_RELU, .provider = PROVIDER_CLBLAST});
    for_each_size(check_step, (struct variant){.act = ACT_TANH, .floats = true});
}

static void gradients_of_every_activation_agree(void **state)
{
    (void)state;
    for (enum activation act = ACT_LEAKY; act <= ACT_SOFTPLUS; act++) {
        struct variant v = {.data = 45, .latent = 17, .batch = 31, .hidden = 33, .flat = true, .n_enc = 2, .n_dec = 2,
                            .act = act};
        check_step(v);
        v.provider = PROVIDER_CLBLAST;
        check_step(v);
        v.provider = PROVIDER_TILE;
        v.kind = PLAN_CHAIN;
        check_step(v);
        v.batch = 33;
        v.hidden = 65;
        check_step(v);
    }
}

static void every_gradient_of_the_chain_plan_agrees(void **state)
{
    (void)state;
    for_each_size(check_step, (struct variant){.act = ACT_RELU, .kind = PLAN_CHAIN});
    for_each_size(check_step, (struct variant){.act = ACT_TANH, .kind = PLAN_CHAIN, .floats = true});
}

#define NORM "optimizer.kind=sgd\nmodel.norm=layer\n"
#define DROPOUT "optimizer.kind=sgd\nmodel.dropout=0.4\n"

static void gradients_through_norm_and_dropout_agree(void **state)
{
    (void)state;
    for_each_size(check_step, (struct variant){.act = ACT_TANH, .optimizer = NORM "model.dropout=0.25\n"});
    for_each_size(check_step, (struct variant){.act = ACT_TANH, .kind = PLAN_CHAIN, .optimizer = NORM "model.dropout=0.25\n"});
}

static void gradients_of_every_activation_through_norm_and_dropout_agree(void **state)
{
    (void)state;
    static const char *const options[] = {NORM, DROPOUT, NORM "model.dropout=0.2\noptimizer.clip=1e9\n"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        for (enum activation act = ACT_RELU; act <= ACT_SOFTPLUS; act++) {
            struct variant v = {.data = 45, .latent = 17, .batch = 31, .hidden = 33, .flat = true, .n_enc = 2,
                                .n_dec = 1, .act = act, .optimizer = options[i]};
            check_step(v);
            v.provider = PROVIDER_CLBLAST;
            check_step(v);
            v.provider = PROVIDER_TILE;
            v.kind = PLAN_CHAIN;
            v.hidden = 65;
            check_step(v);
        }
    }
}

static void gradients_agree_at_every_depth(void **state)
{
    (void)state;
    static const int depth[][2] = {{0, 0}, {2, 2}, {3, 3}, {0, 2}, {3, 1}};
    for (size_t i = 0; i < sizeof depth / sizeof *depth; i++) {
        struct variant v = {.data = 45, .latent = 17, .batch = 31, .hidden = 33, .flat = true, .n_enc = depth[i][0],
                            .n_dec = depth[i][1]};
        for (v.act = ACT_RELU; v.act <= ACT_TANH; v.act++) {
            v.kind = PLAN_PLAIN;
            check_step(v);
            v.kind = PLAN_CHAIN;
            check_step(v);
        }
        v.act = ACT_TANH;
        v.kind = PLAN_PLAIN;
        v.provider = PROVIDER_CLBLAST;
        check_step(v);
    }
}

static void eval_noise(const struct shape *s, const struct pack_step *step, double *eps);

static const char *const losses[] = {
    "loss.likelihood=gauss_fixed\nloss.sigma=0.3\n",
    "loss.likelihood=gauss_learned\nloss.sigma=0.3\n",
    "loss.likelihood=gauss_learned\nloss.sigma=0.004\n", /* near the floor */
    "loss.likelihood=gauss_optimal\n",
    "loss.likelihood=gauss_learned\nloss.sigma=0.3\noptimizer.clip=1e9\n",
    "loss.free_bits=0.3\n",
    "loss.free_bits=100\n",
    "loss.capacity=0.5\nloss.capacity_weight=3\n",
    "loss.capacity=5000\nloss.capacity_weight=3\n",
    "loss.capacity=5000\nloss.likelihood=gauss_optimal\n",
};

static void gradients_of_every_loss_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        char lines[128];
        (void)snprintf(lines, sizeof lines, "optimizer.kind=sgd\n%s", losses[i]);
        struct variant v = {.data = 45, .latent = 17, .batch = 31, .hidden = 33, .act = ACT_TANH, .optimizer = lines};
        for (int j = 0; j < 4; j++) {
            v.hidden = j % 2 ? 65 : 33;
            v.batch = j / 2 ? 33 : 31;
            v.provider = j % 2 ? PROVIDER_CLBLAST : PROVIDER_TILE;
            check_step(v);
        }
        if (!strstr(losses[i], "optimal") && !strstr(losses[i], "free") && !strstr(losses[i], "capacity")) {
            v.provider = PROVIDER_TILE;
            v.kind = PLAN_CHAIN;
            check_step(v);
        }
    }
}

/* Evaluation: at beta 1, with the deviation in force. */
static void check_eval(struct variant v);
static void evaluation_of_every_loss_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct variant v = {.data = 45, .latent = 17, .batch = 31, .hidden = 33, .act = ACT_TANH,
                            .optimizer = losses[i]};
        if (i != 3) { /* its deviation comes from training, see the next */
            check_eval(v);
        }
    }
}

/* The first step's variance, then a hundredth of each new one; evaluation uses the mean of them. */
static void the_optimal_deviation_is_a_moving_mean(void **state)
{
    (void)state;
    struct variant v = {.data = 45, .latent = 17, .batch = 31, .hidden = 33, .act = ACT_TANH,
                        .optimizer = "optimizer.kind=sgd\nloss.likelihood=gauss_optimal\n"};
    struct shape s;
    struct err e;
    double variance = 0, got, want;
    shape_init(&s, &v);
    for (int t = 0; t < 3; t++) {
        struct pack_step step = shape_train_step(&s, t, 0, 1); /* rate 0: the weights stay */
        struct ref_pass *p = shape_reference(&s, &step);
        variance = t == 0 ? exp(2 * p->log_sigma) : 0.99 * variance + 0.01 * exp(2 * p->log_sigma);
        ref_pass_free(p);
        shape_steps(&s, &step, 1);
        assert_ok(pack_train(s.pack, 0, &e), &e);
    }
    assert_ok(pack_log_sigma(s.pack, SLOT, &got, &e), &e);
    want = 0.5 * log(variance);
    assert_close(got, want, 1e-5, 0);
    struct pack_step eval;
    struct pack_loss loss;
    pack_step_eval(&eval, 0, 31);
    shape_steps(&s, &eval, 1);
    assert_ok(pack_eval(s.pack, 0, &e), &e);
    assert_ok(pack_fetch_ring(s.pack, &e), &e);
    pack_loss(s.pack, 0, 0, &loss);
    s.ref.like = REF_GAUSS_FIXED;
    s.ref.log_sigma = want;
    double *x = doubles(31 * 45), *eps = doubles(31 * 17);
    shape_batch(&s, &eval, x);
    eval_noise(&s, &eval, eps);
    struct ref_pass *p = ref_forward(&s.ref, s.theta, x, eps, 31);
    assert_close(loss.rec, p->rec * 31, 0, 1e-5);
    ref_pass_free(p);
    free(x);
    free(eps);
    s.ref.like = REF_GAUSS_OPTIMAL;
    shape_release(&s);
}

static void check_stats(struct shape *s, const struct ref_pass *p, int k)
{
    int latent = s->v.latent;
    double got[3][17] = {{0}}, want[3][17] = {{0}};
    const double *heads = p->y[s->plan.heads];
    for (int r = 0; r < p->batch; r++) {
        for (int d = 0; d < latent; d++) {
            double mu = heads[r * 2 * latent + d];
            want[0][d] += ref_kl(mu, heads[r * 2 * latent + latent + d]);
            want[1][d] += mu;
            want[2][d] += mu * mu;
        }
    }
    pack_add_stats(s->pack, 0, k, got[0], got[1], got[2]);
    for (int i = 0; i < 3; i++) {
        compare_latent(s, "statistics of the latents", got[i], want[i], (size_t)latent);
    }
}

/* Evaluation noise belongs to the row of the data set, by the rule in model.h. */
static void eval_noise(const struct shape *s, const struct pack_step *step, double *eps)
{
    for (int r = 0; r < step->rows; r++) {
        for (uint32_t j = 0; j < (uint32_t)s->v.latent; j++) {
            uint32_t word[4];
            double z[2];
            ref_philox(word, (uint32_t[]){j, s->val[step->first + r], 0, RNG_EVAL}, s->lane.key);
            ref_box_muller(z, word[0], word[1]);
            eps[r * s->v.latent + (int)j] = z[0];
        }
    }
}

/* Loss and statistics of step k; the reference's means go to their rows of mu (n_val, latent). */
static void check_eval_step(struct shape *s, const struct pack_step *step, int k, double *mu)
{
    size_t rows = (size_t)step->rows, latent = (size_t)s->v.latent;
    double *x = doubles(rows * (size_t)s->v.data), *eps = doubles(rows * latent);
    shape_batch(s, step, x);
    eval_noise(s, step, eps);
    struct ref_pass *p = ref_forward(&s->ref, s->theta, x, eps, step->rows);
    s->strain = fmax(s->strain, p->strain); /* of all steps, for the means */
    check_loss_of(s, p, k, false);
    check_stats(s, p, k);
    for (size_t r = 0; r < rows; r++) {
        memcpy(mu + ((size_t)step->first + r) * latent, p->y[s->plan.heads] + 2 * r * latent, latent * sizeof *mu);
    }
    ref_pass_free(p);
    free(x);
    free(eps);
}

static void check_means(struct shape *s, const float *got, const double *want, const char *what)
{
    size_t n = s->n_val * (size_t)s->v.latent;
    double *mu = doubles(n);
    for (size_t i = 0; i < n; i++) {
        mu[i] = (double)got[i];
    }
    compare(what, mu, want, n, longest(s));
    free(mu);
}

static void check_eval(struct variant v)
{
    struct shape s;
    struct err e;
    struct pack_step steps[64];
    int n = 0;
    shape_init(&s, &v);
    size_t params = ref_params(&s.ref), means = s.n_val * (size_t)v.latent;
    double *before = doubles(params), *after = doubles(params), *want = doubles(means);
    float *mu = calloc(means, sizeof *mu);
    shape_get(&s, ARENA_WEIGHTS, before);
    for (int at = 0; at < (int)s.n_val; at += v.batch) {
        pack_step_eval(&steps[n++], at, (int)s.n_val - at < v.batch ? (int)s.n_val - at : v.batch);
    }
    assert_in_range(n, 1, s.plan.eval_steps);
    shape_steps(&s, steps, n);
    for (int k = 0; k < n; k++) {
        assert_ok(pack_eval(s.pack, k, &e), &e);
    }
    assert_ok(pack_fetch_ring(s.pack, &e), &e);
    assert_ok(pack_fetch_stats(s.pack, &e), &e);
    for (int k = 0; k < n; k++) {
        check_eval_step(&s, &steps[k], k, want);
    }
    assert_ok(pack_read_means(s.pack, SLOT, (int)s.n_val, v.latent, mu, &e), &e);
    check_means(&s, mu, want, "latent means");
    assert_ok(pack_encode(s.pack, SLOT, ARENA_WEIGHTS, s.val, s.n_val, mu, &e), &e);
    check_means(&s, mu, want, "encoded means");
    shape_get(&s, ARENA_WEIGHTS, after);
    assert_memory_equal(before, after, params * sizeof *before);
    free(before);
    free(after);
    free(want);
    free(mu);
    shape_release(&s);
}

static void evaluation_agrees_and_changes_nothing(void **state)
{
    (void)state;
    for_each_size(check_eval, (struct variant){.act = ACT_RELU});
    for_each_size(check_eval, (struct variant){.act = ACT_TANH, .kind = PLAN_CHAIN});
    for_each_size(check_eval, (struct variant){.act = ACT_TANH, .provider = PROVIDER_CLBLAST, .floats = true});
    for_each_size(check_eval, (struct variant){.act = ACT_TANH, .optimizer = NORM "model.dropout=0.5\n"});
    for_each_size(check_eval, (struct variant){.act = ACT_RELU, .kind = PLAN_CHAIN, .optimizer = NORM "model.dropout=0.5\n"});
}

int steps_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_gradient_of_the_plain_plan_agrees),
        cmocka_unit_test(every_gradient_of_the_chain_plan_agrees),
        cmocka_unit_test(gradients_through_norm_and_dropout_agree),
        cmocka_unit_test(gradients_of_every_activation_through_norm_and_dropout_agree),
        cmocka_unit_test(gradients_agree_at_every_depth),
        cmocka_unit_test(gradients_of_every_activation_agree),
        cmocka_unit_test(gradients_of_every_loss_agree),
        cmocka_unit_test(evaluation_of_every_loss_agrees),
        cmocka_unit_test(the_optimal_deviation_is_a_moving_mean),
        cmocka_unit_test(evaluation_agrees_and_changes_nothing),
    };
    return cmocka_run_group_tests_name("model steps", tests, NULL, NULL);
}
