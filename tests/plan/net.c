/* From knobs to a network. */
#include <string.h>

#include "check.h"
#include "vaetop/plan/plan.h"

static void set(struct config *c, enum knob k, const char *text)
{
    struct err e = {0};
    assert_ok(config_set(c, k, text, &e), &e);
}

static void defaults_are_784_400_20(void **state)
{
    (void)state;
    struct config c;
    struct net n;
    struct err e = {0};
    config_init(&c);
    assert_ok(net_from_config(&n, &c, 784, &e), &e);
    assert_int_equal(n.data, 784);
    assert_int_equal(n.n_enc, 1);
    assert_int_equal(n.enc[0], 400);
    assert_int_equal(n.n_dec, 1);
    assert_int_equal(n.dec[0], 400);
    assert_int_equal(n.latent, 20);
    assert_int_equal(n.batch, 128);
    assert_int_equal(n.activation, ACT_RELU);
    assert_int_equal(net_params(&n), 652824); /* as PyTorch counts its example */
    config_release(&c);
}

static void decoder_mirrors_encoder_unless_given(void **state)
{
    (void)state;
    struct config c;
    struct net n;
    struct err e = {0};
    config_init(&c);
    set(&c, KNOB_MODEL_ENCODER, "512,256,64");
    assert_ok(net_from_config(&n, &c, 10, &e), &e);
    assert_int_equal(n.n_enc, 3);
    assert_int_equal(n.n_dec, 3);
    assert_int_equal(n.dec[0], 64);
    assert_int_equal(n.dec[1], 256);
    assert_int_equal(n.dec[2], 512);
    set(&c, KNOB_MODEL_DECODER, "33");
    assert_ok(net_from_config(&n, &c, 10, &e), &e);
    assert_int_equal(n.n_dec, 1);
    assert_int_equal(n.dec[0], 33);
    config_release(&c);
}

static void depth_zero_has_no_hidden_layers(void **state)
{
    (void)state;
    struct config c;
    struct net n;
    struct err e = {0};
    config_init(&c);
    set(&c, KNOB_MODEL_DEPTH, "0");
    set(&c, KNOB_MODEL_LATENT, "2");
    assert_ok(net_from_config(&n, &c, 10, &e), &e);
    assert_int_equal(n.n_enc + n.n_dec, 0);
    assert_int_equal(net_params(&n), 11 * 4 + 3 * 10);
    config_release(&c);
}

static void rows_without_values_are_refused(void **state)
{
    (void)state;
    struct config c;
    struct net n;
    struct err e = {0};
    config_init(&c);
    assert_err(net_from_config(&n, &c, 0, &e), ERR_USAGE, &e);
    assert_has(e.text, "0 values per row");
    assert_err(net_from_config(&n, &c, (size_t)PLAN_DIM_MAX + 1, &e), ERR_USAGE, &e);
    config_release(&c);
}

int net_tests(void);
int net_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_784_400_20),
        cmocka_unit_test(decoder_mirrors_encoder_unless_given),
        cmocka_unit_test(depth_zero_has_no_hidden_layers),
        cmocka_unit_test(rows_without_values_are_refused),
    };
    return cmocka_run_group_tests_name("plan net", tests, NULL, NULL);
}
