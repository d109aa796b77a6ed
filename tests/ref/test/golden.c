/* Numbers known from elsewhere: closed forms, PyTorch's optimisers, Random123's known-answer file. */
#include <math.h>

#include "check.h"
#include "ref.h"

static void kl_and_bernoulli_have_known_values(void **state)
{
    (void)state;
    assert_close(ref_kl(0.5, 0.2) + ref_kl(-1, -0.3), 0.6561104895, 1e-10, 0);
    assert_true(ref_kl(0, 0) == 0);
    assert_true(ref_kl(0, 1e-7) >= 0 && ref_kl(0, -1e-7) >= 0);
    assert_close(ref_bernoulli(2, 1), 0.1269280110, 1e-10, 0);
    assert_close(ref_bernoulli_grad(2, 1), -0.1192029220, 1e-10, 0);
    assert_close(ref_bernoulli(-4, 0.25), 1.0181499279, 1e-10, 0);
    assert_close(ref_bernoulli_grad(-4, 0.25), -0.2320137900, 1e-10, 0);
    assert_close(ref_bernoulli(30, 0), 30.0, 1e-10, 0);
    assert_close(ref_bernoulli(-100, 1), 100.0, 1e-10, 0);
    assert_close(ref_bernoulli_grad(-100, 1), -1.0, 1e-10, 0);
    assert_close(ref_bernoulli_grad(-1000, 0), 0.0, 1e-10, 0);
}

static void gauss_has_known_values(void **state)
{
    (void)state;
    assert_close(ref_gauss(0.3, 0.8, -0.6), 0.7339531485, 1e-10, 0);
    assert_close(ref_gauss(0, 0, 0), 0.5 * log(2 * acos(-1.0)), 1e-15, 0);
    assert_close(ref_sigma_floored(-6), -6 + log(2), 1e-12, 0);
    assert_close(ref_sigma_floored(3), 3, 2e-4, 0);
    assert_true(ref_sigma_floored(-40) >= -6);
}

/* PyTorch's at -1 and 1: leaky_relu, elu, silu, gelu (not the tanh form), softplus. */
static void activations_have_known_values(void **state)
{
    (void)state;
    static const double want[][2] = {[REF_RELU] = {0, 1},
                                     [REF_TANH] = {-0.7615941560, 0.7615941560},
                                     [REF_LEAKY] = {-0.01, 1},
                                     [REF_ELU] = {-0.6321205588, 1},
                                     [REF_SILU] = {-0.2689414214, 0.7310585786},
                                     [REF_GELU] = {-0.1586552539, 0.8413447461},
                                     [REF_SOFTPLUS] = {0.3132616875, 1.3132616875}};
    for (enum ref_act act = REF_RELU; act < REF_ACTS; act++) {
        assert_close(ref_act_value(-1, act), want[act][0], 1e-10, 0);
        assert_close(ref_act_value(1, act), want[act][1], 1e-10, 0);
    }
}

/* The KL in closed form against the mean of log q(z) - log p(z) over z = mu + sigma eps, by a midpoint rule in eps:
 * ties the KL, the reparameterisation and the meaning of s together. */
static void kl_is_the_integral_it_stands_for(void **state)
{
    (void)state;
    double mu = 0.7, s = -0.8, sum = 0, h = 1e-3;
    for (double eps = -10 + h / 2; eps < 10; eps += h) {
        double z = ref_reparam(mu, s, eps);
        double weight = h * exp(-eps * eps / 2) / sqrt(2 * acos(-1.0));
        sum += weight * (0.5 * z * z - 0.5 * eps * eps - 0.5 * s);
    }
    assert_close(ref_kl(mu, s), sum, 1e-9, 0);
}

/* theta starts at 1; the gradients are 0.1, -0.2, 0.3. */
static void check_trace(const struct ref_opt *o, double lr, const double want[3])
{
    double theta = 1, m = 0, v = 0, grad[3] = {0.1, -0.2, 0.3};
    for (int t = 1; t <= 3; t++) {
        ref_update(&theta, &m, &v, &grad[t - 1], 1, o, lr, t);
        assert_close(theta, want[t - 1], 1e-10, 0);
    }
}

static void optimisers_follow_pytorch(void **state)
{
    (void)state;
    check_trace(&(struct ref_opt){.kind = REF_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8}, 1e-3,
                (double[]){0.9990000001, 0.9993661036, 0.9990228625});
    check_trace(&(struct ref_opt){.kind = REF_RMSPROP, .alpha = 0.99, .eps = 1e-8}, 1e-2,
                (double[]){0.9000001000, 0.9895323561, 0.9091819282});
    check_trace(&(struct ref_opt){.kind = REF_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01},
                1e-3, (double[]){0.9989900001, 0.9993461137, 0.9989928792});
    check_trace(&(struct ref_opt){.kind = REF_SGD, .momentum = 0.9, .nesterov = true}, 0.1,
                (double[]){0.981, 1.0109, 0.96281});
    /* By hand: velocity 0.1, -0.11, 0.201. */
    check_trace(&(struct ref_opt){.kind = REF_SGD, .momentum = 0.9}, 0.1, (double[]){0.99, 1.001, 0.9809});
    /* By hand: decayed gradients 0.6, 0.27, 0.7565. */
    check_trace(&(struct ref_opt){.kind = REF_SGD, .weight_decay = 0.5}, 0.1, (double[]){0.94, 0.913, 0.83735});
    /* By hand, alpha 1/2, eps 1: v .005, mean .05, spread .0025; then .0225, -.075, .016875. */
    double average = 0;
    double first = 1 - 0.1 * 0.1 / 1.05, second = first + 0.1 * 0.2 / (1 + sqrt(0.016875));
    double third = second - 0.1 * 0.3 / (1 + sqrt(0.05625 - 0.1125 * 0.1125));
    check_trace(&(struct ref_opt){.kind = REF_RMSPROP, .alpha = 0.5, .eps = 1, .average = &average}, 0.1,
                (double[]){first, second, third});
    /* By hand: shortened to 0.1 long; a longer one changes nothing; the moving mean keeps 1/10, 2/11. */
    const double clip1 = 1 - 0.01 / 1.00001, clip2 = clip1 + 0.01 / 1.000005, clip3 = clip2 - 0.01 / (1 + 1e-5 / 3);
    check_trace(&(struct ref_opt){.kind = REF_SGD, .clip = 0.1}, 0.1, (double[]){clip1, clip2, clip3});
    check_trace(&(struct ref_opt){.kind = REF_SGD, .skip = 0.25}, 0.1, (double[]){0.99, 1.01, 1.01});
    double mean = 1;
    check_trace(&(struct ref_opt){.kind = REF_SGD, .skip = 0.25, .ema = 0.9, .mean = &mean}, 0.1,
                (double[]){0.99, 1.01, 1.01});
    assert_close(mean, (0.1 + 0.9 * 0.99) * 2 / 11 + 1.01 * 9 / 11, 1e-12, 0);
    /* By hand, alpha 0 and eps 0: g / |g| is 1, -1, 1; the buffer 1, -0.5, 0.75. */
    check_trace(&(struct ref_opt){.kind = REF_RMSPROP, .momentum = 0.5}, 0.1, (double[]){0.9, 0.95, 0.875});
}

static void schedules_have_the_right_ends(void **state)
{
    (void)state;
    assert_close(ref_beta_linear(4, 0, 10), 0.0, 0, 0);
    assert_close(ref_beta_linear(4, 5, 10), 2.0, 1e-15, 0);
    assert_close(ref_beta_linear(4, 10, 10), 4.0, 1e-15, 0);
    assert_close(ref_beta_linear(4, 1000, 10), 4.0, 1e-15, 0);
    assert_close(ref_beta_linear(4, 0, 0), 4.0, 0, 0);
    assert_close(ref_beta_sigmoid(2, 5, 10), 1.0, 1e-15, 0);
    assert_close(ref_beta_sigmoid(1, 0, 10), 0.0024726232, 1e-9, 0);
    assert_close(ref_beta_sigmoid(1, 10, 10), 0.9975273768, 1e-9, 0);
    assert_close(ref_beta_sigmoid(1, 0, 0), 1.0, 0, 0);
    assert_close(ref_beta_cyclical(2, 0, 40, 4, 0.5), 0.0, 0, 0);
    assert_close(ref_beta_cyclical(2, 3, 40, 4, 0.5), 1.2, 1e-15, 0);
    assert_close(ref_beta_cyclical(2, 5, 40, 4, 0.5), 2.0, 1e-15, 0);
    assert_close(ref_beta_cyclical(2, 9, 40, 4, 0.5), 2.0, 1e-15, 0);
    assert_close(ref_beta_cyclical(2, 32, 40, 4, 0.5), 0.8, 1e-15, 0);
    assert_close(ref_lr_cosine(0.1, 0, 100), 0.1, 1e-15, 0);
    assert_close(ref_lr_cosine(0.1, 25, 100), 0.05 * (1 + sqrt(0.5)), 1e-15, 0);
    assert_close(ref_lr_cosine(0.1, 50, 100), 0.05, 1e-15, 0);
    assert_close(ref_lr_cosine(0.1, 100, 100), 0.0, 1e-15, 0);
    assert_close(ref_lr_cosine(0.1, 150, 100), 0.0, 1e-15, 0);
    assert_close(ref_lr_step(0.1, 9, 0.5, 10), 0.1, 1e-15, 0);
    assert_close(ref_lr_step(0.1, 10, 0.5, 10), 0.05, 1e-15, 0);
    assert_close(ref_lr_step(0.1, 39, 0.5, 10), 0.0125, 1e-15, 0);
    assert_close(ref_lr_exponential(0.1, 5, 0.25, 10), 0.05, 1e-15, 0);
    assert_close(ref_lr_exponential(0.1, 30, 0.5, 10), 0.0125, 1e-15, 0);
    assert_close(ref_lr_warmup(0, 4), 0.25, 0, 0);
    assert_close(ref_lr_warmup(3, 4), 1.0, 0, 0);
    assert_close(ref_lr_warmup(0, 0), 1.0, 0, 0);
    /* Not better by a tenth three times in a row, with a patience of two; also below zero, where a share of the best
     * would have the wrong sign. */
    const double value[] = {-1, -2, -2.05, -2.05, -2.05, -2.05, -3, -3, -3, -3};
    assert_close(ref_plateau(value, 4, 0.1, 2, 0.1), 1.0, 0, 0);
    assert_close(ref_plateau(value, 5, 0.1, 2, 0.1), 0.1, 1e-15, 0);
    assert_close(ref_plateau(value, 9, 0.1, 2, 0.1), 0.1, 1e-15, 0);
    assert_close(ref_plateau(value, 10, 0.1, 2, 0.1), 0.01, 1e-15, 0);
}

/* kat_vectors of Random123, philox4x32 10. */
static void philox_gives_the_published_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } kat[] = {
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
        ref_philox(out, kat[i].counter, kat[i].key);
        assert_memory_equal(out, kat[i].want, sizeof out);
    }
}

static void normals_have_the_moments_of_a_normal(void **state)
{
    (void)state;
    double moment[5] = {0};
    const int n = 20000;
    for (uint32_t i = 0; i < (uint32_t)n / 4; i++) {
        uint32_t block[4];
        double z[4];
        ref_philox(block, (uint32_t[]){i, 0, 0, 0}, (uint32_t[]){1, 2});
        ref_box_muller(z, block[0], block[1]);
        ref_box_muller(z + 2, block[2], block[3]);
        for (int j = 0; j < 4; j++) {
            for (int k = 1; k <= 4; k++) {
                moment[k] += pow(z[j], k) / n;
            }
        }
    }
    /* Five standard errors: 1, 2, 15 and 96 are the variances of z, z^2, z^3 and z^4. */
    assert_close(moment[1], 0.0, 5 * sqrt(1.0 / n), 0);
    assert_close(moment[2], 1.0, 5 * sqrt(2.0 / n), 0);
    assert_close(moment[3], 0.0, 5 * sqrt(15.0 / n), 0);
    assert_close(moment[4], 3.0, 5 * sqrt(96.0 / n), 0);
    double z[2];
    ref_box_muller(z, 0, 0); /* the smallest word: far out, but finite */
    assert_close(z[0], sqrt(2 * log(2.0) * 33), 1e-8, 0);
    assert_close(z[1], z[0] * 3.14159265358979 / 4294967296.0, 1e-12, 0);
}

int golden_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kl_and_bernoulli_have_known_values),
        cmocka_unit_test(gauss_has_known_values),
        cmocka_unit_test(activations_have_known_values),
        cmocka_unit_test(kl_is_the_integral_it_stands_for),
        cmocka_unit_test(optimisers_follow_pytorch),
        cmocka_unit_test(schedules_have_the_right_ends),
        cmocka_unit_test(philox_gives_the_published_answers),
        cmocka_unit_test(normals_have_the_moments_of_a_normal),
    };
    return cmocka_run_group_tests_name("ref golden", tests, NULL, NULL);
}
