/* What a right preset means. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "vaetop/base/alloc.h"
#include "vaetop/conf/preset.h"

int presets_tests(void);

static const char example[] = "# What you learn here: how learning rate\n"
                              "#   and latent size trade off.\n"
                              "\n"
                              "study:\n"
                              "  trials: 64\n"
                              "model:\n"
                              "  latent: 2 .. 64 log\n"
                              "  encoder: 512, 256 | 400\n"
                              "loss:\n"
                              "  beta_schedule: constant | linear\n"
                              "  beta_warmup: 1 .. 10 if beta_schedule = linear # a comment\n"
                              "optimizer:\n"
                              "  kind: adam | rmsprop | sgd\n"
                              "  lr:\n"
                              "    - 1e-4 .. 1e-2 log if kind = adam | rmsprop\n"
                              "    - 1e-5 .. 1e-3 log if kind = sgd\n"
                              "  momentum: 0 .. 0.9 step 0.3 if kind = sgd\n"
                              "train:\n"
                              "  batch: 64 | 128\n";

static void parsed(struct preset *p, const char *yaml)
{
    struct err e;
    assert_ok(preset_parse(p, yaml, strlen(yaml), "some/example.yaml", &e), &e);
}

static const struct range *range_of(const struct preset *p, enum knob k, size_t i)
{
    for (size_t r = 0; r < p->n_ranges; r++) {
        if (p->range[r].knob == k && i-- == 0) {
            return &p->range[r];
        }
    }
    fail_msg("no such range of %s", knob_info(k)->full);
    return NULL;
}

static void the_example_of_the_language_is_understood(void **state)
{
    struct preset p;
    const struct range *r;
    (void)state;
    parsed(&p, example);
    assert_string_equal(p.name, "example");
    assert_string_equal(p.lesson, "What you learn here: how learning rate\n  and latent size trade off.");
    assert_int_equal(config_i64(&p.base, KNOB_STUDY_TRIALS), 64);
    assert_true(p.given[KNOB_STUDY_TRIALS]);
    assert_false(p.given[KNOB_STUDY_SLOTS]);
    assert_int_equal(p.n_ranges, 9);
    r = range_of(&p, KNOB_MODEL_LATENT, 0);
    assert_true(r->kind == RANGE_INT && r->lo == 2 && r->hi == 64 && r->log && r->step == 1);
    r = range_of(&p, KNOB_MODEL_ENCODER, 0);
    assert_true(r->kind == RANGE_CHOICE && r->n_choices == 2);
    assert_string_equal(r->choice[0], "512,256");
    r = range_of(&p, KNOB_OPTIMIZER_LR, 1);
    assert_true(r->kind == RANGE_FLOAT && r->lo == 1e-5 && r->hi == 1e-3 && r->log && r->step == 0);
    assert_int_equal(r->when.on, KNOB_OPTIMIZER_KIND);
    assert_string_equal(r->when.word[0], "sgd");
    r = range_of(&p, KNOB_OPTIMIZER_MOMENTUM, 0);
    assert_true(r->step == 0.3 && !r->log);
    assert_int_equal(range_count(r), 4);
    r = range_of(&p, KNOB_TRAIN_BATCH, 0);
    assert_true(r->kind == RANGE_CHOICE && r->when.on == KNOB_NONE);
    assert_string_equal(r->choice[1], "128");
    preset_release(&p);
}

static void spacing_quotes_and_line_ends_do_not_matter(void **state)
{
    static const char *const same[] = {
        "model:\n  latent: 2 .. 64 log if kind = adam | sgd\n",
        "model:\n  latent: 2..64 log if optimizer.kind=sgd|adam\n",
        "model:\r\n  latent:   2 ..   64  log  if kind  =  adam  |  sgd\r\n",
        "\xef\xbb\xbfmodel:\n  latent: \"2 .. 64 log if kind = adam | sgd\"\n",
        "---\n{model: {latent: [2 .. 64 log if kind = adam | sgd]}}\n...\n",
        "model:\n  latent:\n  - 2.0 .. 6.4e1 log if kind = adam | sgd\n",
    };
    struct preset a;
    (void)state;
    parsed(&a, same[0]);
    for (size_t i = 1; i < sizeof same / sizeof *same; i++) {
        struct preset b;
        parsed(&b, same[i]);
        assert_int_equal(b.n_ranges, 1);
        assert_int_equal(preset_difference(&a, &b), KNOB_NONE);
        preset_release(&b);
    }
    preset_release(&a);
}

static void a_knob_named_by_a_condition_comes_first(void **state)
{
    struct preset p;
    struct err e;
    size_t batch = 0, width = 0, latent = 0;
    (void)state;
    parsed(&p, "model:\n  width: 64 | 128 if latent = 4\n  latent: 2 | 4 if batch = 32\ntrain:\n  batch: 32 | 64\n");
    assert_ok(preset_check(&p, &e), &e);
    for (size_t r = 0; r < p.n_ranges; r++) {
        batch = p.range[r].knob == KNOB_TRAIN_BATCH ? r : batch;
        width = p.range[r].knob == KNOB_MODEL_WIDTH ? r : width;
        latent = p.range[r].knob == KNOB_MODEL_LATENT ? r : latent;
    }
    assert_true(batch < latent && latent < width);
    preset_release(&p);
    parsed(&p, example);
    assert_ok(preset_check(&p, &e), &e);
    for (size_t r = 1; r < p.n_ranges; r++) {
        if (p.range[r].knob == KNOB_OPTIMIZER_LR && p.range[r].when.n_words == 1) {
            assert_int_equal(p.range[r - 1].knob, KNOB_OPTIMIZER_LR);
        }
    }
    preset_release(&p);
}

static void a_condition_holds_for_the_value_in_force(void **state)
{
    struct preset p;
    struct config c;
    struct err e;
    (void)state;
    parsed(&p, "model:\n  latent: 2 .. 8 if depth = 1 | 2\n  width: 64 | 128 if encoder = 512,256\n"
               "loss:\n  beta: 1 .. 2 if kind = sgd\n");
    config_init(&c);
    assert_true(range_active(&p, 1, &c)); /* depth is 1 */
    assert_false(range_active(&p, 0, &c));
    assert_false(range_active(&p, 2, &c));
    assert_ok(config_parse(&c, "model.depth=3\nmodel.encoder=512,256\noptimizer.kind=sgd\n", &e), &e);
    assert_false(range_active(&p, 1, &c));
    assert_true(range_active(&p, 0, &c));
    assert_true(range_active(&p, 2, &c));
    config_release(&c);
    preset_release(&p);
}

static void a_value_under_a_condition_is_a_range_of_one(void **state)
{
    struct preset p;
    struct sbuf s = {0};
    (void)state;
    parsed(&p, "optimizer:\n  lr:\n  - 1e-3 if kind = adam\n  - 1e-4 .. 1e-2 log if kind = sgd\n");
    assert_int_equal(p.n_ranges, 2);
    assert_int_equal(range_count(&p.range[0]), 1);
    assert_true(range_value(&p.range[0], 0) == 1e-3);
    range_format(&s, &p.range[0]);
    assert_string_equal(s.text, "0.001 if optimizer.kind = adam");
    sbuf_release(&s);
    preset_release(&p);
    parsed(&p, "model:\n  latent: 5 .. 5\n");
    assert_int_equal(p.n_ranges, 0);
    assert_int_equal(config_i64(&p.base, KNOB_MODEL_LATENT), 5);
    preset_release(&p);
}

static void stepped_values_are_the_decimals_a_person_wrote(void **state)
{
    struct preset p;
    const struct range *r;
    (void)state;
    parsed(&p, "loss:\n  beta: 0 .. 0.7 step 0.1\n");
    r = &p.range[0];
    assert_int_equal(range_count(r), 8);
    assert_true(range_value(r, 3) == 0.3);
    assert_true(range_value(r, 7) == 0.7);
    assert_true(range_value(r, 0) == 0);
    preset_release(&p);
}

static void an_option_replaces_all_that_stood_for_its_knob(void **state)
{
    struct preset p;
    struct err e;
    (void)state;
    parsed(&p, example);
    assert_ok(preset_set(&p, "optimizer.lr=3e-3", &e), &e);
    assert_int_equal(p.n_ranges, 7);
    assert_true(config_f64(&p.base, KNOB_OPTIMIZER_LR) == 3e-3);
    assert_ok(preset_set(&p, "lr = 1e-3 if kind = adam; 1e-5..1e-3 log if kind = sgd | rmsprop", &e), &e);
    assert_int_equal(p.n_ranges, 9);
    assert_true(config_f64(&p.base, KNOB_OPTIMIZER_LR) == 1e-3); /* the default again */
    assert_ok(preset_set(&p, "model.depth=1 .. 3", &e), &e);
    assert_true(p.given[KNOB_MODEL_DEPTH]);
    assert_ok(preset_set(&p, "data.source=/a b/c=d;e.gz", &e), &e);
    assert_string_equal(config_text(&p.base, KNOB_DATA_SOURCE), "/a b/c=d;e.gz");
    assert_ok(preset_set(&p, "optimizer.kind=adam", &e), &e); /* conditions on sgd stay and never hold */
    assert_ok(preset_check(&p, &e), &e);
    preset_release(&p);
}

static void differences_count_only_where_results_change(void **state)
{
    struct preset a, b;
    struct err e;
    static const struct {
        const char *set;
        enum knob differs;
    } row[] = {
        {"study.trials=99", KNOB_NONE},
        {"study.slots=1", KNOB_NONE},
        {"study.keep=3", KNOB_NONE},
        {"study.timeout=60", KNOB_NONE},
        {"study.name=other", KNOB_NONE},
        {"model.latent=2 .. 64 log", KNOB_NONE},
        {"optimizer.kind=adam|rmsprop|sgd", KNOB_NONE},
        {"optimizer.eps=1e-8", KNOB_NONE}, /* the default, said aloud */
        {"study.seed=1", KNOB_STUDY_SEED},
        {"study.sampler=grid", KNOB_STUDY_SAMPLER},
        {"data.source=x.gz", KNOB_DATA_SOURCE},
        {"model.latent=2 .. 63 log", KNOB_MODEL_LATENT},
        {"model.latent=2 .. 64", KNOB_MODEL_LATENT},
        {"model.latent=8", KNOB_MODEL_LATENT},
        {"optimizer.kind=sgd | adam | rmsprop", KNOB_OPTIMIZER_KIND}, /* stored as an index */
        {"optimizer.momentum=0 .. 0.9 step 0.3", KNOB_OPTIMIZER_MOMENTUM},
        {"optimizer.momentum=0 .. 0.9 step 0.3 if kind = sgd | adam", KNOB_OPTIMIZER_MOMENTUM},
        {"optimizer.lr=1e-4 .. 1e-2 log if kind = adam | rmsprop", KNOB_OPTIMIZER_LR},
        {"train.batch=64 | 128 | 256", KNOB_TRAIN_BATCH},
        {"train.epochs=21", KNOB_TRAIN_EPOCHS},
    };
    (void)state;
    parsed(&a, example);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        preset_copy(&b, &a);
        assert_ok(preset_set(&b, row[i].set, &e), &e);
        if (preset_difference(&a, &b) != row[i].differs || preset_difference(&b, &a) != row[i].differs) {
            fail_msg("%s: differs in %d", row[i].set, (int)preset_difference(&a, &b));
        }
        preset_release(&b);
    }
    preset_release(&a);
}

static void a_point_becomes_a_configuration(void **state)
{
    struct preset p;
    struct point pt, copy;
    struct config c;
    struct err e;
    (void)state;
    parsed(&p, "model:\n  latent: 2 .. 8\n  activation: tanh | relu\noptimizer:\n  lr: 1e-4 .. 1e-2 log\ntrain:\n  "
               "batch: 64 | 128\n");
    assert_ok(preset_check(&p, &e), &e);
    point_init(&pt, &p);
    assert_int_equal(pt.n, 4);
    pt.present[0] = pt.present[1] = pt.present[3] = true;
    pt.value[0] = 5;
    pt.value[3] = 1;
    point_copy(&copy, &pt);
    assert_ok(preset_apply(&c, &p, &copy, &e), &e);
    assert_int_equal(config_i64(&c, KNOB_MODEL_LATENT), 5);
    assert_int_equal(config_choice(&c, KNOB_MODEL_ACTIVATION), ACT_TANH); /* index 0 of the preset's own order */
    assert_int_equal(config_i64(&c, KNOB_TRAIN_BATCH), 128);
    assert_true(config_f64(&c, KNOB_OPTIMIZER_LR) == 1e-3); /* absent: the default */
    config_release(&c);
    point_release(&copy);
    {
        static const struct {
            size_t range;
            double value;
        } bad[] = {{0, 1},  {0, 9},   {0, 2.5},  {0, (double)NAN},      {1, 2},
                   {1, -1}, {1, 0.5}, {2, 0.02}, {2, (double)INFINITY}, {3, (double)NAN}};
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            point_copy(&copy, &pt);
            copy.present[bad[i].range] = true;
            copy.value[bad[i].range] = bad[i].value;
            assert_err(preset_apply(&c, &p, &copy, &e), ERR_USAGE, &e);
            assert_has(e.text, "is outside");
            point_release(&copy);
        }
    }
    point_release(&pt);
    preset_release(&p);
}

static void a_preset_without_ranges_has_an_empty_point(void **state)
{
    struct preset p;
    struct point a, b;
    struct config c;
    struct err e;
    (void)state;
    parsed(&p, "{}");
    assert_ok(preset_check(&p, &e), &e);
    point_init(&a, &p);
    point_copy(&b, &a);
    assert_int_equal(b.n, 0);
    assert_ok(preset_apply(&c, &p, &b, &e), &e);
    config_release(&c);
    point_release(&a);
    point_release(&b);
    preset_release(&p);
}

static void a_section_with_all_knobs_commented_out_is_fine(void **state)
{
    struct preset p;
    (void)state;
    parsed(&p, "model:\n  # latent: 4\nloss:\n  beta: 2\n");
    assert_true(config_f64(&p.base, KNOB_LOSS_BETA) == 2);
    preset_release(&p);
}

static void origins_tell_where_a_knob_was_given(void **state)
{
    struct preset p;
    struct err e;
    (void)state;
    parsed(&p, example);
    assert_string_equal(p.origin[KNOB_MODEL_LATENT], "some/example.yaml:7:11");
    assert_null(p.origin[KNOB_MODEL_WIDTH]);
    assert_ok(preset_set(&p, "model.latent=4", &e), &e);
    assert_string_equal(p.origin[KNOB_MODEL_LATENT], "--set model.latent=4");
    preset_release(&p);
}

int presets_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(the_example_of_the_language_is_understood),
        cmocka_unit_test(spacing_quotes_and_line_ends_do_not_matter),
        cmocka_unit_test(a_knob_named_by_a_condition_comes_first),
        cmocka_unit_test(a_condition_holds_for_the_value_in_force),
        cmocka_unit_test(a_value_under_a_condition_is_a_range_of_one),
        cmocka_unit_test(stepped_values_are_the_decimals_a_person_wrote),
        cmocka_unit_test(an_option_replaces_all_that_stood_for_its_knob),
        cmocka_unit_test(differences_count_only_where_results_change),
        cmocka_unit_test(a_point_becomes_a_configuration),
        cmocka_unit_test(a_preset_without_ranges_has_an_empty_point),
        cmocka_unit_test(a_section_with_all_knobs_commented_out_is_fine),
        cmocka_unit_test(origins_tell_where_a_knob_was_given),
    };
    return cmocka_run_group_tests_name("conf presets", test, NULL, NULL);
}
