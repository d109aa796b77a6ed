/* The mixture of Gaussians: what it finds, what it draws, what it bears. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "vaetop/base/rng.h"
#include "vaetop/train/use.h"

#define N 3000

/* Two thirds around (4, 0) with covariance [[1, 0.8], [0.8, 1]], the rest around (-4, 1) with 0.25 I. */
static void two_clouds(float *x)
{
    struct rng rng = rng_start(rng_key(9, -1), RNG_SAMPLE, 0);
    for (size_t i = 0; i < N; i++) {
        const double a = rng_normal(&rng), b = rng_normal(&rng);
        x[2 * i] = (float)(i % 3 ? 4 + a : -4 + 0.5 * a);
        x[2 * i + 1] = (float)(i % 3 ? 0.8 * a + 0.6 * b : 1 + 0.5 * b);
    }
}

static void two_clouds_are_found(void **state)
{
    (void)state;
    static float x[2 * N];
    struct mixture m;
    struct err e;
    two_clouds(x);
    assert_ok(mixture_fit(&m, x, N, 2, 2, 0, &e), &e);
    assert_int_equal(m.k, 2);
    const size_t big = m.weight[0] > m.weight[1] ? 0 : 1, small = 1 - big;
    assert_close(m.weight[big], 2 / 3.0, 0.01, 0);
    assert_close(m.weight[0] + m.weight[1], 1, 1e-12, 0);
    assert_close(m.mean[2 * big], 4, 0.1, 0);
    assert_close(m.mean[2 * big + 1], 0, 0.1, 0);
    assert_close(m.mean[2 * small], -4, 0.1, 0);
    assert_close(m.mean[2 * small + 1], 1, 0.1, 0);
    double sum = 0, squares = 0; /* of the smaller cloud's first dimension */
    for (size_t i = 0; i < N; i += 3) {
        sum += (double)x[2 * i] / (N / 3);
        squares += (double)x[2 * i] * (double)x[2 * i] / (N / 3);
    }
    const double *l = m.cholesky + 4 * big;
    assert_close(l[0] * l[0], 1, 0.1, 0);
    assert_close(l[0] * l[2], 0.8, 0.1, 0);
    assert_close(l[2] * l[2] + l[3] * l[3], 1, 0.1, 0);
    l = m.cholesky + 4 * small;
    assert_close(l[0] * l[0], squares - sum * sum, 1e-3, 0); /* about 1/4 */
    /* The entropy of such a pair, the clouds being apart: sum of w (1 + log 2 pi + log det / 2 - log w). */
    const double want = 2 / 3.0 * (1 + log(6.2831853) + log(0.6) - log(2 / 3.0)) +
                        1 / 3.0 * (1 + log(6.2831853) + log(0.25) - log(1 / 3.0));
    assert_close(m.log_likelihood, -want, 0.1, 0);
    mixture_release(&m);
}

static void samples_have_the_points_moments(void **state)
{
    (void)state;
    static float x[2 * N], z[2 * N], again[2 * N];
    struct mixture m;
    struct err e;
    double mean[2][2] = {{0}}, cross[2] = {0};
    two_clouds(x);
    assert_ok(mixture_fit(&m, x, N, 2, 10, 3, &e), &e);
    assert_int_equal(m.k, 10);
    mixture_sample(&m, z, N, 3);
    mixture_sample(&m, again, N, 3);
    assert_memory_equal(z, again, sizeof z);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < 2; j++) {
            mean[0][j] += (double)x[2 * i + j] / N;
            mean[1][j] += (double)z[2 * i + j] / N;
        }
        cross[0] += (double)x[2 * i] * (double)x[2 * i + 1] / N;
        cross[1] += (double)z[2 * i] * (double)z[2 * i + 1] / N;
    }
    assert_close(mean[1][0], mean[0][0], 0.3, 0);
    assert_close(mean[1][1], mean[0][1], 0.1, 0);
    assert_close(cross[1], cross[0], 0.3, 0);
    mixture_release(&m);
}

static void idle_dimensions_and_equal_points_are_borne(void **state)
{
    (void)state;
    static float x[3 * 200];
    struct mixture m;
    struct err e;
    struct rng rng = rng_start(rng_key(1, -1), RNG_SAMPLE, 0);
    for (size_t i = 0; i < 200; i++) {
        x[3 * i] = (float)rng_normal(&rng); /* the other two never move */
    }
    assert_ok(mixture_fit(&m, x, 200, 3, 10, 0, &e), &e);
    assert_true(isfinite(m.log_likelihood));
    mixture_release(&m);
    memset(x, 0, sizeof x);
    assert_ok(mixture_fit(&m, x, 200, 3, 10, 0, &e), &e);
    float z[3];
    mixture_sample(&m, z, 1, 0);
    assert_close(z[0], 0, 0.1, 0);
    mixture_release(&m);
    assert_ok(mixture_fit(&m, x, 1, 3, 10, 0, &e), &e);
    assert_int_equal(m.k, 1);
    mixture_release(&m);
    x[5] = NAN;
    assert_err(mixture_fit(&m, x, 200, 3, 10, 0, &e), ERR_NONFINITE, &e);
    assert_err(mixture_fit(&m, x, 1, MIXTURE_DIM_MAX + 1, 10, 0, &e), ERR_USAGE, &e);
    assert_has(e.text, "prior");
}

int mixture_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_clouds_are_found),
        cmocka_unit_test(samples_have_the_points_moments),
        cmocka_unit_test(idle_dimensions_and_equal_points_are_borne),
    };
    return cmocka_run_group_tests_name("train mixture", tests, NULL, NULL);
}
