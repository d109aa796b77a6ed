/* What every sampler that learns must do, whatever it computes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "made.h"
#include "space.h"
#include "vaetop/base/rng.h"

int samplers_tests(void);

static const enum sampler_kind learns[] = {SAMPLER_SOBOL, SAMPLER_TPE, SAMPLER_GP, SAMPLER_AUTO};
#define N_LEARNS (sizeof learns / sizeof *learns)

struct study {
    struct preset p;
    struct sampler *s;
    struct point pt;
};

/* float 0, log float 1, log int 2, choice 3 (adam sgd rmsprop), float 4 only if adam, int 5 only if sgd */
static void open_study(struct study *x, enum sampler_kind kind, int seed)
{
    struct err e;
    made_init(&x->p);
    made_float(&x->p, 0, 1, false);
    made_float(&x->p, 1e-5, 1e-1, true);
    made_int(&x->p, 1, 64, true);
    made_choice(&x->p, "adam sgd rmsprop");
    made_float(&x->p, .5, .999, false);
    made_when(&x->p, 3, "adam");
    made_int(&x->p, 0, 3, false);
    made_when(&x->p, 3, "sgd");
    x->p.base.num[KNOB_STUDY_SAMPLER] = kind;
    x->p.base.num[KNOB_STUDY_SEED] = seed;
    assert_ok(sampler_new(&x->s, &x->p, &e), &e);
    point_init(&x->pt, &x->p);
}

static void close_study(struct study *x)
{
    point_release(&x->pt);
    sampler_free(x->s);
    preset_release(&x->p);
}

static double loss(const struct point *pt)
{
    double f = pow(pt->value[0] - .3, 2) + pow(log10(pt->value[1]) + 3, 2) / 4 + fabs(log2(pt->value[2]) - 4) / 10;
    return f + (pt->value[3] == 0 ? pow(pt->value[4] - .9, 2) : pt->value[3] == 1 ? .1 + pt->value[5] / 10 : .2);
}

static void tell(struct study *x, int number, enum seen_state st, double value)
{
    struct seen t = {.number = number, .state = st, .value = {value, 0}};
    sampler_observe(x->s, &t, &x->pt);
}

static void ask(struct study *x, int number)
{
    struct err e;
    assert_ok(sampler_suggest(x->s, number, &x->pt, &e), &e);
}

static void check_in_space(const struct study *x)
{
    struct config c;
    struct err e;
    assert_ok(preset_apply(&c, &x->p, &x->pt, &e), &e);
    for (size_t r = 0; r < x->p.n_ranges; r++) {
        assert_int_equal(x->pt.present[r], range_active(&x->p, r, &c));
    }
    config_release(&c);
}

/* Large rates diverge, bad ones are pruned, every seventh trial goes on running. */
static enum seen_state outcome(const struct study *x, int n)
{
    if (n % 7 == 6) {
        return SEEN_RUNNING;
    }
    return x->pt.value[1] > 2e-2 ? SEEN_FAILED : loss(&x->pt) > .8 ? SEEN_PRUNED : SEEN_COMPLETE;
}

static void run(struct study *x, int from, int to)
{
    for (int n = from; n < to; n++) {
        ask(x, n);
        tell(x, n, SEEN_RUNNING, 0);
        tell(x, n, outcome(x, n), loss(&x->pt));
    }
}

static void suggestions_lie_in_the_space(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_LEARNS; k++) {
        struct study x;
        open_study(&x, learns[k], 3);
        for (int n = 0; n < 40; n++) {
            run(&x, n, n + 1);
            check_in_space(&x);
            assert_true(sampler_why(x.s)->text[0] != '\0');
        }
        close_study(&x);
    }
}

static void assert_same_point(const struct point *a, const struct point *b)
{
    for (size_t d = 0; d < a->n; d++) {
        assert_int_equal(a->present[d], b->present[d]);
        assert_true(!a->present[d] || a->value[d] == b->value[d]);
    }
}

/* The history told to a new sampler in one go, as after the advisor was killed. */
static void a_suggestion_is_a_function_of_seed_number_and_history(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_LEARNS; k++) {
        struct study a, b;
        open_study(&a, learns[k], 5);
        open_study(&b, learns[k], 5);
        for (int n = 0; n < 34; n++) {
            run(&a, n, n + 1);
            point_release(&b.pt);
            point_copy(&b.pt, &a.pt);
            struct seen t = {.number = n, .state = outcome(&a, n), .value = {loss(&a.pt), 0}};
            sampler_observe(b.s, &t, &b.pt);
        }
        ask(&a, 34);
        ask(&b, 34);
        assert_same_point(&a.pt, &b.pt);
        assert_int_equal(sampler_why(a.s)->fit, sampler_why(b.s)->fit);
        assert_int_equal(sampler_why(a.s)->finished, sampler_why(b.s)->finished);
        ask(&a, 35);
        ask(&a, 34); /* asking changes nothing */
        assert_same_point(&a.pt, &b.pt);
        close_study(&a);
        close_study(&b);
    }
}

static const enum sampler_kind all[] = {SAMPLER_RANDOM, SAMPLER_GRID, SAMPLER_SOBOL,
                                        SAMPLER_TPE,    SAMPLER_GP,   SAMPLER_AUTO};

/* Of 20: five numbers, each with adam alone and with sgd at three settings. */
static size_t index_of(const struct point *pt)
{
    return (size_t)(pt->value[0] - 1) * 4 + (size_t)(pt->value[1] == 0 ? 0 : 1 + pt->value[2]);
}

/* Ended, failed, running and enqueued trials alike; what was given out and not taken may come again. */
static void no_point_of_a_discrete_space_comes_twice(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        struct study x;
        struct err e;
        bool seen[20] = {false};
        made_init(&x.p);
        made_int(&x.p, 1, 5, false);
        made_choice(&x.p, "adam sgd");
        made_int(&x.p, 0, 2, false);
        made_when(&x.p, 1, "sgd");
        x.p.base.num[KNOB_STUDY_SAMPLER] = all[k];
        x.p.base.num[KNOB_STUDY_STARTUP] = 4;
        assert_ok(sampler_new(&x.s, &x.p, &e), &e);
        point_init(&x.pt, &x.p);
        for (int n = 0; n < 20; n++) {
            if (n == 0) { /* by hand: {3, sgd, 1} */
                x.pt.present[0] = x.pt.present[1] = x.pt.present[2] = true;
                x.pt.value[0] = 3;
                x.pt.value[1] = x.pt.value[2] = 1;
            } else {
                ask(&x, n);
            }
            size_t at = index_of(&x.pt);
            if (seen[at]) {
                fail_msg("sampler %d gives point %zu twice, in trial %d", all[k], at, n);
            }
            seen[at] = true;
            tell(&x, n, SEEN_RUNNING, 0);
            if (n % 5 != 3) {
                tell(&x, n, n % 5 == 4 && all[k] != SAMPLER_GRID ? SEEN_FAILED : SEEN_COMPLETE, x.pt.value[0] + x.pt.value[1]);
            }
        }
        assert_err(sampler_suggest(x.s, 20, &x.pt, &e), ERR_NOTFOUND, &e);
        assert_has(e.text, all[k] == SAMPLER_GRID ? "the grid has 20 cells, all of them given out" : "all 20 points");
        tell(&x, 7, SEEN_FORGOTTEN, 0);
        ask(&x, 20);
        tell(&x, 20, SEEN_RUNNING, 0);
        assert_err(sampler_suggest(x.s, 21, &x.pt, &e), ERR_NOTFOUND, &e);
        close_study(&x);
    }
}

static void learning_beats_the_first_trials(void **state)
{
    (void)state;
    for (size_t k = 1; k < N_LEARNS; k++) {
        struct study x;
        double first = 1e9, best = 1e9;
        open_study(&x, learns[k], 1);
        for (int n = 0; n < 60; n++) {
            run(&x, n, n + 1);
            first = n < 10 ? fmin(first, loss(&x.pt)) : first;
            best = fmin(best, loss(&x.pt));
        }
        assert_true(best < 0.7 * first);
        close_study(&x);
    }
}

static void an_empty_space_has_one_point(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_LEARNS; k++) {
        struct study x;
        struct err e;
        made_init(&x.p);
        x.p.base.num[KNOB_STUDY_SAMPLER] = learns[k];
        assert_ok(sampler_new(&x.s, &x.p, &e), &e);
        point_init(&x.pt, &x.p);
        ask(&x, 0);
        tell(&x, 0, SEEN_COMPLETE, 1);
        assert_err(sampler_suggest(x.s, 1, &x.pt, &e), ERR_NOTFOUND, &e);
        close_study(&x);
    }
}

int samplers_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(suggestions_lie_in_the_space),
        cmocka_unit_test(a_suggestion_is_a_function_of_seed_number_and_history),
        cmocka_unit_test(no_point_of_a_discrete_space_comes_twice),
        cmocka_unit_test(learning_beats_the_first_trials),
        cmocka_unit_test(an_empty_space_has_one_point),
    };
    return cmocka_run_group_tests_name("tune samplers", test, NULL, NULL);
}
