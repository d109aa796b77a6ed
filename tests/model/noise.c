/* Random numbers made in kernels: Philox, normals, the epoch's order. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shape.h"

#include "vaetop/base/alloc.h"

static void philox_in_the_kernel_gives_the_published_answers(void **state)
{
    (void)state;
    struct err e;
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } kat[] = { /* kat_vectors of Random123, philox4x32 10 */
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof kat / sizeof *kat; i++) {
        uint32_t out[4];
        assert_ok(probe_philox(test_device(), kat[i].key, kat[i].counter, out, 1, &e), &e);
        assert_memory_equal(out, kat[i].want, sizeof out);
    }
}

static void philox_in_the_kernel_is_the_host_s(void **state)
{
    (void)state;
    struct err e;
    enum { N = 333 };
    static uint32_t counter[4 * N], out[4 * N];
    const struct rng_key key = {{77, 0xdeadbeef}};
    for (uint32_t i = 0; i < N; i++) {
        const uint32_t c[4] = {i, i * 2654435761u, ~i, 3 | i << 8};
        memcpy(counter + 4 * i, c, sizeof c);
    }
    assert_ok(probe_philox(test_device(), key.k, counter, out, N, &e), &e);
    for (int i = 0; i < N; i++) {
        uint32_t host[4], ref[4];
        rng_philox(host, counter + 4 * i, key);
        ref_philox(ref, counter + 4 * i, key.k);
        assert_memory_equal(host, ref, sizeof ref);
        assert_memory_equal(out + 4 * i, ref, sizeof ref);
    }
}

/* Rounding a uniform u to a float moves it by up to FLT_EPSILON / 4 of itself below 1: the radius sqrt(-2 ln u) then
 * moves by that over the radius (near u = 1 by the root of it), the angle 2 pi u by 2 pi times that; the functions
 * themselves add a few roundings of the radius. */
static double normal_tolerance(double radius)
{
    double u = (double)FLT_EPSILON;
    return fmin(u / radius, sqrt(2 * u)) + u * radius * (2 * acos(-1.0) + 8);
}

static void check_noise(const struct pack_lane *lane, const struct pack_step *step, uint32_t j)
{
    enum { ROWS = 517 };
    struct err e;
    static float got[ROWS];
    assert_ok(probe_normals(test_device(), lane, step, j, got, ROWS, &e), &e);
    for (uint32_t r = 0; r < ROWS; r++) {
        uint32_t word[4];
        double want[4];
        ref_philox(word, (uint32_t[]){j, r / 4, step->step_lo, step->stream}, lane->key);
        ref_box_muller(want, word[0], word[1]);
        ref_box_muller(want + 2, word[2], word[3]);
        double radius = hypot(want[r % 4 & ~1u], want[(r % 4) | 1u]);
        assert_close(got[r], want[r % 4], normal_tolerance(radius), 0);
        assert_close(latent_noise(lane, step, r, j), want[r % 4], 1e-12, 1e-12);
    }
}

static void training_noise_is_box_muller_of_philox(void **state)
{
    (void)state;
    const struct pack_lane lane = {.key = {123456789, 987654321}};
    struct pack_step step;
    pack_step_train(&step, &lane, 0, 97, 16, (struct step_rates){.lr = 1e-3, .beta = 1});
    check_noise(&lane, &step, 0);
    check_noise(&lane, &step, 16);
    pack_step_train(&step, &lane, 0x1234567890, 97, 16, (struct step_rates){.lr = 1e-3, .beta = 1}); /* beyond 32 bits */
    assert_int_equal(step.step_lo, 0x34567890);
    assert_int_equal(step.stream, RNG_LATENT | 0x12 << 8);
    check_noise(&lane, &step, 3);
}

static void noise_of_neighbouring_steps_rows_and_trials_is_unrelated(void **state)
{
    (void)state;
    enum { N = 4000 };
    static double z[3][N];
    struct pack_lane lane[2] = {{.key = {0, 0}}, {.key = {0, 0}}};
    struct pack_step step[2];
    for (int i = 0; i < 2; i++) {
        memcpy(lane[i].key, rng_key(5, i).k, sizeof lane[i].key);
        pack_step_train(&step[i], &lane[0], i, 97, 16, (struct step_rates){.lr = 1e-3, .beta = 1});
    }
    for (uint32_t i = 0; i < N; i++) {
        z[0][i] = latent_noise(&lane[0], &step[0], i % 200, i / 200);
        z[1][i] = latent_noise(&lane[1], &step[0], i % 200, i / 200);
        z[2][i] = latent_noise(&lane[0], &step[1], i % 200, i / 200);
    }
    for (int a = 0; a < 3; a++) {
        for (int b = 0; b < 3; b++) {
            double sum = 0, shifted = 0;
            for (int i = 0; i < N; i++) {
                sum += z[a][i] * z[b][i] / N;
                shifted += z[a][i] * z[b][(i + 1) % N] / N;
            }
            assert_close(sum, a == b ? 1.0 : 0.0, 5 * sqrt(2.0 / N), 0); /* five standard errors */
            assert_close(shifted, 0.0, 5 * sqrt(1.0 / N), 0);
        }
    }
}

static void the_epoch_s_order_is_a_permutation_the_same_on_the_device(void **state)
{
    (void)state;
    struct err e;
    static const uint32_t size[] = {1, 2, 3, 5, 16, 17, 63, 64, 65, 97, 1000, 8000};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        uint32_t key[4], *got = xcalloc(size[i], sizeof *got);
        bool *seen = xcalloc(size[i], sizeof *seen);
        shuffle_key(key, rng_key(1, 2), (int64_t)i);
        assert_ok(probe_order(test_device(), key, got, size[i], &e), &e);
        for (uint32_t j = 0; j < size[i]; j++) {
            assert_int_equal(got[j], shuffle_at(key, size[i], j));
            assert_true(got[j] < size[i]);
            assert_false(seen[got[j]]);
            seen[got[j]] = true;
        }
        free(got);
        free(seen);
    }
}

/* Over many epochs every row comes equally often to every place, and neighbours part. */
static void orders_are_even(void **state)
{
    (void)state;
    enum { N = 37, EPOCHS = 3700 };
    static int count[N][N];
    int kept = 0;
    memset(count, 0, sizeof count);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        uint32_t key[4];
        shuffle_key(key, rng_key(8, 0), epoch);
        for (uint32_t i = 0; i < N; i++) {
            count[i][shuffle_at(key, N, i)]++;
            kept += shuffle_at(key, N, (i + 1) % N) == (shuffle_at(key, N, i) + 1) % N;
        }
    }
    double chi2 = 0, mean = (double)EPOCHS / N;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            chi2 += (count[i][j] - mean) * (count[i][j] - mean) / mean;
        }
    }
    double freedom = (N - 1) * (N - 1);
    assert_close(chi2, freedom, 6 * sqrt(2 * freedom), 0); /* six standard deviations of chi squared */
    double expected = (double)EPOCHS * N / (N - 1);        /* a given row follows by chance one time in N - 1 */
    assert_close(kept, expected, 6 * sqrt(expected), 0);
}

int noise_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_in_the_kernel_gives_the_published_answers),
        cmocka_unit_test(philox_in_the_kernel_is_the_host_s),
        cmocka_unit_test(training_noise_is_box_muller_of_philox),
        cmocka_unit_test(noise_of_neighbouring_steps_rows_and_trials_is_unrelated),
        cmocka_unit_test(the_epoch_s_order_is_a_permutation_the_same_on_the_device),
        cmocka_unit_test(orders_are_even),
    };
    return cmocka_run_group_tests_name("model noise", tests, NULL, NULL);
}
