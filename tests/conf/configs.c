#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "vaetop/base/rng.h"
#include "vaetop/conf/config.h"

int configs_tests(void);

static void defaults_are_those_of_the_table(void **state)
{
    struct config c;
    char text[64];
    (void)state;
    config_init(&c);
    assert_int_equal(config_i64(&c, KNOB_MODEL_LATENT), 20);
    assert_close(config_f64(&c, KNOB_OPTIMIZER_LR), 1e-3, 0, 0);
    assert_int_equal(config_choice(&c, KNOB_OPTIMIZER_KIND), OPT_ADAM);
    assert_string_equal(config_text(&c, KNOB_DATA_SOURCE), "builtin:digits");
    for (int k = 0; k < KNOB_COUNT; k++) {
        const struct knob_info *i = knob_info((enum knob)k);
        (void)config_format_value(text, sizeof text, &c, (enum knob)k);
        if (i->type == KNOB_INT || i->type == KNOB_FLOAT) {
            assert_true(strtod(text, NULL) == strtod(i->default_text, NULL));
        } else {
            assert_string_equal(text, i->default_text);
        }
    }
    config_release(&c);
}

static void a_refused_value_leaves_the_old_one(void **state)
{
    static const struct {
        enum knob k;
        const char *text, *words;
    } row[] = {
        {KNOB_MODEL_LATENT, "0", "below 1"},
        {KNOB_MODEL_LATENT, "4097", "above 4096"},
        {KNOB_MODEL_LATENT, "2.5", "not a whole number"},
        {KNOB_MODEL_LATENT, "", "a number expected"},
        {KNOB_MODEL_LATENT, "1e400", "not a whole number"},
        {KNOB_OPTIMIZER_LR, "nan", "finite number"},
        {KNOB_OPTIMIZER_LR, "inf", "finite number"},
        {KNOB_OPTIMIZER_LR, "-1", "below 0"},
        {KNOB_OPTIMIZER_LR, "0x10", "finite number"},
        {KNOB_OPTIMIZER_LR, "1e-3 x", "finite number"},
        {KNOB_OPTIMIZER_KIND, "adan", "did you mean adam"},
        {KNOB_OPTIMIZER_KIND, "", "adam|rmsprop|sgd"},
        {KNOB_OPTIMIZER_KIND, "Adam", "none of"},
        {KNOB_DATA_SOURCE, "", "no value"},
        {KNOB_DATA_SOURCE, "a\nb", "control"},
        {KNOB_DATA_SOURCE, "a\x1b[2Jb", "control"},
        {KNOB_DATA_SOURCE, "a\xff", "UTF-8"},
        {KNOB_DATA_VALIDATION, "1.5", "fraction"},
        {KNOB_DATA_VALIDATION, "0", "fraction"},
        {KNOB_DATA_VALIDATION, "last", "fraction"},
        {KNOB_DATA_VALIDATION, "last -3", "fraction"},
        {KNOB_DATA_TEST, "last 0", "fraction"},
        {KNOB_DATA_TEST, "0", "fraction"},
        {KNOB_DATA_TEST, "1.5", "fraction"},
        {KNOB_DATA_TEST, "-0.5", "path"},
        {KNOB_DATA_SHAPE, "28", "28x28"},
        {KNOB_DATA_SHAPE, "0x28", "28x28"},
        {KNOB_DATA_SHAPE, "-2x-2", "28x28"},
        {KNOB_DATA_SHAPE, "28x28x1", "28x28"},
        {KNOB_DATA_SHAPE, "99999999999999999999x1", "28x28"},
        {KNOB_DATA_SHAPE, "65536x65536", "28x28"},
        {KNOB_DATA_SCALE, "256", "none of auto|none|255|unit|standard"},
        {KNOB_STUDY_NAME, "a/b", "no name"},
        {KNOB_STUDY_NAME, "..", "no name"},
        {KNOB_MODEL_ENCODER, "512,,256", "widths"},
        {KNOB_MODEL_ENCODER, "512,0", "widths"},
        {KNOB_MODEL_DECODER, "99999", "widths"},
        {KNOB_MODEL_DECODER, "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "widths"},
        {KNOB_STUDY_SEED, "9007199254740993", "above"},
    };
    struct config c, before;
    (void)state;
    config_init(&c);
    config_copy(&before, &c);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct err e;
        assert_err(config_set(&c, row[i].k, row[i].text, &e), ERR_USAGE, &e);
        assert_has(e.text, knob_info(row[i].k)->full);
        assert_has(e.text, row[i].words);
        assert_null(strpbrk(e.text, "\n\x1b"));
        assert_err(config_set(&c, row[i].k, row[i].text, NULL), ERR_USAGE, NULL);
        assert_true(c.num[row[i].k] == before.num[row[i].k]);
        if (c.text[row[i].k]) {
            assert_string_equal(c.text[row[i].k], before.text[row[i].k]);
        }
    }
    config_release(&c);
    config_release(&before);
}

static void values_are_read_as_written_by_people(void **state)
{
    struct config c;
    struct err e;
    char text[64];
    (void)state;
    config_init(&c);
    assert_ok(config_set(&c, KNOB_STUDY_TRIALS, " 1e3 ", &e), &e);
    assert_int_equal(config_i64(&c, KNOB_STUDY_TRIALS), 1000);
    assert_ok(config_set(&c, KNOB_LOSS_BETA, "-0", &e), &e);
    assert_false(signbit(config_f64(&c, KNOB_LOSS_BETA)));
    assert_ok(config_set(&c, KNOB_MODEL_ENCODER, " 512, 256 ", &e), &e);
    assert_string_equal(config_text(&c, KNOB_MODEL_ENCODER), "512,256");
    assert_ok(config_set(&c, KNOB_DATA_SOURCE, "/data/My Pictures/x = 1.gz", &e), &e);
    assert_string_equal(config_text(&c, KNOB_DATA_SOURCE), "/data/My Pictures/x = 1.gz");
    assert_ok(config_set(&c, KNOB_DATA_VALIDATION, "last 2000", &e), &e);
    assert_ok(config_set(&c, KNOB_STUDY_SEED, "9007199254740991", &e), &e);
    assert_string_equal(config_format_value(text, sizeof text, &c, KNOB_STUDY_SEED), "9007199254740991");
    config_release(&c);
}

static void widths_are_counted_and_bounded(void **state)
{
    int w[4] = {0};
    (void)state;
    assert_int_equal(config_widths(w, 4, "512,256"), 2);
    assert_int_equal(w[0], 512);
    assert_int_equal(w[1], 256);
    assert_int_equal(config_widths(w, 4, ""), 0);
    assert_int_equal(config_widths(w, 4, "7"), 1);
    assert_int_equal(config_widths(w, 4, "1,2,3,4"), 4);
    assert_int_equal(config_widths(w, 4, "1,2,3,4,5"), -1);
    assert_int_equal(config_widths(w, 4, "1,"), -1);
    assert_int_equal(config_widths(w, 4, "-1"), -1);
    assert_int_equal(config_widths(w, 4, "1 2"), -1);
    assert_int_equal(config_widths(w, 4, "99999999999999999999"), -1);
}

/* A value of every knob that a person could have set. */
static void set_anything(struct config *c, struct rng *r)
{
    struct err e;
    for (int i = 0; i < KNOB_COUNT; i++) {
        enum knob k = (enum knob)i;
        const struct knob_info *info = knob_info(k);
        double u = rng_uniform(r);
        if (info->type == KNOB_CHOICE) {
            c->num[k] = rng_below(r, (uint32_t)knob_choice_count(k));
        } else if (info->type == KNOB_INT) {
            c->num[k] = floor(info->min + u * (info->max - info->min));
        } else if (info->type == KNOB_FLOAT) {
            c->num[k] = info->min + u * u * u * (info->max - info->min);
        }
    }
    assert_ok(config_set(c, KNOB_MODEL_ENCODER, rng_below(r, 2) ? "512,256,7" : "", &e), &e);
    assert_ok(config_set(c, KNOB_DATA_SOURCE, rng_below(r, 2) ? "/a=b/\xc3\xa9 x" : "builtin:digits", &e), &e);
    assert_ok(config_set(c, KNOB_DATA_VALIDATION, rng_below(r, 2) ? "last 12" : "0.125", &e), &e);
}

static void formatting_and_parsing_give_the_same_bits(void **state)
{
    struct rng r = rng_start(rng_key(5, 0), RNG_SUGGEST, 0);
    (void)state;
    for (int n = 0; n < 200; n++) {
        struct config a, b;
        struct sbuf text = {0};
        struct err e;
        config_init(&a);
        config_init(&b);
        set_anything(&a, &r);
        config_format(&text, &a);
        assert_ok(config_parse(&b, text.text, &e), &e);
        assert_memory_equal(a.num, b.num, sizeof a.num);
        for (int k = 0; k < KNOB_COUNT; k++) {
            if (a.text[k] || b.text[k]) {
                assert_string_equal(a.text[k], b.text[k]);
            }
        }
        sbuf_release(&text);
        config_release(&a);
        config_release(&b);
    }
}

static void a_bad_line_is_named_by_its_number(void **state)
{
    static const struct {
        const char *lines, *words;
    } row[] = {
        {"model.latent=4\nmodel.latnt=4\n", "line 2: unknown knob"},
        {"\n\nmodel.latent=0\n", "line 3: model.latent"},
        {"latent=4", "line 1: unknown knob"},
        {"hello", "line 1: hello: section.knob=value expected"},
        {"=4", "line 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct config c;
        struct err e;
        config_init(&c);
        assert_err(config_parse(&c, row[i].lines, &e), ERR_USAGE, &e);
        assert_has(e.text, row[i].words);
        config_release(&c);
    }
}

static void a_warm_up_longer_than_the_training_is_refused(void **state)
{
    struct config c;
    struct err e;
    (void)state;
    config_init(&c);
    assert_ok(config_parse(&c, "train.epochs=4\nloss.beta_schedule=linear\nloss.beta_warmup=4\n", &e), &e);
    assert_ok(config_check(&c, &e), &e);
    assert_ok(config_parse(&c, "loss.beta_warmup=4.5\n", &e), &e);
    assert_err(config_check(&c, &e), ERR_USAGE, &e);
    assert_has(e.text, "loss.beta_warmup");
    assert_has(e.text, "train.epochs 4");
    assert_ok(config_parse(&c, "study.value=last\n", &e), &e);
    assert_ok(config_check(&c, &e), &e);
    assert_ok(config_parse(&c, "study.value=best\nloss.beta_schedule=constant\n", &e), &e);
    assert_ok(config_check(&c, &e), &e);
    config_release(&c);
}

int configs_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(defaults_are_those_of_the_table),
        cmocka_unit_test(a_refused_value_leaves_the_old_one),
        cmocka_unit_test(values_are_read_as_written_by_people),
        cmocka_unit_test(widths_are_counted_and_bounded),
        cmocka_unit_test(formatting_and_parsing_give_the_same_bits),
        cmocka_unit_test(a_bad_line_is_named_by_its_number),
        cmocka_unit_test(a_warm_up_longer_than_the_training_is_refused),
    };
    return cmocka_run_group_tests_name("conf configs", test, NULL, NULL);
}
