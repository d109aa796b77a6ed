/* The reference's gradients against finite differences of its own loss. */
#include <math.h>

#include "check.h"
#include "ref.h"

#define BATCH 3
#define PARAMS_MAX 400

struct problem {
    struct ref_net net;
    double beta;
    double theta[PARAMS_MAX], x[BATCH * 16], eps[BATCH * 16];
};

static double uniform(uint32_t stream, uint32_t i)
{
    uint32_t out[4];
    ref_philox(out, (uint32_t[]){i, stream, 0, 0}, (uint32_t[]){7, 11});
    return ((double)out[0] + 0.5) / 4294967296.0;
}

static void fill(struct problem *p)
{
    assert_true(ref_params(&p->net) <= PARAMS_MAX);
    for (uint32_t i = 0; i < ref_params(&p->net); i++) {
        p->theta[i] = 1.2 * (2 * uniform(1, i) - 1);
    }
    for (uint32_t i = 0; i < BATCH * 16; i++) {
        p->x[i] = uniform(2, i);
        p->eps[i] = 3 * uniform(3, i) - 1.5;
    }
}

/* Which units are on, as bits mixed into one word: changes when a step crosses a kink. */
static uint64_t pattern(const struct ref_pass *p)
{
    uint64_t hash = 1;
    for (int i = 0; i < ref_layers(p->net); i++) {
        struct ref_layer l = ref_layer(p->net, i);
        for (int j = 0; j < BATCH * l.out; j++) {
            bool cut = i == p->net->n_enc && (p->y[i][j] < p->net->s_min || p->y[i][j] > p->net->s_max);
            bool on = l.hidden && ref_act_has_kink(p->net->act) && p->pre[i][j] > 0;
            hash = hash * 6364136223846793005u + (cut ? 3 : on ? 2 : 1);
        }
    }
    return hash;
}

static double loss_at(struct problem *p, size_t i, double delta, uint64_t *kinks)
{
    double keep = p->theta[i];
    p->theta[i] = keep + delta;
    struct ref_pass *pass = ref_forward(&p->net, p->theta, p->x, p->eps, BATCH);
    p->theta[i] = keep;
    double loss = ref_loss(pass, p->beta);
    *kinks = pattern(pass);
    ref_pass_free(pass);
    return loss;
}

/* ggml's four points: error of order h^4, about 1e-13 here; rounding about 1e-15 * loss / h, about 1e-11. */
static void check_gradient(struct problem *p)
{
    double grad[PARAMS_MAX];
    const double h = 1e-3;
    size_t n = ref_params(&p->net), skipped = 0;
    struct ref_pass *pass = ref_forward(&p->net, p->theta, p->x, p->eps, BATCH);
    ref_backward(grad, pass, p->theta, p->beta);
    uint64_t here = pattern(pass), kinks[4];
    ref_pass_free(pass);
    for (size_t i = 0; i < n; i++) {
        double up = loss_at(p, i, h, &kinks[0]), up2 = loss_at(p, i, h / 2, &kinks[1]);
        double down2 = loss_at(p, i, -h / 2, &kinks[2]), down = loss_at(p, i, -h, &kinks[3]);
        if (kinks[0] != here || kinks[1] != here || kinks[2] != here || kinks[3] != here) {
            skipped++;
            continue;
        }
        assert_close(grad[i], (8 * (up2 - down2) - (up - down)) / (6 * h), 1e-10, 1e-6);
    }
    assert_true(skipped * 20 <= n);
}

static void check_depths(enum ref_act act, int n_enc, int n_dec)
{
    struct problem p = {.net = {.data = 6, .latent = 2, .act = act, .s_min = -HUGE_VAL, .s_max = HUGE_VAL},
                        .beta = 1.7};
    static const int width[] = {5, 4, 3};
    p.net.n_enc = n_enc;
    p.net.n_dec = n_dec;
    for (int i = 0; i < 3; i++) {
        p.net.enc[i] = width[i];
        p.net.dec[i] = width[2 - i] + 1;
    }
    fill(&p);
    check_gradient(&p);
    p.beta = 0;
    check_gradient(&p);
}

static void tanh_gradients_agree_at_every_depth(void **state)
{
    (void)state;
    for (int depth = 0; depth <= 3; depth++) {
        check_depths(REF_TANH, depth, depth);
    }
    check_depths(REF_TANH, 2, 0);
    check_depths(REF_TANH, 0, 1);
}

static void relu_gradients_agree_at_every_depth(void **state)
{
    (void)state;
    for (int depth = 0; depth <= 3; depth++) {
        check_depths(REF_RELU, depth, depth);
    }
    check_depths(REF_RELU, 1, 3);
}

static void gradients_of_every_activation_agree(void **state)
{
    (void)state;
    for (enum ref_act act = REF_LEAKY; act < REF_ACTS; act++) {
        check_depths(act, 1, 1);
        check_depths(act, 2, 3);
    }
}

/* One at a time, far out too, where a formula may cancel. */
static void slopes_are_the_derivatives(void **state)
{
    (void)state;
    const double h = 1e-3;
    for (enum ref_act act = REF_RELU; act < REF_ACTS; act++) {
        for (double x = -12.05; x < 12.1; x += 0.1) {
            double up = ref_act_value(x + h, act) - ref_act_value(x - h, act);
            double up2 = ref_act_value(x + h / 2, act) - ref_act_value(x - h / 2, act);
            assert_close(ref_act_slope(x, act), (8 * up2 - up) / (6 * h), 1e-11, 1e-9);
        }
    }
}

/* Half of the units, each row its own. Rows and widths of the problems here. */
static void drop_half(struct problem *p, double factor[REF_LAYER_MAX][BATCH * 8])
{
    for (int i = 0; i < ref_layers(&p->net); i++) {
        for (uint32_t j = 0; j < BATCH * 8; j++) {
            factor[i][j] = uniform(20 + (uint32_t)i, j) < 0.5 ? 0 : 2;
        }
        p->net.drop[i] = factor[i];
    }
}

static void gradients_through_norm_and_dropout_agree(void **state)
{
    (void)state;
    static double factor[REF_LAYER_MAX][BATCH * 8];
    for (int norm = 0; norm < 2; norm++) {
        for (int drop = 0; drop < 2; drop++) {
            struct problem p = {.net = {.data = 6, .latent = 2, .n_enc = 2, .enc = {5, 4}, .n_dec = 1, .dec = {7},
                                        .act = REF_TANH, .layer_norm = norm, .s_min = -HUGE_VAL, .s_max = HUGE_VAL},
                                .beta = 1.3};
            if (drop) {
                drop_half(&p, factor);
            }
            fill(&p);
            check_gradient(&p);
            p.net.act = REF_GELU;
            check_gradient(&p);
        }
    }
}

/* A row of 1 to 4: mean 2.5, variance 1.25. */
static void a_normalised_row_is_known(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4}, gain[] = {1, 1, 2, 0}, shift[] = {0, 1, 0, 5};
    double y[4], by = 1 / sqrt(1.25 + 1e-5);
    ref_layer_norm(y, x, gain, shift, 1, 4);
    assert_close(y[0], -1.5 * by, 1e-12, 0);
    assert_close(y[1], 1 - 0.5 * by, 1e-12, 0);
    assert_close(y[2], by, 1e-12, 0);
    assert_close(y[3], 5, 0, 0);
}

static void gradients_of_every_likelihood_agree(void **state)
{
    (void)state;
    for (enum ref_like like = REF_GAUSS_FIXED; like <= REF_GAUSS_OPTIMAL; like++) {
        struct problem p = {.net = {.data = 6, .latent = 2, .n_enc = 1, .enc = {5}, .n_dec = 1, .dec = {4},
                                    .act = REF_TANH, .like = like, .log_sigma = -0.7, .s_min = -HUGE_VAL,
                                    .s_max = HUGE_VAL}, .beta = 1.3};
        fill(&p);
        check_gradient(&p);
        p.theta[ref_params(&p.net) - 1] = -5; /* learned: where the floor is felt */
        p.beta = 0;
        check_gradient(&p);
    }
}

/* The KL of this problem is about 2 nats, its dimensions' between 0.2 and 2. */
static void gradients_of_a_controlled_kl_agree(void **state)
{
    (void)state;
    struct problem p = {.net = {.data = 6, .latent = 3, .n_enc = 1, .enc = {5}, .n_dec = 1, .dec = {4}, .act = REF_TANH,
                                .s_min = -HUGE_VAL, .s_max = HUGE_VAL}, .beta = 1.3};
    fill(&p);
    struct ref_pass *pass = ref_forward(&p.net, p.theta, p.x, p.eps, BATCH);
    double kl = pass->kl, least = fmin(pass->kl_dim[0], fmin(pass->kl_dim[1], pass->kl_dim[2]));
    double most = fmax(pass->kl_dim[0], fmax(pass->kl_dim[1], pass->kl_dim[2]));
    ref_pass_free(pass);
    p.net.capacity_weight = 3;
    for (int i = 0; i < 2; i++) {
        p.net.capacity = i ? kl / 2 : 2 * kl;
        check_gradient(&p);
    }
    p.net.capacity_weight = 0;
    p.net.free_bits = (least + most) / 2;
    check_gradient(&p);
    p.net.free_bits = 2 * most;
    check_gradient(&p);
}

static void gradients_agree_where_the_log_variance_is_cut(void **state)
{
    (void)state;
    struct problem p = {.net = {.data = 6, .latent = 3, .n_enc = 1, .enc = {5}, .n_dec = 1, .dec = {4}, .act = REF_TANH,
                                .s_min = -0.5, .s_max = 0.5}, .beta = 1};
    fill(&p);
    check_gradient(&p);
}

/* The loss itself, on a net small enough for pen and paper: W = 0 leaves the biases. */
static void loss_of_a_net_of_biases_is_known(void **state)
{
    (void)state;
    struct ref_net net = {.data = 2, .latent = 1, .s_min = -HUGE_VAL, .s_max = HUGE_VAL};
    /* heads: W (2, 2) = 0, b = (0.5, 0.2); logits: W (1, 2) = (0, 0), b = (2, -4) */
    double theta[] = {0, 0, 0, 0, 0.5, 0.2, 0, 0, 2, -4}, x[] = {1, 0.25, 1, 0.25}, eps[] = {1, -2}, grad[10];
    assert_int_equal(ref_params(&net), 10);
    struct ref_pass *p = ref_forward(&net, theta, x, eps, 2);
    ref_backward(grad, p, theta, 2);
    assert_close(p->rec, 0.1269280110 + 1.0181499279, 1e-9, 0);
    assert_close(p->kl, 0.5 * (0.25 + exp(0.2) - 1 - 0.2), 1e-12, 0);
    assert_close(p->kl_dim[0], p->kl, 1e-15, 0);
    assert_close(p->z[0], 0.5 + exp(0.1), 1e-12, 0);
    assert_close(p->z[1], 0.5 - 2 * exp(0.1), 1e-12, 0);
    assert_close(grad[8], -0.1192029220, 1e-9, 0);
    assert_close(grad[9], -0.2320137900, 1e-9, 0);
    assert_close(grad[4], 2 * 0.5, 1e-12, 0); /* beta * mu */
    assert_close(grad[5], 2 * 0.5 * (exp(0.2) - 1), 1e-12, 0);
    ref_pass_free(p);
}

int gradients_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_of_a_net_of_biases_is_known),
        cmocka_unit_test(tanh_gradients_agree_at_every_depth),
        cmocka_unit_test(relu_gradients_agree_at_every_depth),
        cmocka_unit_test(gradients_of_every_activation_agree),
        cmocka_unit_test(slopes_are_the_derivatives),
        cmocka_unit_test(gradients_through_norm_and_dropout_agree),
        cmocka_unit_test(a_normalised_row_is_known),
        cmocka_unit_test(gradients_of_every_likelihood_agree),
        cmocka_unit_test(gradients_of_a_controlled_kl_agree),
        cmocka_unit_test(gradients_agree_where_the_log_variance_is_cut),
    };
    return cmocka_run_group_tests_name("ref gradients", tests, NULL, NULL);
}
