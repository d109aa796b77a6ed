/* The optimisers against the reference: one update, PyTorch's traces, skipped steps, ten whole steps. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shape.h"

struct rule {
    const char *lines;
    struct ref_opt opt;
    double lr;
};
static double moving[16384], centred[16384]; /* mean gradients of the reference, of the rules that have them */
static const struct rule rules[] = {
    {"optimizer.kind=adam\n", {.kind = REF_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8}, 1e-3},
    {"optimizer.kind=adam\noptimizer.beta1=0.5\noptimizer.beta2=0.9\noptimizer.eps=0.01\n",
     {.kind = REF_ADAM, .beta1 = 0.5, .beta2 = 0.9, .eps = 0.01}, 1e-2},
    {"optimizer.kind=rmsprop\n", {.kind = REF_RMSPROP, .alpha = 0.99, .eps = 1e-8}, 1e-3},
    {"optimizer.kind=rmsprop\noptimizer.alpha=0.5\noptimizer.eps=0.01\n",
     {.kind = REF_RMSPROP, .alpha = 0.5, .eps = 0.01}, 1e-2},
    {"optimizer.kind=sgd\n", {.kind = REF_SGD}, 0.1},
    {"optimizer.kind=sgd\noptimizer.momentum=0.9\n", {.kind = REF_SGD, .momentum = 0.9}, 0.02},
    {"optimizer.kind=adamw\noptimizer.weight_decay=0.1\n",
     {.kind = REF_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.1}, 1e-2},
    {"optimizer.kind=adam\noptimizer.weight_decay=0.1\n",
     {.kind = REF_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.1}, 1e-3},
    {"optimizer.kind=sgd\noptimizer.momentum=0.9\noptimizer.nesterov=yes\noptimizer.weight_decay=0.01\n",
     {.kind = REF_SGD, .momentum = 0.9, .nesterov = true, .weight_decay = 0.01}, 0.02},
    {"optimizer.kind=rmsprop\noptimizer.momentum=0.5\noptimizer.weight_decay=0.01\n",
     {.kind = REF_RMSPROP, .alpha = 0.99, .eps = 1e-8, .momentum = 0.5, .weight_decay = 0.01}, 1e-3},
    {"optimizer.kind=adam\noptimizer.clip=0.5\n",
     {.kind = REF_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .clip = 0.5}, 1e-3},
    {"optimizer.kind=sgd\noptimizer.clip=0.1\noptimizer.ema=0.7\n",
     {.kind = REF_SGD, .clip = 0.1, .ema = 0.7, .mean = moving}, 0.1},
    {"optimizer.kind=adamw\noptimizer.ema=0.5\n",
     {.kind = REF_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .ema = 0.5, .mean = moving}, 1e-3},
    {"optimizer.kind=rmsprop\noptimizer.centered=yes\noptimizer.eps=0.01\n",
     {.kind = REF_RMSPROP, .alpha = 0.99, .eps = 0.01, .average = centred}, 1e-3},
    {"optimizer.kind=rmsprop\noptimizer.centered=yes\noptimizer.momentum=0.9\noptimizer.eps=0.01\n",
     {.kind = REF_RMSPROP, .alpha = 0.99, .eps = 0.01, .momentum = 0.9, .average = centred}, 1e-3},
};
#define RULES (sizeof rules / sizeof *rules)
#define TEN 10

/* Biases do not decay. Owns: free(). */
static bool *biases(const struct shape *s)
{
    bool *out = calloc(ref_params(&s->ref), sizeof *out);
    for (int i = 0; i < s->plan.n_layers; i++) {
        struct ref_layer l = ref_layer(&s->ref, i);
        memset(out + l.b, 1, (size_t)l.out * (l.gain ? 3 : 1) * sizeof *out); /* and what a norm has */
    }
    return out;
}

/* The rule as the lane has it, at its start. Owns: free(no_decay). */
static struct ref_opt start_rule(const struct shape *s, const struct rule *rule)
{
    struct ref_opt o = rule->opt;
    assert_true(ref_params(&s->ref) <= sizeof centred / sizeof *centred);
    memset(centred, 0, sizeof centred);
    memcpy(moving, s->theta, ref_params(&s->ref) * sizeof *moving);
    if (o.mean) {
        struct shape *own = (struct shape *)s; /* only its memory on the device changes */
        shape_put(own, ARENA_EMA, s->theta);
    }
    o.no_decay = biases(s);
    return o;
}

/* The update rule alone: batches of one row, so that a gradient is one product and cannot cancel. */
static void check_rule(const struct rule *rule)
{
    struct variant v = {.data = 10, .latent = 2, .batch = 1, .hidden = 5, .optimizer = rule->lines};
    struct shape s;
    struct err e;
    shape_init(&s, &v);
    size_t params = ref_params(&s.ref);
    double *grad = doubles(params), *m = doubles(params), *m2 = doubles(params), *theta = doubles(params);
    double *got = doubles(params);
    struct ref_opt opt = start_rule(&s, rule);
    memcpy(theta, s.theta, params * sizeof *theta);
    for (int t = 0; t < TEN; t++) {
        struct pack_step step = shape_train_step(&s, t, rule->lr, 1);
        shape_steps(&s, &step, 1);
        for (int i = 0; i < s.plan.n_layers; i++) {
            struct ref_layer l = ref_layer(&s.ref, i);
            double x[16], dy[16], scale = t % 3 == 0 ? 1 : 1e-3; /* small gradients after large ones */
            fill_random(x, (size_t)l.in, -1, 1, 300 + (uint32_t)(t * 16 + i));
            fill_random(dy, (size_t)l.out, -scale, scale, 600 + (uint32_t)(t * 16 + i));
            shape_write(&s, i, ACT_IN, 0, 1, l.in, x);
            shape_write(&s, i, ACT_GRAD, 0, 1, i == s.plan.heads ? 2 : l.out, dy);
            if (i == s.plan.heads) {
                shape_write(&s, i, ACT_GRAD, s.plan.latent_pad, 1, 2, dy + 2);
            }
            ref_dense_back(NULL, grad + l.w, grad + l.b, dy, x, s.theta + l.w, 1, l.in, l.out);
        }
        assert_ok(pack_op(s.pack, OP_UPDATE, 0, 0, &e), &e);
        ref_update(theta, m, m2, grad, params, &opt, rule->lr, t + 1);
    }
    /* Each of ten updates rounds its moments and the weight a few times; an update is at most about lr / (1 - b). */
    shape_get(&s, ARENA_WEIGHTS, got);
    for (size_t i = 0; i < params; i++) {
        assert_close(got[i], theta[i], TEN * 8 * (double)FLT_EPSILON * rule->lr, TEN * (double)FLT_EPSILON);
    }
    shape_get(&s, ARENA_MOMENT1, got);
    if (opt.kind != REF_RMSPROP || opt.momentum > 0) {
        compare("first moment", got, m, params, opt.kind == REF_RMSPROP ? 4 * TEN : TEN); /* a quotient's more errors */
    }
    shape_get(&s, ARENA_MOMENT2, got);
    if (opt.kind != REF_SGD) {
        compare("second moment", got, m2, params, TEN);
    }
    if (opt.mean) {
        shape_get(&s, ARENA_EMA, got);
        compare("moving mean", got, moving, params, TEN);
    }
    if (opt.average) {
        shape_get(&s, ARENA_MOMENT3, got);
        compare("mean gradient", got, centred, params, TEN);
    }
    free((void *)opt.no_decay);
    free(grad);
    free(m);
    free(m2);
    free(theta);
    free(got);
    shape_release(&s);
}

/* Known traces: theta starts at 1; the gradients are 0.1, -0.2, 0.3. */
static const struct {
    const char *lines;
    double lr, want[3];
} traces[] = {
    {"optimizer.kind=adam\n", 1e-3, {.9990000001, .9993661036, .9990228625}},
    {"optimizer.kind=adamw\noptimizer.weight_decay=0.01\noptimizer.decay_bias=yes\n", 1e-3,
     {.9989900001, .9993461137, .9989928792}},
    {"optimizer.kind=rmsprop\n", 1e-2, {.9000001000, .9895323561, .9091819282}},
    {"optimizer.kind=sgd\noptimizer.momentum=0.9\noptimizer.nesterov=yes\n", 0.1, {.981, 1.0109, .96281}},
};

static void golden_traces_hold_on_the_device(void **state)
{
    (void)state;
    static const double g[] = {0.1, -0.2, 0.3}, one = 1;
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        struct variant v = {.data = 1, .latent = 2, .batch = 1, .hidden = 1, .optimizer = traces[i].lines};
        struct shape s;
        struct err e;
        shape_init(&s, &v);
        size_t params = ref_params(&s.ref);
        double *theta = doubles(params);
        for (size_t j = 0; j < params; j++) {
            theta[j] = 1;
        }
        shape_put(&s, ARENA_WEIGHTS, theta);
        for (int t = 0; t < 3; t++) {
            struct pack_step step = shape_train_step(&s, t, traces[i].lr, 1);
            const double two[] = {g[t], g[t]}, ones[] = {1, 1};
            shape_steps(&s, &step, 1);
            for (int k = 0; k < s.plan.n_layers; k++) {
                shape_write(&s, k, ACT_IN, 0, 1, ref_layer(&s.ref, k).in, k == s.plan.heads + 1 ? ones : &one);
                shape_write(&s, k, ACT_GRAD, 0, 1, k == s.plan.heads ? 2 : 1, two);
            }
            shape_write(&s, s.plan.heads, ACT_GRAD, s.plan.latent_pad, 1, 2, two);
            assert_ok(pack_op(s.pack, OP_UPDATE, 0, 0, &e), &e);
            shape_get(&s, ARENA_WEIGHTS, theta);
            for (size_t j = 0; j < params; j++) {
                assert_close(theta[j], traces[i].want[t], 3e-7, 0); /* a few roundings of a float near 1 */
            }
        }
        free(theta);
        shape_release(&s);
    }
}

static void update_rules_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < RULES; i++) {
        check_rule(&rules[i]);
    }
}

/* Small gradients after large ones, of which only the small ones count; the length itself comes back. */
static void long_gradients_are_skipped(void **state)
{
    (void)state;
    struct rule rule = {"optimizer.kind=adam\noptimizer.skip=0.5\n",
                        {.kind = REF_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .skip = 0.5}, 1e-3};
    check_rule(&rule);
    struct variant v = {.data = 45, .latent = 17, .batch = 31, .hidden = 33, .act = ACT_TANH};
    struct shape s;
    struct err e;
    for (int i = 0; i < 3; i++) { /* nothing happens to a gradient that is too long or no number */
        v.kind = i == 2 ? PLAN_CHAIN : PLAN_PLAIN;
        v.provider = i == 1 ? PROVIDER_CLBLAST : PROVIDER_TILE;
        v.optimizer = "optimizer.kind=adam\noptimizer.skip=0.001\n";
        shape_init(&s, &v);
        size_t params = ref_params(&s.ref);
        double *grad = doubles(params), *got = doubles(params), length = 0;
        for (int bad = 0; bad < 2; bad++) {
            struct pack_step step = shape_train_step(&s, bad, 0.1, 1);
            struct pack_loss loss;
            struct ref_pass *p = shape_reference(&s, &step);
            ref_backward(grad, p, s.theta, 1);
            ref_pass_free(p);
            if (bad) {
                step.scale = NAN; /* every gradient */
            }
            shape_steps(&s, &step, 1);
            assert_ok(pack_train(s.pack, 0, &e), &e);
            assert_ok(pack_fetch_ring(s.pack, &e), &e);
            pack_loss(s.pack, 0, 0, &loss);
            for (size_t j = 0; j < params && !bad; j++) {
                length += grad[j] * grad[j];
            }
            assert_true(bad ? isnan(loss.norm) : fabs(loss.norm / sqrt(length) - 1) < 1e-5);
            shape_get(&s, ARENA_WEIGHTS, got);
            assert_memory_equal(got, s.theta, params * sizeof *got);
        }
        free(grad);
        free(got);
        shape_release(&s);
    }
}

/* Ten steps of training from one start, named to the pack at once as a chunk would. */
static void check_ten_steps(const struct rule *rule, struct variant v)
{
    struct shape s;
    struct err e;
    struct pack_step steps[TEN];
    v.optimizer = rule->lines;
    shape_init(&s, &v);
    size_t params = ref_params(&s.ref);
    double *grad = doubles(params), *m = doubles(params), *m2 = doubles(params), *start = doubles(params);
    double *got = doubles(params), rec[TEN], kl[TEN];
    struct ref_opt opt = start_rule(&s, rule);
    memcpy(start, s.theta, params * sizeof *start);
    for (int t = 0; t < TEN; t++) {
        double lr = ref_lr_cosine(rule->lr, t, 20), beta = ref_beta_linear(2, t, 5);
        steps[t] = shape_train_step(&s, t, lr, beta);
        struct ref_pass *p = shape_reference(&s, &steps[t]);
        assert_true(p->kink > 1e-6);
        ref_backward(grad, p, s.theta, beta);
        rec[t] = p->rec * p->batch;
        kl[t] = p->kl * p->batch;
        ref_update(s.theta, m, m2, grad, params, &opt, lr, t + 1);
        ref_pass_free(p);
    }
    shape_steps(&s, steps, TEN);
    for (int t = 0; t < TEN; t++) {
        assert_ok(pack_train(s.pack, t, &e), &e);
    }
    assert_ok(pack_fetch_ring(s.pack, &e), &e);
    for (int t = 0; t < TEN; t++) {
        struct pack_loss loss;
        pack_loss(s.pack, 0, t, &loss);
        assert_close(loss.rec, rec[t], 0, 1e-5); /* the bar of a parity trace at its first step, kept for ten */
        assert_close(loss.kl, kl[t], 0, 1e-5);
    }
    /* Adam and RMSprop divide a gradient by its own size: where it cancels to its rounding error the step's direction
     * is noise in either precision. Such weights are few and move by lr a step like any other, so the movement is
     * held as a whole, to the bar for gradients, and each weight to a hundredth of lr. */
    double wrong = 0, moved = 0;
    shape_get(&s, ARENA_WEIGHTS, got);
    for (size_t i = 0; i < params; i++) {
        wrong += (got[i] - s.theta[i]) * (got[i] - s.theta[i]);
        moved += (s.theta[i] - start[i]) * (s.theta[i] - start[i]);
        assert_close(got[i], s.theta[i], 1e-2 * rule->lr, 0);
    }
    assert_true(moved > 0);
    assert_close(sqrt(wrong / moved), 0.0, 1e-4, 0);
    free((void *)opt.no_decay);
    free(grad);
    free(m);
    free(m2);
    free(start);
    free(got);
    shape_release(&s);
}

static void ten_steps_of_each_optimiser_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < RULES; i++) {
        struct variant v = {.data = 45, .latent = 17, .batch = 31, .hidden = 33, .act = ACT_TANH};
        check_ten_steps(&rules[i], v);
        v.kind = PLAN_CHAIN;
        check_ten_steps(&rules[i], v);
        v.act = ACT_RELU;
        v.batch = 33;
        check_ten_steps(&rules[i], v);
    }
}

/* KL, mu and mu^2 summed over the rows, per dimension. */

int rules_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_traces_hold_on_the_device),
        cmocka_unit_test(update_rules_agree),
        cmocka_unit_test(long_gradients_are_skipped),
        cmocka_unit_test(ten_steps_of_each_optimiser_agree),
    };
    return cmocka_run_group_tests_name("model rules", tests, NULL, NULL);
}
