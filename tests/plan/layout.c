/* Padding, arenas, bytes, FLOPs and the pack key. */
#include <string.h>

#include "check.h"
#include "vaetop/plan/plan.h"

static struct net small(void)
{
    return (struct net){.data = 10, .n_enc = 2, .enc = {33, 7}, .n_dec = 1, .dec = {17}, .latent = 2, .batch = 31};
}

static struct plan made(const struct net *n, enum plan_kind kind)
{
    struct plan p;
    struct err e = {0};
    assert_ok(plan_make(&p, n, kind, &e), &e);
    return p;
}

static void layers_run_from_data_to_logits(void **state)
{
    (void)state;
    const struct net n = small();
    const struct plan p = made(&n, PLAN_PLAIN);
    const char *const name[] = {"encoder.0", "encoder.1", "heads", "decoder.0", "logits"};
    const int in[] = {10, 33, 7, 2, 17}, out[] = {33, 7, 2, 17, 10};
    assert_int_equal(p.n_layers, 5);
    assert_int_equal(p.heads, 2);
    for (int i = 0; i < 5; i++) {
        assert_string_equal(p.layer[i].name, name[i]);
        assert_int_equal(p.layer[i].in, in[i]);
        assert_int_equal(p.layer[i].out, out[i]);
        assert_int_equal(p.layer[i].activation, i != 2 && i != 4);
        if (i > 0 && i != 3) assert_int_equal(p.layer[i].x, p.layer[i - 1].y);
    }
    assert_int_equal(p.layer[2].out_pad, 32); /* mu in 16 columns, log-variance in 16 */
    assert_int_equal(p.layer[3].x, p.z);
}

static void sizes_are_padded_and_strides_odd(void **state)
{
    (void)state;
    const int widths[] = {1, 15, 16, 17, 32, 400, 1024};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        struct net n = small();
        n.enc[0] = widths[i];
        const struct plan p = made(&n, PLAN_CHAIN);
        for (int l = 0; l < p.n_layers; l++) {
            const struct plan_layer *y = &p.layer[l];
            assert_int_equal(y->in_pad % 16, 0);
            assert_int_equal(y->out_pad % 16, 0);
            assert_true(y->in_pad >= y->in && y->in_pad < y->in + 16);
            assert_true(y->ld >= y->out_pad && y->ld_in >= y->in_pad && y->ld_out >= y->out_pad);
            assert_int_equal(y->ld % 32, 16); /* an odd number of 64-byte lines */
            assert_int_equal(y->ld_in % 32, 16);
            assert_int_equal(y->ld_out % 32, 16);
            assert_int_equal(y->tiles, y->in_pad / 16 * (y->out_pad / 16));
        }
    }
}

/* Marks n floats from `at` in a map and fails where two users meet. */
static void occupy(unsigned char *map, size_t size, size_t at, size_t n)
{
    assert_true(at + n <= size);
    assert_int_equal(at % 16, 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(map[at + i], 0);
        map[at + i] = 1;
    }
}

static void arenas_do_not_overlap(void **state)
{
    (void)state;
    static unsigned char map[1 << 20];
    struct net n = small();
    n.layer_norm = true;
    const struct plan p = made(&n, PLAN_PLAIN);
    const size_t rows = (size_t)p.batch_pad;
    assert_int_equal(rows, 32);
    memset(map, 0, sizeof map);
    for (int i = 0; i < p.n_layers; i++) {
        occupy(map, p.params, p.layer[i].w, (size_t)p.layer[i].in_pad * (size_t)p.layer[i].ld);
        occupy(map, p.params, p.layer[i].b, (size_t)p.layer[i].out_pad);
        assert_int_equal(p.layer[i].gain > 0, p.layer[i].activation);
        if (p.layer[i].gain) occupy(map, p.params, p.layer[i].gain, 2 * (size_t)p.layer[i].out_pad);
    }
    memset(map, 0, sizeof map);
    occupy(map, p.acts, p.layer[0].x, rows * (size_t)p.layer[0].ld_in);
    occupy(map, p.acts, p.z, rows * (size_t)p.ld_z);
    occupy(map, p.acts, p.noise, rows * (size_t)p.ld_z);
    occupy(map, p.acts, p.dz, rows * (size_t)p.ld_z);
    for (int i = 0; i < p.n_layers; i++) {
        occupy(map, p.acts, p.layer[i].dy, rows * (size_t)p.layer[i].ld_out);
        if (i < p.n_layers - 1) occupy(map, p.acts, p.layer[i].y, rows * (size_t)p.layer[i].ld_out);
        if (p.layer[i].activation) occupy(map, p.acts, p.layer[i].pre, rows * (size_t)p.layer[i].ld_out);
        if (p.layer[i].gain) occupy(map, p.acts, p.layer[i].spread, rows);
        if (p.layer[i].gain) occupy(map, p.acts, p.layer[i].dgain, rows / 16 * 2 * (size_t)p.layer[i].out_pad);
    }
}

static void flops_are_those_of_the_true_sizes(void **state)
{
    (void)state;
    const struct net n = {.data = 784, .n_enc = 1, .enc = {400}, .n_dec = 1, .dec = {400}, .latent = 20, .batch = 128};
    const struct plan p = made(&n, PLAN_CHAIN);
    const double weights = 784 * 400 + 400 * 40 + 20 * 400 + 400 * 784;
    assert_close(p.step_flops, 128 * (6 * weights - 2 * 784 * 400), 0, 1e-12);
    assert_true(p.lane_bytes > 4 * 4 * net_params(&n));
    assert_true(p.lane_bytes < 2 * 4 * 4 * net_params(&n));
}

static void ring_and_evaluation_fit_any_batch(void **state)
{
    (void)state;
    const int batches[] = {1, 16, 128, 4096, 65536, 1 << 20};
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        struct net n = small();
        n.batch = batches[i];
        const struct plan p = made(&n, PLAN_CHAIN);
        assert_true(p.ring_steps >= 1 && p.ring_steps <= PLAN_RING_STEPS_MAX);
        assert_true(p.eval_steps >= 1 && p.eval_steps <= p.ring_steps);
    }
}

static void key_tells_shapes_apart_but_not_paddings(void **state)
{
    (void)state;
    const struct net base = small();
    const struct plan p = made(&base, PLAN_CHAIN);
    const uint64_t key = plan_pack_key(&p, 7);
    struct net same = base;
    same.enc[0] = 40; /* 33 and 40 pad to 48 */
    same.latent = 16;
    same.activation = ACT_TANH;
    struct plan q = made(&same, PLAN_CHAIN);
    assert_true(plan_pack_key(&q, 7) == key);
    assert_true(plan_pack_key(&p, 8) != key);
    q = made(&base, PLAN_PLAIN);
    assert_true(plan_pack_key(&q, 7) != key);
    struct net other[12] = {base, base, base, base, base, base, base, base, base, base, base, base};
    other[0].data = 11;
    other[1].batch = 32;
    other[2].enc[0] = 49;
    other[3].latent = 17;
    other[4].n_enc = 1;
    other[5].dec[0] = 16;
    other[6].third_moment = true;
    other[7].likelihood = LIKE_GAUSS_FIXED;
    other[8].kl_control = true;
    other[9].norm = true;
    other[10].ema = true;
    other[11].layer_norm = true;
    for (int i = 0; i < 12; i++) {
        q = made(&other[i], i == 8 ? PLAN_PLAIN : PLAN_CHAIN);
        assert_true(plan_pack_key(&q, 7) != key);
    }
}

static void an_impossible_network_is_refused(void **state)
{
    (void)state;
    struct plan p;
    struct err e = {0};
    struct net n = small();
    n.latent = 0;
    assert_err(plan_make(&p, &n, PLAN_PLAIN, &e), ERR_USAGE, &e);
    n = small();
    n.n_enc = NET_HIDDEN_MAX + 1;
    assert_err(plan_make(&p, &n, PLAN_PLAIN, &e), ERR_USAGE, &e);
    n = small();
    n.enc[0] = n.enc[1] = PLAN_DIM_MAX;
    assert_err(plan_make(&p, &n, PLAN_PLAIN, &e), ERR_USAGE, &e);
    assert_has(e.text, "use smaller layers");
}

static void the_deepest_network_is_planned(void **state)
{
    (void)state;
    struct net n = {.data = 561, .n_enc = NET_HIDDEN_MAX, .n_dec = NET_HIDDEN_MAX, .latent = 17, .batch = 33};
    for (int i = 0; i < NET_HIDDEN_MAX; i++) n.enc[i] = n.dec[i] = 5 + i;
    const struct plan p = made(&n, PLAN_CHAIN);
    assert_int_equal(p.n_layers, 2 * NET_HIDDEN_MAX + 2);
    assert_string_equal(p.layer[NET_HIDDEN_MAX].name, "heads");
}

static void chain_is_for_cpus(void **state)
{
    (void)state;
    const struct net n = small();
    struct net batch[2] = {small(), small()};
    struct plan p;
    struct err e;
    batch[0].kl_control = true;
    batch[1].likelihood = LIKE_GAUSS_OPTIMAL;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(plan_default(true, &batch[i]), PLAN_PLAIN);
        assert_err(plan_make(&p, &batch[i], PLAN_CHAIN, &e), ERR_USAGE, &e);
    }
    assert_int_equal(plan_default(true, &n), PLAN_CHAIN);
    assert_int_equal(plan_default(false, &n), PLAN_PLAIN);
    assert_string_equal(plan_kind_name(PLAN_CHAIN), "chain");
    assert_string_equal(plan_kind_name(PLAN_PLAIN), "plain");
}

int layout_tests(void);
int layout_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_run_from_data_to_logits),
        cmocka_unit_test(sizes_are_padded_and_strides_odd),
        cmocka_unit_test(arenas_do_not_overlap),
        cmocka_unit_test(flops_are_those_of_the_true_sizes),
        cmocka_unit_test(ring_and_evaluation_fit_any_batch),
        cmocka_unit_test(key_tells_shapes_apart_but_not_paddings),
        cmocka_unit_test(an_impossible_network_is_refused),
        cmocka_unit_test(the_deepest_network_is_planned),
        cmocka_unit_test(chain_is_for_cpus),
    };
    return cmocka_run_group_tests_name("plan layout", tests, NULL, NULL);
}
