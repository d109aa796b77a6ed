#include "../../src/tune/tpe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/tune/normal.h"
#include "../../src/tune/parzen.h"
#include "check.h"
#include "made.h"
#include "space.h"
#include "vaetop/tune/sampler.h"

int tpe_tests(void);

#define N(array) (sizeof(array) / sizeof *(array))
#define GOLD 2e-12

static void tails_of_the_normal_match_published_numbers(void **state)
{
    (void)state;
    assert_close(normal_log_mass(-1, 1), -.381715146302, GOLD, 0);
    assert_close(normal_log_mass(2, 3), -3.844353426334, GOLD, 0);
    assert_close(normal_log_mass(-9, -8), -35.013618593437, 1e-11, 0);
    assert_close(normal_log_mass(8, 9), -35.013618593437, 1e-11, 0);
    assert_close(normal_log_mass(-30, -29), -424.78741990973, 1e-10, 0);
    assert_close(normal_cut_quantile(.5, -1, 2), .171163918018, GOLD, 0);
    assert_close(normal_cut_quantile(.9, 3, 5), 3.642030914653, GOLD, 0);
    assert_close(normal_cut_quantile(.1, -10, -9), -9.249353376365, GOLD, 0);
    assert_close(normal_log_cdf(-10), -53.231285150512, 1e-11, 0);
    assert_close(normal_log_cdf(-37), -689.030585576891, 1e-10, 0);
}

static void quantiles_invert_the_distribution(void **state)
{
    (void)state;
    for (double x = -36; x <= 8; x += 0.37) {
        assert_close(normal_from_log_cdf(normal_log_cdf(x)), x, 1e-7, 1e-9);
    }
    assert_true(normal_cut_quantile(0, -1, 1) == -1);
    assert_close(normal_cut_quantile(1 - 1e-16, -1, 1), 1, 1e-6, 0);
}

/* The scaled complement by its continued fraction K = x + (1/2)/(x + 1/(x + (3/2)/(x + ...))). */
static void the_scaled_complement_matches_its_continued_fraction(void **state)
{
    (void)state;
    for (double x = 6; x < 60; x *= 1.013) {
        double k = x;
        for (int i = 120; i >= 1; i--) {
            k = x + 0.5 * i / k;
        }
        assert_close(normal_erfcx(x), 0.56418958354775628695 / k, 0, 2e-14);
    }
}

/* Against Simpson's rule for the integral of exp((a^2 - t^2) / 2) from a to b, on both sides of 0. */
static void far_masses_match_an_integral(void **state)
{
    enum { PARTS = 4000 };
    (void)state;
    for (double a = 10; a < 60; a *= 1.21) {
        for (double width = 1e-4; width < 2; width *= 3.7) {
            double b = a + width, sum = 0, end = width < 60 / a ? width : 60 / a;
            for (int i = 0; i <= PARTS; i++) {
                double d = end * i / PARTS;
                sum += (i == 0 || i == PARTS ? 1 : i % 2 ? 4 : 2) * exp(-0.5 * d * (2 * a + d));
            }
            double want = log(sum * end / PARTS / 3) - 0.5 * a * a - 0.91893853320467274178;
            assert_close(normal_log_mass(a, b), want, 1e-8, 1e-11);
            assert_close(normal_log_mass(-b, -a), want, 1e-8, 1e-11);
        }
    }
}

static void log_expected_improvement_matches_sixty_digits(void **state)
{
    static const double gold[][2] = {
        {3, 1.0987396653277},      {1, 0.0800262188493},      {0, -0.9189385332047},     {-1, -2.4851210257126},
        {-2, -4.7687835239171},    {-5, -16.744301162661},    {-10, -55.5531220361224},  {-25, -319.861463581496},
        {-26, -345.439546722318},  {-40, -808.29856835662},   {-100, -5010.12957880025}, {-1e3, -500014.734452091},
        {-1e6, -500000000028.55},
    };
    (void)state;
    for (size_t i = 0; i < N(gold); i++) {
        double z = gold[i][0];
        double h = normal_log_ei(z);
        assert_close(h, gold[i][1], 2e-12, 2e-14);
        if (fabs(z) < 100) {
            double d = 1e-5;
            double slope = (normal_log_ei(z + d) - normal_log_ei(z - d)) / (2 * d);
            assert_close(normal_log_ei_slope(z, h), slope, 1e-6, 1e-6);
        }
    }
}

/* One dimension or a few, observed, with every weight 1. */
struct density {
    struct preset p;
    struct space s;
    struct parzen z;
    size_t dim[4];
};

static void open_density(struct density *d, const double *obs, size_t n)
{
    double weight[64];
    for (size_t i = 0; i <= n; i++) {
        weight[i] = 1;
    }
    space_init(&d->s, &d->p);
    for (size_t j = 0; j < 4; j++) {
        d->dim[j] = j;
    }
    parzen_init(&d->z, &d->s, d->dim, d->s.n, obs, n, weight);
}

static void close_density(struct density *d)
{
    parzen_release(&d->z);
    space_release(&d->s);
    preset_release(&d->p);
}

static void check_row(const double *got, const double *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_close(got[i], want[i], 1e-11, 0);
    }
}

static void check_density(const struct density *d, const double (*at)[2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_close(parzen_log_density(&d->z, &at[i][0]), at[i][1], GOLD, 0);
    }
}

static void float_densities_match_the_golden_ones(void **state)
{
    struct density d;
    (void)state;
    made_init(&d.p);
    made_float(&d.p, 0, 1, false);
    open_density(&d, (const double[]){.1, .5, .9, .45}, 4);
    check_row(d.z.sigma, (const double[]){.35, .4, .4, .35, 1}, 5);
    check_density(
        &d, (const double[][2]){{0, -.216394674983}, {.3, .098419966997}, {.5, .122820856618}, {1, -.326028852615}}, 4);
    parzen_release(&d.z);
    space_release(&d.s);
    open_density(&d, (const double[]){.2}, 1);
    check_row(d.z.sigma, (const double[]){.8, 1}, 2);
    check_density(&d, (const double[][2]){{.2, .062605291328}, {.9, -.142414630719}}, 2);
    parzen_release(&d.z);
    space_release(&d.s);
    open_density(&d, NULL, 0);
    check_density(&d, (const double[][2]){{.2, -.004022199509}}, 1);
    close_density(&d);
}

static void log_float_densities_match_the_golden_ones(void **state)
{
    struct density d;
    (void)state;
    made_init(&d.p);
    made_float(&d.p, 1e-5, 1e-1, true);
    open_density(&d, (const double[]){1e-3, 1e-4, 2e-3}, 3);
    check_row(d.z.mu, (const double[]){-6.907755278982, -9.210340371976, -6.214608098422, -6.907755278982}, 4);
    check_row(d.z.sigma, (const double[]){2.302585092994, 2.302585092994, 1.842068074395, 9.210340371976}, 4);
    check_density(&d, (const double[][2]){{1e-3, -1.855681425544}, {1e-5, -2.760579881058}, {.05, -2.997828238228}}, 3);
    close_density(&d);
}

static void integer_densities_match_the_golden_ones(void **state)
{
    struct density d;
    (void)state;
    made_init(&d.p);
    made_int(&d.p, 1, 8, false);
    open_density(&d, (const double[]){2, 3, 8}, 3);
    check_row(d.z.sigma, (const double[]){1.6, 5, 5, 8}, 4);
    check_density(&d, (const double[][2]){{1, -1.966176651694}, {3, -1.865222997789}, {8, -2.369589474615}}, 3);
    close_density(&d);
    made_init(&d.p);
    made_int(&d.p, 1, 64, true);
    open_density(&d, (const double[]){2, 16, 64}, 3);
    check_row(d.z.sigma, (const double[]){2.079441541680, 2.079441541680, 1.386294361120, 4.859812404362}, 4);
    assert_close(d.z.mu[3], 1.736759021621, 1e-11, 0);
    check_density(&d, (const double[][2]){{1, -1.875556805792}, {16, -4.161467654670}, {64, -5.496274604998}}, 3);
    close_density(&d);
}

static void categories_and_products_match_the_golden_ones(void **state)
{
    struct density d;
    (void)state;
    made_init(&d.p);
    made_choice(&d.p, "a b c");
    open_density(&d, (const double[]){0, 2, 2}, 3);
    check_density(&d, (const double[][2]){{0, -1.098612288668}, {1, -1.658228076604}, {2, -.741937344729}}, 3);
    close_density(&d);
    made_init(&d.p);
    made_float(&d.p, 0, 1, false);
    made_choice(&d.p, "a b");
    open_density(&d, (const double[]){.1, 0, .5, 1, .9, 1}, 3);
    assert_close(parzen_log_density(&d.z, (const double[]){.1, 0}), -.661551877737, GOLD, 0);
    assert_close(parzen_log_density(&d.z, (const double[]){.6, 1}), -.378638936451, GOLD, 0);
    close_density(&d);
}

static void draws_follow_the_density(void **state)
{
    struct density d;
    int count[24] = {0};
    double share[24], sum = 0;
    struct rng rng = rng_start(rng_key(7, 0), RNG_SUGGEST, 0);
    (void)state;
    made_init(&d.p);
    made_int(&d.p, 1, 8, true);
    made_choice(&d.p, "a b c");
    open_density(&d, (const double[]){2, 0, 3, 2, 8, 2}, 3);
    for (int i = 0; i < 40000; i++) {
        double x[2];
        parzen_draw(&d.z, &rng, x);
        count[((int)x[0] - 1) * 3 + (int)x[1]]++;
    }
    for (int i = 0; i < 24; i++) {
        share[i] = exp(parzen_log_density(&d.z, (const double[]){i / 3 + 1, i % 3}));
        sum += share[i];
    }
    assert_close(sum, 1, 1e-9, 0);
    assert_fits(count, share, 24, 23 + 3.09 * sqrt(46) + 4, "draws");
    close_density(&d);
}

static void the_good_share_is_capped(void **state)
{
    (void)state;
    assert_int_equal(tpe_below(10, .1), 1);
    assert_int_equal(tpe_below(11, .1), 2);
    assert_int_equal(tpe_below(100, .1), 10);
    assert_int_equal(tpe_below(250, .1), 25);
    assert_int_equal(tpe_below(1000, .1), 25);
    assert_int_equal(tpe_below(100, .15), 15);
    assert_int_equal(tpe_below(0, .15), 0);
}

static void old_trials_weigh_less(void **state)
{
    double w[30];
    (void)state;
    parzen_age_weights(w, 30);
    check_row(w, (const double[]){1 / 30., .275, 1.55 / 3, 2.275 / 3, 1, 1, 1}, 7);
    parzen_age_weights(w, 24);
    assert_true(w[0] == 1 && w[23] == 1);
}

static void tell(struct history *h, struct point *pt, int number, enum seen_state st, double value, int step,
                 double broken)
{
    struct seen t = {.number = number, .state = st, .value = {value, 0}, .step = step, .violation = broken};
    pt->present[0] = true;
    pt->value[0] = number / 100.;
    history_observe(h, &t, pt);
}

static void good_trials_are_best_values_then_longest_pruned_then_least_broken(void **state)
{
    struct preset p;
    struct space s;
    struct history h = {.objectives = 1};
    struct point pt;
    struct tpe_split sp;
    static const int order[] = {5, 3, 8, 6, 7, 2, 9}; /* what is taken in, one more each time */
    (void)state;
    made_init(&p);
    made_float(&p, 0, 1, false);
    space_init(&s, &p);
    point_init(&pt, &p);
    tell(&h, &pt, 1, SEEN_FAILED, 0, 0, 0);
    tell(&h, &pt, 2, SEEN_COMPLETE, 0, 0, .5); /* breaks a requirement */
    tell(&h, &pt, 3, SEEN_COMPLETE, 2, 0, 0);
    tell(&h, &pt, 4, SEEN_RUNNING, 0, 0, 0);
    tell(&h, &pt, 5, SEEN_COMPLETE, 1, 0, 0);
    tell(&h, &pt, 6, SEEN_PRUNED, 9, 4, 0);
    tell(&h, &pt, 7, SEEN_PRUNED, (double)NAN, 0, 0);
    tell(&h, &pt, 8, SEEN_PRUNED, 9, 7, 0);
    tell(&h, &pt, 9, SEEN_COMPLETE, 0, 0, .7);
    tell(&h, &pt, 10, SEEN_COMPLETE, (double)NAN, 0, 0);
    for (size_t k = 1; k <= N(order); k++) {
        bool in = false;
        tpe_split(&sp, &s, &h, 0, ((double)k - .5) / 9);
        assert_int_equal(sp.n_good, k);
        assert_int_equal(sp.n_good + sp.n_rest, 10); /* 4 runs, and is among the rest */
        for (size_t i = 0; i < k; i++) {
            in = in || sp.good[i]->seen.number == order[k - 1];
            assert_true(i == 0 || sp.good[i]->seen.number > sp.good[i - 1]->seen.number);
        }
        assert_true(in);
        assert_int_equal(sp.by_value, k <= 2);
        tpe_split_release(&sp);
    }
    tpe_split(&sp, &s, &h, 0, 1);
    assert_int_equal(sp.n_good, 7); /* failed ones are never good */
    tpe_split_release(&sp);
    tell(&h, &pt, 5, SEEN_LEFT_OUT, 0, 0, 0);
    tpe_split(&sp, &s, &h, 0, .1);
    assert_int_equal(sp.good[0]->seen.number, 3);
    tpe_split_release(&sp);
    point_release(&pt);
    history_release(&h);
    space_release(&s);
    preset_release(&p);
}

int tpe_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(tails_of_the_normal_match_published_numbers),
        cmocka_unit_test(quantiles_invert_the_distribution),
        cmocka_unit_test(the_scaled_complement_matches_its_continued_fraction),
        cmocka_unit_test(far_masses_match_an_integral),
        cmocka_unit_test(log_expected_improvement_matches_sixty_digits),
        cmocka_unit_test(float_densities_match_the_golden_ones),
        cmocka_unit_test(log_float_densities_match_the_golden_ones),
        cmocka_unit_test(integer_densities_match_the_golden_ones),
        cmocka_unit_test(categories_and_products_match_the_golden_ones),
        cmocka_unit_test(draws_follow_the_density),
        cmocka_unit_test(the_good_share_is_capped),
        cmocka_unit_test(old_trials_weigh_less),
        cmocka_unit_test(good_trials_are_best_values_then_longest_pruned_then_least_broken),
    };
    return cmocka_run_group_tests_name("tune tpe", test, NULL, NULL);
}
