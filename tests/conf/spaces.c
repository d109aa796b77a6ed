/* Points by hand, and spaces that change. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "vaetop/conf/search_space.h"

int spaces_tests(void);

static const char yaml[] = "model:\n"
                           "  depth: 1 .. 3\n"
                           "  latent: 2 .. 64 log\n"
                           "  dropout: 0 .. 0.5 step 0.1\n"
                           "  activation: relu | tanh\n"
                           "optimizer:\n"
                           "  kind: adam | sgd\n"
                           "  lr:\n"
                           "    - 1e-4 .. 1e-2 log if kind = adam\n"
                           "    - 1e-5 .. 1e-3 log if kind = sgd\n";

static void made(struct preset *p, const char *text)
{
    struct err e;
    assert_ok(preset_parse(p, text, strlen(text), "test", &e), &e);
    assert_ok(preset_check(p, &e), &e);
}

static size_t range_at(const struct preset *p, enum knob k, size_t i)
{
    for (size_t r = 0; r < p->n_ranges; r++) {
        if (p->range[r].knob == k && i-- == 0) {
            return r;
        }
    }
    fail_msg("%s has no such range", knob_info(k)->full);
    return 0;
}

static void what_is_not_given_is_drawn_and_named(void **state)
{
    struct preset p;
    struct point a, b, c;
    struct sbuf drawn = {0};
    struct err e;
    (void)state;
    made(&p, yaml);
    size_t sgd_lr = range_at(&p, KNOB_OPTIMIZER_LR, 1), adam_lr = range_at(&p, KNOB_OPTIMIZER_LR, 0);
    assert_ok(point_compose(&a, &drawn, &p, NULL, "optimizer.kind=sgd; lr=5e-4; dropout=0.3", 7, &e), &e);
    assert_true(a.present[sgd_lr]);
    assert_false(a.present[adam_lr]);
    assert_close(a.value[sgd_lr], 5e-4, 0, 0);
    assert_close(a.value[range_at(&p, KNOB_MODEL_DROPOUT, 0)], 0.3, 0, 0);
    assert_non_null(strstr(drawn.text, "latent"));
    assert_non_null(strstr(drawn.text, "activation"));
    assert_null(strstr(drawn.text, "lr"));
    assert_ok(point_compose(&b, &drawn, &p, NULL, "kind=sgd; lr=5e-4; dropout=0.3", 7, &e), &e);
    assert_memory_equal(a.value, b.value, a.n * sizeof *a.value); /* the same number, the same draw */
    assert_ok(point_compose(&c, &drawn, &p, NULL, "kind=sgd; lr=5e-4; dropout=0.3", 8, &e), &e);
    assert_memory_not_equal(a.value, c.value, a.n * sizeof *a.value);
    point_release(&b);
    sbuf_clear(&drawn);
    /* A clone keeps what is not changed, and draws only what its change makes active. */
    assert_ok(point_compose(&b, &drawn, &p, &a, "latent=16", 9, &e), &e);
    assert_int_equal(drawn.len, 0);
    assert_close(b.value[sgd_lr], 5e-4, 0, 0);
    point_release(&b);
    assert_ok(point_compose(&b, &drawn, &p, &a, "kind=adam", 9, &e), &e);
    assert_string_equal(drawn.text, "lr");
    assert_true(b.value[adam_lr] >= 1e-4 && b.value[adam_lr] <= 1e-2);
    point_release(&a);
    point_release(&b);
    point_release(&c);
    sbuf_release(&drawn);
    preset_release(&p);
}

static void what_the_space_does_not_hold_is_refused_with_its_range(void **state)
{
    static const struct {
        const char *given, *says;
    } bad[] = {{"lr=0.5; kind=adam", "0.0001 .. 0.01 log if"}, {"latent=128", "2 .. 64 log"},
               {"dropout=0.25", "0 .. 0.5 step 0.1"},         {"activation=gelu", "relu | tanh"},
               {"batch=64", "is not searched: it is"},        {"latent=big", "big"},
               {"latnet=4", "latent"},                        {"latent", "section.knob=VALUE"}};
    struct preset p;
    struct point pt;
    struct sbuf drawn = {0};
    struct err e;
    (void)state;
    made(&p, yaml);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_err(point_compose(&pt, &drawn, &p, NULL, bad[i].given, 0, &e), ERR_USAGE, &e);
        if (!strstr(e.text, bad[i].says)) {
            fail_msg("%s: %s", bad[i].given, e.text);
        }
    }
    sbuf_release(&drawn);
    preset_release(&p);
}

static void a_configuration_is_a_point_when_all_of_it_fits(void **state)
{
    struct preset p, q;
    struct point a, b;
    struct sbuf drawn = {0};
    struct config c;
    struct err e;
    (void)state;
    made(&p, yaml);
    made(&q, "model:\n  depth: 2\n  latent: 2 .. 32\n  dropout: 0 | 0.3\n  activation: tanh\n"
             "optimizer:\n  kind: sgd\n  lr: 1e-5 .. 1e-2 log\n");
    assert_ok(point_compose(&a, &drawn, &p, NULL, "depth=2; latent=9; dropout=0.3; activation=tanh; kind=sgd; lr=5e-4", 0, &e),
              &e);
    assert_ok(preset_apply(&c, &p, &a, &e), &e);
    assert_ok(point_of_config(&b, &q, &c, &e), &e);
    assert_close(b.value[range_at(&q, KNOB_MODEL_LATENT, 0)], 9, 0, 0);
    assert_close(b.value[range_at(&q, KNOB_MODEL_DROPOUT, 0)], 1, 0, 0);
    point_release(&b);
    config_release(&c);
    assert_ok(config_set(&q.base, KNOB_TRAIN_BATCH, "32", &e), &e);
    assert_ok(preset_apply(&c, &p, &a, &e), &e);
    assert_err(point_of_config(&b, &q, &c, &e), ERR_USAGE, &e);
    assert_non_null(strstr(e.text, "train.batch"));
    config_release(&c);
    point_release(&a);
    sbuf_release(&drawn);
    preset_release(&p);
    preset_release(&q);
}

static void a_range_narrows_extends_and_gains_choices(void **state)
{
    struct preset wide, narrow;
    struct point a, b;
    struct sbuf drawn = {0};
    struct err e;
    enum knob k;
    (void)state;
    made(&wide, yaml);
    preset_copy(&narrow, &wide);
    size_t latent = range_at(&wide, KNOB_MODEL_LATENT, 0), act = range_at(&wide, KNOB_MODEL_ACTIVATION, 0);
    assert_ok(space_change(&wide, &narrow, &k, "model.latent=4 .. 16 log", &e), &e);
    assert_int_equal(k, KNOB_MODEL_LATENT);
    assert_close(wide.range[latent].lo, 2, 0, 0);
    assert_close(narrow.range[latent].lo, 4, 0, 0);
    assert_close(narrow.range[latent].hi, 16, 0, 0);
    assert_ok(space_change(&wide, &narrow, &k, "model.latent=8 .. 128 log", &e), &e);
    assert_close(wide.range[latent].lo, 2, 0, 0);
    assert_close(wide.range[latent].hi, 128, 0, 0);
    assert_ok(space_change(&wide, &narrow, &k, "activation=gelu | tanh", &e), &e);
    assert_int_equal(wide.range[act].n_choices, 3);
    assert_string_equal(wide.range[act].choice[0], "relu"); /* stored indices stay */
    assert_string_equal(wide.range[act].choice[2], "gelu");
    /* Points go over by what they mean. */
    assert_ok(point_compose(&a, &drawn, &wide, NULL, "activation=tanh; latent=100; kind=adam", 0, &e), &e);
    point_init(&b, &narrow);
    assert_true(point_move(&b, &narrow, &a, &wide));
    assert_close(b.value[act], 1, 0, 0);
    a.value[act] = 0; /* relu: no longer suggested */
    assert_false(point_move(&b, &narrow, &a, &wide));
    a.value[act] = 2;
    a.value[latent] = 3;
    assert_false(point_move(&b, &narrow, &a, &wide));
    /* Both ranges of lr with their conditions, or none. */
    assert_ok(space_change(&wide, &narrow, &k,
                           "optimizer.lr=1e-4 .. 1e-1 log if optimizer.kind = adam; 1e-4 .. 1e-3 log if optimizer.kind = sgd",
                           &e), &e);
    assert_close(wide.range[range_at(&wide, KNOB_OPTIMIZER_LR, 0)].hi, 0.1, 0, 0);
    assert_close(wide.range[range_at(&wide, KNOB_OPTIMIZER_LR, 1)].lo, 1e-5, 0, 0);
    point_release(&a);
    point_release(&b);
    sbuf_release(&drawn);
    preset_release(&wide);
    preset_release(&narrow);
}

static void changes_of_another_kind_are_refused_and_change_nothing(void **state)
{
    static const char *const bad[] = {"model.latent=4 .. 16",  "model.latent=8",           "model.latent=4 | 8",
                                      "dropout=0 .. 0.5 step 0.25", "dropout=0.05 .. 0.45 step 0.1",
                                      "optimizer.lr=1e-4 .. 1e-2 log", "train.batch=32 | 64",
                                      "depth=1 .. 3 if kind = adam", "nosuch=1 .. 2"};
    struct preset wide, narrow, was;
    struct err e;
    enum knob k;
    (void)state;
    made(&wide, yaml);
    preset_copy(&narrow, &wide);
    preset_copy(&was, &wide);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_err(space_change(&wide, &narrow, &k, bad[i], &e), ERR_USAGE, &e);
        assert_int_equal(preset_difference(&wide, &was), KNOB_NONE);
        assert_int_equal(preset_difference(&narrow, &was), KNOB_NONE);
    }
    preset_release(&wide);
    preset_release(&narrow);
    preset_release(&was);
}

int spaces_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_is_drawn_and_named),
        cmocka_unit_test(what_the_space_does_not_hold_is_refused_with_its_range),
        cmocka_unit_test(a_configuration_is_a_point_when_all_of_it_fits),
        cmocka_unit_test(a_range_narrows_extends_and_gains_choices),
        cmocka_unit_test(changes_of_another_kind_are_refused_and_change_nothing),
    };
    return cmocka_run_group_tests_name("spaces", tests, NULL, NULL);
}
