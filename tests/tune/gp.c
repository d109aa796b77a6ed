#include "../../src/tune/gp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/tune/gp_search.h"
#include "../../src/tune/gp_suggest.h"
#include "../../src/tune/warp.h"
#include "check.h"
#include "made.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"

int gp_tests(void);

#define ROWS 40

/* Two floats, an integer, a choice, and under its first word a float, under its second another choice. */
struct model {
    struct preset p;
    struct space s;
    struct gp g;
    struct point pt[ROWS];
    double y[ROWS];
};

static void draw_point(struct point *out, const struct space *s, struct rng *rng)
{
    for (size_t d = 0; d < s->n; d++) {
        out->present[d] = dim_active(s, d, out->present, out->value);
        out->value[d] = out->present[d] ? dim_value(&s->dim[d], rng_uniform(rng)) : 0;
    }
}

static void open_model(struct model *m, size_t rows)
{
    struct rng rng = rng_start(rng_key(11, 0), RNG_SUGGEST, 0);
    double *f;
    made_init(&m->p);
    made_float(&m->p, 0, 1, false);
    made_float(&m->p, 1e-5, 1e-1, true);
    made_int(&m->p, 1, 40, false);
    made_choice(&m->p, "adam sgd rmsprop");
    made_float(&m->p, -2, 3, false);
    made_when(&m->p, 3, "adam");
    made_choice(&m->p, "relu tanh");
    made_when(&m->p, 3, "sgd");
    space_init(&m->s, &m->p);
    gp_init(&m->g, &m->s);
    for (size_t d = 0; d < m->s.n; d++) {
        m->g.theta.lambda[d] = 0.5 + 0.7 * (double)d;
    }
    m->g.theta.scale = 1.3;
    m->g.theta.noise = 0.02;
    f = xcalloc(m->g.n_features, sizeof *f);
    for (size_t i = 0; i < ROWS; i++) {
        point_init(&m->pt[i], &m->p);
        draw_point(&m->pt[i], &m->s, &rng);
        m->y[i] = sin(5 * m->pt[i].value[0]) + m->pt[i].value[2] / 20 - m->pt[i].value[3] + 0.1 * rng_normal(&rng);
        if (i < rows) {
            gp_features(f, &m->g, &m->pt[i]);
            gp_append(&m->g, f);
        }
    }
    gp_values(&m->g, m->y);
    free(f);
}

static void close_model(struct model *m)
{
    for (size_t i = 0; i < ROWS; i++) {
        point_release(&m->pt[i]);
    }
    gp_release(&m->g);
    space_release(&m->s);
    preset_release(&m->p);
}

static void the_kernel_matches_golden_values(void **state)
{
    (void)state;
    assert_close(gp_matern(.25), .828649142418, 2e-12, 0);
    assert_close(gp_matern(1), .523994108832, 2e-12, 0);
    assert_close(gp_matern(4), .138660219139, 2e-12, 0);
    assert_close(gp_matern_slope(0), -5.0 / 6, 1e-15, 0);
    for (double r2 = .01; r2 < 9; r2 *= 1.7) {
        assert_close(gp_matern_slope(r2), (gp_matern(r2 + 1e-6) - gp_matern(r2 - 1e-6)) / 2e-6, 1e-8, 1e-7);
    }
}

/* Straight from the definition of the distance, by dimension. */
static double naive_distance(const struct model *m, const struct point *a, const struct point *b)
{
    double r2 = 0;
    for (size_t d = 0; d < m->s.n; d++) {
        const struct dim *x = &m->s.dim[d];
        double apart = 0;
        if (a->present[d] != b->present[d]) {
            apart = 1;
        } else if (a->present[d] && x->choice) {
            apart = a->value[d] != b->value[d];
        } else if (a->present[d]) {
            double u = dim_unit(x, a->value[d]) - dim_unit(x, b->value[d]);
            apart = x->conditional ? 4 * pow(sin(u * 1.0471975511965977462 / 2), 2) : u * u;
        }
        r2 += m->g.theta.lambda[d] * apart;
    }
    return r2;
}

/* Solves a x = b by elimination with pivots; a and b are destroyed. */
static void naive_solve(double *a, double *b, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t p = k;
        for (size_t i = k; i < n; i++) {
            p = fabs(a[i * n + k]) > fabs(a[p * n + k]) ? i : p;
        }
        for (size_t j = 0; j < n; j++) {
            double t = a[k * n + j];
            a[k * n + j] = a[p * n + j];
            a[p * n + j] = t;
        }
        double t = b[k];
        b[k] = b[p];
        b[p] = t;
        for (size_t i = k + 1; i < n; i++) {
            double c = a[i * n + k] / a[k * n + k];
            for (size_t j = k; j < n; j++) {
                a[i * n + j] -= c * a[k * n + j];
            }
            b[i] -= c * b[k];
        }
    }
    for (size_t k = n; k-- > 0;) {
        for (size_t j = k + 1; j < n; j++) {
            b[k] -= a[k * n + j] * b[j];
        }
        b[k] /= a[k * n + k];
    }
}

static double naive_kernel(const struct model *m, const struct point *a, const struct point *b)
{
    double r = sqrt(5 * naive_distance(m, a, b));
    return m->g.theta.scale * (1 + r + r * r / 3) * exp(-r);
}

static void naive_posterior(const struct model *m, size_t rows, const struct point *at, double *mean, double *variance)
{
    double *a = xcalloc(rows * rows, sizeof *a), *b = xcalloc(rows, sizeof *b);
    for (int which = 0; which < 2; which++) {
        double dot = 0;
        for (size_t i = 0; i < rows; i++) {
            for (size_t j = 0; j < rows; j++) {
                a[i * rows + j] = naive_kernel(m, &m->pt[i], &m->pt[j]) + (i == j ? m->g.theta.noise : 0);
            }
            b[i] = which == 0 ? m->y[i] : naive_kernel(m, &m->pt[i], at);
        }
        naive_solve(a, b, rows);
        for (size_t i = 0; i < rows; i++) {
            dot += b[i] * naive_kernel(m, &m->pt[i], at);
        }
        *(which == 0 ? mean : variance) = which == 0 ? dot : m->g.theta.scale - dot;
    }
    free(a);
    free(b);
}

static void the_posterior_matches_a_naive_one(void **state)
{
    struct model m;
    double f[16 * 10], mean[10], variance[10];
    (void)state;
    open_model(&m, 30);
    for (size_t i = 0; i < 10; i++) {
        gp_features(f + i * m.g.n_features, &m.g, &m.pt[30 + i]);
    }
    gp_predict_many(&m.g, f, 10, mean, variance);
    for (size_t i = 0; i < 10; i++) {
        double want_mean = 0, want_variance = 0, one_mean, one_variance;
        naive_posterior(&m, 30, &m.pt[30 + i], &want_mean, &want_variance);
        assert_close(mean[i], want_mean, 1e-9, 0);
        assert_close(variance[i], want_variance, 1e-9, 0);
        gp_predict(&m.g, f + i * m.g.n_features, &one_mean, &one_variance);
        assert_close(one_mean, mean[i], 1e-12, 0);
        assert_close(one_variance, variance[i], 1e-12, 0);
    }
    close_model(&m);
}

static void appending_equals_factorising_anew(void **state)
{
    struct model m;
    double *grown;
    size_t cells;
    (void)state;
    open_model(&m, ROWS);
    cells = m.g.cap * ROWS;
    grown = xcalloc(cells, sizeof *grown);
    memcpy(grown, m.g.chol, cells * sizeof *grown);
    assert_true(gp_factorise(&m.g));
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j <= i; j++) {
            assert_close(m.g.chol[i * m.g.cap + j], grown[i * m.g.cap + j], 1e-12, 0);
        }
    }
    free(grown);
    close_model(&m);
}

static void growing_past_the_room_keeps_the_rows(void **state)
{
    struct model m;
    double f[16], before, after, v;
    (void)state;
    open_model(&m, ROWS);
    double y[200];
    memcpy(y, m.y, sizeof m.y);
    gp_features(f, &m.g, &m.pt[0]);
    gp_predict(&m.g, f, &before, &v);
    for (size_t i = ROWS; i < 200; i++) { /* 64 rows fit at first */
        gp_features(f, &m.g, &m.pt[i % ROWS]);
        gp_append(&m.g, f);
        y[i] = m.y[i % ROWS];
    }
    gp_values(&m.g, y);
    gp_truncate(&m.g, ROWS);
    gp_values(&m.g, y);
    gp_features(f, &m.g, &m.pt[0]);
    gp_predict(&m.g, f, &after, &v);
    assert_close(after, before, 1e-12, 0);
    close_model(&m);
}

static void the_fit_gradient_matches_finite_differences(void **state)
{
    struct model m;
    double t[8], slope[8];
    (void)state;
    open_model(&m, 25);
    for (int at = 0; at < 3; at++) {
        for (int k = 0; k < 8; k++) {
            t[k] = -1 + 0.5 * at + 0.2 * k;
        }
        t[7] = -3 - at;
        assert_true(isfinite(gp_loss(&m.g, t, slope)));
        for (int k = 0; k < 8; k++) {
            double keep = t[k], h = 1e-5, up, down;
            t[k] = keep + h;
            up = gp_loss(&m.g, t, NULL);
            t[k] = keep - h;
            down = gp_loss(&m.g, t, NULL);
            t[k] = keep;
            assert_close(slope[k], (up - down) / (2 * h), 1e-6, 1e-6);
        }
    }
    close_model(&m);
}

static void the_prediction_gradient_matches_finite_differences(void **state)
{
    struct model m;
    double f[16], dm[16], dv[16], mean, variance;
    (void)state;
    open_model(&m, 30);
    gp_features(f, &m.g, &m.pt[33]);
    gp_predict_slope(&m.g, f, &mean, &variance, dm, dv);
    for (size_t k = 0; k < m.g.n_features; k++) {
        double keep = f[k], h = 1e-5, m1, v1, m0, v0;
        f[k] = keep + h;
        gp_predict(&m.g, f, &m1, &v1);
        f[k] = keep - h;
        gp_predict(&m.g, f, &m0, &v0);
        f[k] = keep;
        assert_close(dm[k], (m1 - m0) / (2 * h), 1e-7, 1e-6);
        assert_close(dv[k], (v1 - v0) / (2 * h), 1e-7, 1e-6);
    }
    close_model(&m);
}

static void fitting_raises_the_posterior_density(void **state)
{
    struct model m;
    double before[8], after[8];
    (void)state;
    open_model(&m, ROWS);
    for (int k = 0; k < 8; k++) {
        before[k] = k < 6    ? log(m.g.theta.lambda[k])
                    : k == 6 ? log(m.g.theta.scale)
                             : log(m.g.theta.noise - GP_NOISE_LEAST);
    }
    double first = gp_loss(&m.g, before, NULL);
    gp_fit(&m.g, 60, true);
    for (int k = 0; k < 8; k++) {
        after[k] = k < 6    ? log(m.g.theta.lambda[k])
                   : k == 6 ? log(m.g.theta.scale)
                            : log(m.g.theta.noise - GP_NOISE_LEAST);
    }
    double last = gp_loss(&m.g, after, NULL);
    assert_true(last < first - 1);
    assert_true(m.g.theta.lambda[0] > 3 * m.g.theta.lambda[1]); /* the second number does not matter */
    close_model(&m);
}

static void values_are_warped_failures_below_the_worst(void **state)
{
    static const double v[] = {3, 1, NAN, 2, 1e9, 2.5, HUGE_VAL};
    double y[7], mean = 0;
    (void)state;
    warp_column(y, v, 7);
    assert_true(y[1] > y[3] && y[3] > y[5] && y[5] > y[0] && y[0] >= y[4]); /* order kept, smaller better */
    assert_true(y[2] < y[4] && y[6] == y[2]);
    assert_true(y[4] > -4); /* the outlier does not squeeze the others together */
    for (int i = 0; i < 7; i++) {
        mean += isfinite(v[i]) ? y[i] / 5 : 0;
    }
    assert_close(mean, 0, 1e-12, 0);
    static const double same[] = {4, 4, 4};
    warp_column(y, same, 3);
    assert_true(y[0] == y[1] && y[1] == y[2] && isfinite(y[0]));
}

static void fits_come_at_counts_that_grow_by_a_tenth(void **state)
{
    struct model m;
    struct gp_sampler gs;
    struct history h = {.objectives = 1};
    int fits[60] = {0};
    struct rng rng = rng_start(rng_key(3, 0), RNG_SUGGEST, 0);
    struct point pt;
    (void)state;
    open_model(&m, 0);
    point_init(&pt, &m.p);
    gp_sampler_init(&gs, &m.s);
    for (int n = 0; n < 60; n++) {
        struct seen t = {.number = n, .state = n == 4 ? SEEN_FAILED : SEEN_COMPLETE};
        draw_point(&pt, &m.s, &rng);
        t.value[0] = pt.value[0];
        history_observe(&h, &t, &pt);
        assert_int_equal(gp_sampler_catch_up(&gs, &h, 10), n >= 10); /* ten that say something, and the failed one */
        fits[n] = gs.fits;
    }
    assert_int_equal(fits[9], 0);
    assert_int_equal(fits[10], 1);
    assert_int_equal(fits[18], 9);
    assert_int_equal(fits[39] - fits[19], 8);
    assert_int_equal(fits[59] - fits[39], 5);
    history_release(&h);
    gp_sampler_release(&gs);
    point_release(&pt);
    close_model(&m);
}

static void searching_beats_every_drawn_point(void **state)
{
    struct model m;
    struct history h = {.objectives = 1};
    struct point out;
    struct rng rng = rng_start(rng_key(5, 0), RNG_SUGGEST, 0);
    (void)state;
    open_model(&m, 30);
    point_init(&out, &m.p);
    const struct point *near[] = {&m.pt[3]};
    struct gp_search q = {
        .gp = &m.g, .h = &h, .best = gp_best(&m.g, 30), .budget = 800, .seed = 1, .number = 40, .rng = rng};
    double found = gp_search(&q, &out, near, 1);
    assert_close(gp_log_ei(&q, &out), found, 1e-9, 0);
    for (int i = 0; i < 3000; i++) {
        draw_point(&m.pt[39], &m.s, &rng);
        assert_true(gp_log_ei(&q, &m.pt[39]) <= found + 1e-6);
    }
    point_release(&out);
    close_model(&m);
}

int gp_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(the_kernel_matches_golden_values),
        cmocka_unit_test(the_posterior_matches_a_naive_one),
        cmocka_unit_test(appending_equals_factorising_anew),
        cmocka_unit_test(growing_past_the_room_keeps_the_rows),
        cmocka_unit_test(the_fit_gradient_matches_finite_differences),
        cmocka_unit_test(the_prediction_gradient_matches_finite_differences),
        cmocka_unit_test(fitting_raises_the_posterior_density),
        cmocka_unit_test(values_are_warped_failures_below_the_worst),
        cmocka_unit_test(fits_come_at_counts_that_grow_by_a_tenth),
        cmocka_unit_test(searching_beats_every_drawn_point),
    };
    return cmocka_run_group_tests_name("tune gp", test, NULL, NULL);
}
