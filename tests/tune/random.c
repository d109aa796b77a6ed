#include <math.h>
#include <string.h>

#include "check.h"
#include "space.h"

int random_tests(void);

#define TRIALS 10000
#define WITHIN_1E3(df)                                                                                                 \
    ((df) + 3.09 * sqrt(2.0 * (df)) + 4) /* above the 99.9 % quantile of chi-square; seeds are fixed */

static const char wide[] = "model:\n"
                           "  depth: 1 .. 3\n"
                           "  width: 64 .. 1024 step 64\n"
                           "  latent: 2 .. 64 log\n"
                           "  activation: tanh | relu\n"
                           "loss:\n"
                           "  beta: 0.5 .. 4\n"
                           "  beta_schedule: constant | linear\n"
                           "  beta_warmup: 1 .. 5 step 0.5 if beta_schedule = linear\n"
                           "optimizer:\n"
                           "  kind: adam | rmsprop | sgd\n"
                           "  lr:\n"
                           "    - 1e-4 .. 1e-2 log if kind = adam | rmsprop\n"
                           "    - 1e-5 .. 1e-3 log if kind = sgd\n"
                           "  momentum: 0 | 0.5 | 0.9 if kind = sgd\n"
                           "train:\n"
                           "  batch: 32 | 64 | 128\n";

static void every_point_lies_in_the_space(void **state)
{
    struct drawn x;
    (void)state;
    space_open(&x, wide);
    for (int n = 0; n < TRIALS; n++) {
        struct config c;
        struct err e;
        space_draw(&x, n);
        assert_ok(preset_apply(&c, &x.p, &x.pt, &e), &e); /* refuses what is outside a range */
        for (size_t r = 0; r < x.p.n_ranges; r++) {
            const struct range *q = &x.p.range[r];
            assert_int_equal(x.pt.present[r], range_active(&x.p, r, &c));
            if (x.pt.present[r] && q->kind != RANGE_CHOICE && q->step > 0) {
                double steps = (x.pt.value[r] - q->lo) / q->step;
                assert_close(steps, round(steps), 1e-9, 0);
            }
        }
        config_release(&c);
    }
    space_close(&x);
}

static void a_conditional_parameter_is_drawn_only_where_active(void **state)
{
    struct drawn x;
    size_t kind, lr0, lr1, momentum;
    int sgd = 0;
    (void)state;
    space_open(&x, wide);
    kind = space_range(&x, KNOB_OPTIMIZER_KIND, 0);
    lr0 = space_range(&x, KNOB_OPTIMIZER_LR, 0);
    lr1 = space_range(&x, KNOB_OPTIMIZER_LR, 1);
    momentum = space_range(&x, KNOB_OPTIMIZER_MOMENTUM, 0);
    for (int n = 0; n < 1000; n++) {
        bool is_sgd;
        space_draw(&x, n);
        is_sgd = x.pt.value[kind] == 2;
        sgd += is_sgd;
        assert_int_equal(x.pt.present[lr0], !is_sgd);
        assert_int_equal(x.pt.present[lr1], is_sgd);
        assert_int_equal(x.pt.present[momentum], is_sgd);
    }
    assert_in_range(sgd, 250, 420);
    space_close(&x);
}

static void log_floats_are_uniform_in_the_logarithm(void **state)
{
    struct drawn x;
    int count[20] = {0};
    double share[20];
    (void)state;
    space_open(&x, "optimizer:\n  lr: 1e-5 .. 1e-1 log\n");
    for (int n = 0; n < TRIALS; n++) {
        int bin;
        space_draw(&x, n);
        bin = (int)(20 * log(x.pt.value[0] / 1e-5) / log(1e4));
        assert_in_range(bin, 0, 19);
        count[bin]++;
    }
    for (int i = 0; i < 20; i++) {
        share[i] = 0.05;
    }
    assert_fits(count, share, 20, WITHIN_1E3(19), "lr");
    space_close(&x);
}

static void log_integers_have_the_share_of_their_widened_logarithm(void **state)
{
    struct drawn x;
    int count[64] = {0};
    double share[64];
    (void)state;
    space_open(&x, "model:\n  latent: 1 .. 64 log\n");
    for (int n = 0; n < 4 * TRIALS; n++) {
        space_draw(&x, n);
        count[(int)x.pt.value[0] - 1]++;
    }
    for (int v = 1; v <= 64; v++) {
        share[v - 1] = log((v + 0.5) / (v - 0.5)) / log(64.5 / 0.5);
    }
    assert_fits(count, share, 64, WITHIN_1E3(63), "latent");
    space_close(&x);
}

static void plain_integers_steps_and_choices_are_uniform(void **state)
{
    static const char *const yaml[] = {
        "model:\n  latent: 3 .. 10\n",
        "model:\n  latent: 16 .. 128 step 16\n",
        "loss:\n  beta: 0 .. 0.7 step 0.1\n",
        "model:\n  latent: 1 | 2 | 4 | 8 | 16 | 32 | 64 | 128\n",
    };
    double share[8];
    (void)state;
    for (int i = 0; i < 8; i++) {
        share[i] = 0.125;
    }
    for (size_t y = 0; y < sizeof yaml / sizeof *yaml; y++) {
        struct drawn x;
        int count[8] = {0};
        space_open(&x, yaml[y]);
        for (int n = 0; n < TRIALS; n++) {
            const struct range *r = &x.p.range[0];
            double i;
            space_draw(&x, n);
            i = r->kind == RANGE_CHOICE ? x.pt.value[0] : (x.pt.value[0] - r->lo) / r->step;
            assert_close(i, round(i), 1e-9, 0);
            count[(int)lround(i)]++;
        }
        assert_fits(count, share, 8, WITHIN_1E3(7), yaml[y]);
        space_close(&x);
    }
}

static void parameters_are_independent_of_each_other(void **state)
{
    struct drawn x;
    int count[64] = {0};
    double share[64];
    size_t width, beta;
    (void)state;
    space_open(&x, wide);
    width = space_range(&x, KNOB_MODEL_WIDTH, 0);
    beta = space_range(&x, KNOB_LOSS_BETA, 0);
    for (int n = 0; n < TRIALS; n++) {
        space_draw(&x, n);
        count[8 * (((int)x.pt.value[width] / 64 - 1) / 2) + (int)((x.pt.value[beta] - 0.5) / 3.5 * 8)]++;
    }
    for (int i = 0; i < 64; i++) {
        share[i] = 1.0 / 64;
    }
    assert_fits(count, share, 64, WITHIN_1E3(63), "width and beta");
    space_close(&x);
}

static void a_point_depends_on_seed_and_number_only(void **state)
{
    struct drawn a, b, other;
    int same = 0;
    (void)state;
    space_open(&a, wide);
    space_open(&b, wide);
    space_open(&other, "study:\n  seed: 1\nmodel:\n  latent: 2 .. 64 log\n");
    for (int n = 0; n < 200; n++) {
        space_draw(&a, n);
        space_draw(&b, 199);
        space_draw(&b, n);
        for (size_t r = 0; r < a.pt.n; r++) {
            assert_int_equal(a.pt.present[r], b.pt.present[r]);
            assert_true(a.pt.value[r] == b.pt.value[r]);
        }
        space_draw(&other, n);
        same += other.pt.value[0] == a.pt.value[space_range(&a, KNOB_MODEL_LATENT, 0)];
    }
    assert_true(same < 40);
    space_close(&a);
    space_close(&b);
    space_close(&other);
}

static void changing_one_range_leaves_the_others_draws_alone(void **state)
{
    struct drawn a, b;
    size_t lr, batch;
    (void)state;
    space_open(&a, "optimizer:\n  lr: 1e-4 .. 1e-2 log\ntrain:\n  batch: 32 | 64 | 128\n");
    space_open(&b, "model:\n  latent: 2 .. 64\noptimizer:\n  lr: 1e-4 .. 1e-2 log\ntrain:\n  batch: 32 | 64 | 128\n");
    lr = space_range(&b, KNOB_OPTIMIZER_LR, 0);
    batch = space_range(&b, KNOB_TRAIN_BATCH, 0);
    for (int n = 0; n < 100; n++) {
        space_draw(&a, n);
        space_draw(&b, n);
        assert_true(a.pt.value[0] == b.pt.value[lr]);
        assert_true(a.pt.value[1] == b.pt.value[batch]);
    }
    space_close(&a);
    space_close(&b);
}

/* Studies in the field are continued by a newer program: these numbers must never change. They were also computed by a
 * second implementation of Philox and of the draws, apart from this one. */
static void stored_points_never_change(void **state)
{
    static const struct {
        int number;
        double width, latent, beta, lr, batch;
    } golden[] = {
        {0, 512, 2, 1.0750108988020157, 0.00023500499817457807, 1},
        {1, 768, 10, 0.80797410836641625, 0.0011510348515151958, 1},
        {2, 640, 62, 3.8047112244134338, 6.138989500306941e-05, 1},
        {3, 512, 38, 0.80730841580881285, 0.00043839709678802083, 1},
        {4, 192, 4, 2.4460935422961736, 3.4343435756676402e-05, 2},
        {1000, 1024, 3, 1.5845158640132033, 4.9026175746623324e-05, 0},
    };
    struct drawn x;
    (void)state;
    space_open(&x, wide);
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        size_t lr = space_range(&x, KNOB_OPTIMIZER_LR, 0);
        space_draw(&x, golden[i].number);
        lr = x.pt.present[lr] ? lr : space_range(&x, KNOB_OPTIMIZER_LR, 1);
        assert_close(x.pt.value[space_range(&x, KNOB_MODEL_WIDTH, 0)], golden[i].width, 0, 0);
        assert_close(x.pt.value[space_range(&x, KNOB_MODEL_LATENT, 0)], golden[i].latent, 0, 0);
        assert_close(x.pt.value[space_range(&x, KNOB_LOSS_BETA, 0)], golden[i].beta, 0, 1e-15);
        assert_close(x.pt.value[lr], golden[i].lr, 0, 1e-14); /* exp and log of the C library */
        assert_close(x.pt.value[space_range(&x, KNOB_TRAIN_BATCH, 0)], golden[i].batch, 0, 0);
    }
    space_close(&x);
}

static void random_search_has_no_end(void **state)
{
    struct drawn x;
    struct err e;
    (void)state;
    space_open(&x, "{}");
    assert_int_equal(sampler_count(x.s), 0);
    space_draw(&x, 2147483647);
    assert_err(sampler_suggest(x.s, -1, &x.pt, &e), ERR_NOTFOUND, &e);
    space_close(&x);
}

int random_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(every_point_lies_in_the_space),
        cmocka_unit_test(a_conditional_parameter_is_drawn_only_where_active),
        cmocka_unit_test(log_floats_are_uniform_in_the_logarithm),
        cmocka_unit_test(log_integers_have_the_share_of_their_widened_logarithm),
        cmocka_unit_test(plain_integers_steps_and_choices_are_uniform),
        cmocka_unit_test(parameters_are_independent_of_each_other),
        cmocka_unit_test(a_point_depends_on_seed_and_number_only),
        cmocka_unit_test(changing_one_range_leaves_the_others_draws_alone),
        cmocka_unit_test(stored_points_never_change),
        cmocka_unit_test(random_search_has_no_end),
    };
    return cmocka_run_group_tests_name("tune random", test, NULL, NULL);
}
