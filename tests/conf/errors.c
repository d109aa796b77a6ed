/* What a wrong preset says: the place, and the words that help. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "vaetop/base/alloc.h"
#include "vaetop/conf/preset.h"

int errors_tests(void);

struct wrong {
    const char *yaml, *at; /* "LINE:COLUMN" */
    const char *words[3];
};

static const struct wrong in_file[] = {
    /* names */
    {"modell:\n  latent: 4\n", "1:1", {"unknown section \"modell\"", "did you mean model?"}},
    {"zzzzzz:\n  latent: 4\n", "1:1", {"unknown section", "study, data, model, loss, optimizer and train"}},
    {"latent: 4\n", "1:1", {"unknown section \"latent\"", "stands under model:"}},
    {"model:\n  latnt: 4\n", "2:3", {"unknown knob \"model.latnt\"", "did you mean model.latent?"}},
    {"model:\n  lr: 1e-3\n", "2:3", {"unknown knob \"model.lr\"", "it is optimizer.lr"}},
    {"model:\n  qqqqqqqq: 4\n", "2:3", {"unknown knob", "model has encoder, decoder, depth"}},
    {"model:\n  latent: 4\n  width: 8\n  latent: 5\n", "4:3", {"model.latent stands twice", "line 2"}},
    {"model:\n  latent: 4\nmodel:\n  width: 8\n", "3:1", {"section model stands twice", "line 1"}},
    {"model:\n  <<: {latent: 3}\n", "2:3", {"unknown knob"}},
    {"model:\n  [a]: 3\n", "2:3", {"name of a knob expected"}},
    {"{a: b}: 3\n", "1:1", {"name of a section expected"}},
    /* shape */
    {"", "1:1", {"empty", "such as model:"}},
    {"# only a comment\n", "2:1", {"empty"}},
    {"hello\n", "1:1", {"sections expected"}},
    {"- model\n", "1:1", {"sections expected"}},
    {"model: 4\n", "1:8", {"a section holds knobs"}},
    {"model: [latent]\n", "1:8", {"a section holds knobs"}},
    {"model:\n  latent:\n    lo: 4\n", "3:5", {"model.latent", "nested deeper"}},
    {"model:\n  latent: {lo: 4}\n", "2:11", {"model.latent", "nested deeper"}},
    {"model:\n  latent: [[4]]\n", "2:12", {"an item of a list"}},
    {"model:\n  latent: []\n", "2:12", {"an empty list"}},
    {"model:\n  latent: 4\n---\nmodel:\n  latent: 4\n", "3:1", {"a second document"}},
    {"%YAML 1.1\n---\nmodel:\n  latent: 4\n", "1:1", {"directives"}},
    {"model:\n  latent: |\n    4\n", "2:11", {"block text"}},
    {"model:\n  latent: >\n    4\n", "2:11", {"block text"}},
    {"model:\n  latent: 2 ..\n    4\n", "2:11", {"over several lines"}},
    {"model:\n  latent: \"2 ..\n    4\"\n", "2:11", {"over several lines"}},
    {"model:\n  latent: &a 4\n", "2:11", {"anchors"}},
    {"model: &a\n  latent: 4\n", "1:8", {"anchors"}},
    {"model:\n  latent: *a\n", "2:11", {"anchors and aliases"}},
    {"model:\n  latent: !!int 4\n", "2:11", {"tags"}},
    {"model: !x\n  latent: 4\n", "1:8", {"tags"}},
    {"model:\n\tlatent: 4\n", "2:1", {"a tab"}},
    {"model:\n  latent: [4\n", "3:1", {"not YAML"}},
    {"model:\n  latent: \"4\n", "3:1", {"not YAML"}},
    {"model:\n  latent: 4\n width: 3\n", "3:2", {"not YAML"}},
    {"model:\n  latent: @4\n", "2:11", {"not YAML"}},
    {"model:\n  latent: \x01\n", "2:11", {"control character"}},
    {"data:\n  source: \xc3\xa9\xff\n", "2:12", {"UTF-8"}},
    {"data:\n  source: \"a\\0b\"\n", "2:11", {"NUL"}},
    {"\"model\\0\":\n  latent: 4\n", "1:1", {"NUL"}},
    /* values */
    {"model:\n  latent: many\n", "2:11", {"model.latent", "\"many\" is not a whole number"}},
    {"model:\n  latent: 2.5\n", "2:11", {"2.5 is not a whole number"}},
    {"model:\n  latent: 0\n", "2:11", {"0 is below 1"}},
    {"model:\n  latent: 5000\n", "2:11", {"5000 is above 4096"}},
    {"model:\n  latent:\n  width: 3\n", "2:10", {"a number expected"}},
    {"model:\n  latent: ~\n", "2:11", {"not a whole number"}},
    {"optimizer:\n  lr: nan\n", "2:7", {"finite"}},
    {"optimizer:\n  lr: .inf\n", "2:7", {"finite"}},
    {"optimizer:\n  lr: 1e400\n", "2:7", {"finite"}},
    {"optimizer:\n  lr: 1 e-3\n", "2:9", {"found \"e-3\""}},
    {"optimizer:\n  kind: adan\n", "2:9", {"adam|rmsprop|sgd", "did you mean adam?"}},
    {"optimizer:\n  kind: adam, sgd\n", "2:15", {"found \"sgd\"", "| for a choice"}},
    {"study:\n  name: a b\n", "2:9", {"no name for a study"}},
    {"data:\n  validation: 1.5\n", "2:15", {"fraction"}},
    {"data:\n  source: ''\n", "2:11", {"no value"}},
    {"model:\n  encoder: 512;256\n", "2:12", {"widths", "512,256"}},
    {"model:\n  encoder: [512, 256]\n", "2:13", {"without a condition", "widths 512,256"}},
    /* choices */
    {"optimizer:\n  kind: adam | adan\n", "2:16", {"\"adan\" is none of"}},
    {"optimizer:\n  kind: adam | adam\n", "2:16", {"stands twice"}},
    {"optimizer:\n  kind: adam |\n", "2:15", {"nothing follows", "a choice"}},
    {"optimizer:\n  kind: \"| adam\"\n", "2:9", {"a value is expected"}},
    {"optimizer:\n  kind: adam || sgd\n", "2:15", {"found \"|\""}},
    {"train:\n  batch: 64 | many\n", "2:15", {"\"many\" is not a whole number"}},
    {"train:\n  batch: 64 | 64.0\n", "2:15", {"64 stands twice"}},
    {"train:\n  batch: 64 | 0\n", "2:15", {"below 1"}},
    {"optimizer:\n  lr: 1e-3 | 0.001\n", "2:14", {"stands twice"}},
    {"optimizer:\n  lr: 1e-3 | 1e-2 .. 1\n", "2:19", {"found \"..\""}},
    /* ranges */
    {"model:\n  latent: 64 .. 2\n", "2:11", {"upside down", "write 2 .. 64"}},
    {"model:\n  latent: 64..2\n", "2:11", {"upside down"}},
    {"optimizer:\n  lr: 1e-2 .. 1e-4 log\n", "2:7", {"upside down"}},
    {"model:\n  latent: 2 .. 5000\n", "2:16", {"above 4096"}},
    {"model:\n  latent: 0 .. 50\n", "2:11", {"below 1"}},
    {"model:\n  latent: 2 ..\n", "2:15", {"nothing follows", "a number"}},
    {"model:\n  latent: 2 .. 8.5\n", "2:16", {"not a whole number"}},
    {"model:\n  latent: 2 .. nan\n", "2:16", {"not a whole number"}},
    {"model:\n  latent: 2 to 8\n", "2:13", {"found \"to\"", ".. for a range"}},
    {"model:\n  latent: 2 .. 8 .. 16\n", "2:18", {"log, step s or if"}},
    {"model:\n  latent: 2 .. 8 lin\n", "2:18", {"found \"lin\"", "log, step s or if"}},
    {"model:\n  latent: 2 .. 8 log log\n", "2:22", {"found \"log\""}},
    {"loss:\n  beta: 0 .. 1 log\n", "2:16", {"log needs a lower end above 0"}},
    {"loss:\n  beta: 0.1 .. 1 log step 0.1\n", "2:27", {"log and step together"}},
    {"loss:\n  beta: 0.1 .. 1 step 0.1 log\n", "2:27", {"log and step together"}},
    {"loss:\n  beta: 0 .. 1 step 0\n", "2:21", {"not a number above 0"}},
    {"loss:\n  beta: 0 .. 1 step -1\n", "2:21", {"not a number above 0"}},
    {"loss:\n  beta: 0 .. 1 step\n", "2:20", {"size of the step"}},
    {"loss:\n  beta: 0 .. 1 step 0.3\n", "2:21", {"does not meet the upper end", "write 0 .. 0.9"}},
    {"loss:\n  beta: 0 .. 1 step 2\n", "2:21", {"wider than the range"}},
    {"loss:\n  beta: 0 .. 1 step 1e-20\n", "2:21", {"thousand million"}},
    {"model:\n  latent: 2 .. 8 step 1.5\n", "2:23", {"not a whole number"}},
    {"optimizer:\n  kind: adam .. sgd\n", "2:9", {"lo .. hi is for numbers", "adam|rmsprop|sgd"}},
    {"model:\n  encoder: 512 .. 1024\n", "2:12", {"lo .. hi is for numbers", "512 | 512,256"}},
    {"model:\n  activation: relu .. tanh\n", "2:15", {"lo .. hi is for numbers"}},
    /* no range here */
    {"study:\n  trials: 1 .. 8\n", "2:11", {"takes one value", "a study has one", "ranges are for model"}},
    {"study:\n  sampler: grid | random\n", "2:12", {"takes one value"}},
    {"data:\n  count: 100 .. 200\n", "2:10", {"takes one value", "different data"}},
    {"data:\n  source: a.gz | b.gz\n", "2:11", {"takes one value", "put it in quotes"}},
    {"data:\n  seed: 1 if kind = adam\n", "2:9", {"takes one value"}},
    {"data:\n  validation: 0.1 .. 0.3\n", "2:15", {"takes one value"}},
    {"loss:\n  likelihood: bernoulli | gaussian\n", "2:15", {"takes one value", "likelihoods cannot be ranked"}},
    {"study:\n  trials: 8 16\n", "2:13", {"takes one value"}},
    /* conditions */
    {"loss:\n  beta_warmup: 1 .. 5 if beta_shedule = linear\n",
     "2:26",
     {"unknown knob \"beta_shedule\"", "loss.beta_schedule?"}},
    {"loss:\n  beta_warmup: 1 .. 5 if qqqqqqqqqq = linear\n", "2:26", {"condition: unknown knob", "section.knob"}},
    {"loss:\n  beta_warmup: 1 .. 5 if beta_schedule = liner\n", "2:42", {"loss.beta_warmup", "did you mean linear?"}},
    {"loss:\n  beta_warmup: 1 .. 5 if beta_schedule linear\n", "2:40", {"found \"linear\"", "="}},
    {"loss:\n  beta_warmup: 1 .. 5 if beta_schedule =\n", "2:41", {"nothing follows", "a word of the condition"}},
    {"loss:\n  beta_warmup: 1 .. 5 if\n", "2:25", {"nothing follows", "a knob"}},
    {"loss:\n  beta_warmup: if beta_schedule = linear\n", "2:16", {"found \"if\"", "a value"}},
    {"loss:\n  beta_warmup: 1 .. 5 if beta_schedule = linear and kind = sgd\n",
     "2:49",
     {"found \"and\"", "one condition"}},
    {"loss:\n  beta_warmup: 1 .. 5 if beta_warmup = 3\n", "2:26", {"on itself"}},
    {"loss:\n  beta_warmup: 1 .. 5 if model.latent = 2.5\n", "2:41", {"model.latent", "not a whole number"}},
    {"loss:\n  beta_warmup: 1 .. 5 if seed = 2\n",
     "2:26",
     {"condition: seed stands in several sections", "study.seed, data.seed"}},
    {"optimizer:\n  momentum: 0 | 0.9 if kind = sgd | sgd\n", "2:37", {"stands twice"}},
    {"optimizer:\n  lr:\n    - 1e-3 .. 1e-2 if kind = adam\n    - 1e-4 .. 1e-3 if kind = sgd | adam\n",
     "4:7",
     {"overlapping", "optimizer.kind = adam", "items 1 and 2"}},
    {"optimizer:\n  lr:\n    - 1e-3 .. 1e-2 if kind = adam\n    - 1e-4 .. 1e-3\n", "4:7", {"without a condition"}},
    {"optimizer:\n  lr:\n    - 1e-3\n    - 1e-4\n", "3:7", {"without a condition", "choices are written a | b | c"}},
    {"optimizer:\n  lr:\n    - 1e-3 .. 1e-2 if kind = adam\n    - 1e-4 .. 1e-3 if lr_schedule = cosine\n",
     "4:7",
     {"may hold at once", "one knob"}},
    {"optimizer:\n  lr:\n    - 1e-2 .. 1e-3 if kind = adam\n", "3:7", {"upside down"}},
};

static void check_wrong(const struct wrong *w, size_t len)
{
    struct preset p;
    struct err e;
    char *at = xasprintf("wrong.yaml:%s: ", w->at);
    assert_err(preset_parse(&p, w->yaml, len, "folder/wrong.yaml", &e), ERR_USAGE, &e);
    if (!strstr(e.text, at)) {
        print_error("--- wanted at %s:\n%s", w->at, w->yaml);
    }
    assert_has(e.text, at);
    for (size_t i = 0; i < 3 && w->words[i]; i++) {
        assert_has(e.text, w->words[i]);
    }
    assert_null(strpbrk(e.text, "\n\t\x1b\x01\xff"));
    assert_err(preset_parse(&p, w->yaml, len, "folder/wrong.yaml", NULL), ERR_USAGE, NULL);
    free(at);
}

static void a_wrong_preset_is_refused_with_place_and_reason(void **state)
{
    (void)state;
    assert_true(sizeof in_file / sizeof *in_file >= 60);
    for (size_t i = 0; i < sizeof in_file / sizeof *in_file; i++) {
        check_wrong(&in_file[i], strlen(in_file[i].yaml));
    }
}

static void a_nul_byte_is_refused_where_it_stands(void **state)
{
    static const char yaml[] = "model:\n  latent: 4\0\n";
    const struct wrong w = {yaml, "2:12", {"NUL"}};
    (void)state;
    check_wrong(&w, sizeof yaml - 1);
}

static void more_than_a_mebibyte_is_refused(void **state)
{
    size_t len = (1 << 20) + 1;
    char *text = xcalloc(len + 1, 1);
    struct preset p;
    struct err e;
    (void)state;
    memset(text, '#', len);
    assert_err(preset_parse(&p, text, len, "big.yaml", &e), ERR_USAGE, &e);
    assert_has(e.text, "1048577 bytes");
    memset(text, '[', len);
    assert_err(preset_parse(&p, text, len - 1, "deep.yaml", &e), ERR_USAGE, &e);
    free(text);
}

static void too_many_choices_or_items_are_refused(void **state)
{
    struct sbuf choices = {0}, items = {0};
    struct preset p;
    struct err e;
    (void)state;
    sbuf_add(&choices, "train:\n  batch: 1");
    sbuf_add(&items, "train:\n  batch:\n");
    for (int i = 2; i < 400; i++) {
        sbuf_addf(&choices, " | %d", i);
        sbuf_addf(&items, "    - 1 .. 9 if kind = adam\n");
    }
    assert_err(preset_parse(&p, choices.text, choices.len, "x", &e), ERR_USAGE, &e);
    assert_has(e.text, "more than 256 choices");
    assert_err(preset_parse(&p, items.text, items.len, "x", &e), ERR_USAGE, &e);
    assert_has(e.text, "more than 64 items");
    sbuf_release(&choices);
    sbuf_release(&items);
}

static void an_escape_sequence_in_a_name_does_not_reach_the_message(void **state)
{
    static const char yaml[] = "\"mod\\e[2Jel\":\n  latent: 4\n";
    struct preset p;
    struct err e;
    (void)state;
    assert_err(preset_parse(&p, yaml, strlen(yaml), "a\x1b]0;x\x07.yaml", &e), ERR_USAGE, &e);
    assert_null(strpbrk(e.text, "\x1b\x07"));
    assert_has(e.text, "a\\x1B]0;x\\x07.yaml:1:1");
    assert_has(e.text, "mod\\x1B[2Jel");
}

static const struct {
    const char *set;
    const char *words[3];
} in_option[] = {
    {"model.latent", {"--set model.latent: section.knob=VALUE expected"}},
    {"=4", {"--set =4: section.knob=VALUE expected"}},
    {"", {"section.knob=VALUE expected"}},
    {"model.latnt=4", {"--set model.latnt=4: ", "unknown knob", "did you mean model.latent?"}},
    {"latnt=4", {"did you mean model.latent?"}},
    {"seed=4", {"several sections", "study.seed, data.seed"}},
    {"modell.width=4", {"it is model.width"}},
    {"nothing.like.it=4", {"section.knob expected"}},
    {"model.latent=8 .. 2", {"--set model.latent=8 .. 2: 8 .. 2 is upside down"}},
    {"model.latent=", {"--set model.latent=: no value"}},
    {"study.trials=1 .. 4", {"--set study.trials=1 .. 4: takes one value"}},
    {"optimizer.kind=adan", {"did you mean adam?"}},
    {"optimizer.lr=1e-3;1e-4", {"without a condition"}},
    {"optimizer.lr=1e-3 if kind = adam; 1e-4 if kind = adam", {"overlapping"}},
    {"optimizer.lr=1e-3 if kind = adam;", {"no value"}},
    {"data.source=\x1b[2J", {"--set data.source=\\x1B[2J: "}},
};

static void a_wrong_option_is_refused_by_its_own_name_and_changes_nothing(void **state)
{
    static const char yaml[] = "optimizer:\n  lr: 1e-4 .. 1e-2 log\nmodel:\n  latent: 2 | 4\n";
    struct preset p, before;
    struct err e;
    (void)state;
    assert_ok(preset_parse(&p, yaml, strlen(yaml), "x.yaml", &e), &e);
    preset_copy(&before, &p);
    for (size_t i = 0; i < sizeof in_option / sizeof *in_option; i++) {
        assert_err(preset_set(&p, in_option[i].set, &e), ERR_USAGE, &e);
        for (size_t j = 0; j < 3 && in_option[i].words[j]; j++) {
            assert_has(e.text, in_option[i].words[j]);
        }
        assert_null(strchr(e.text, '\x1b'));
        assert_err(preset_set(&p, in_option[i].set, NULL), ERR_USAGE, NULL);
        assert_int_equal(preset_difference(&p, &before), KNOB_NONE);
    }
    preset_release(&p);
    preset_release(&before);
}

/* What only the whole preset shows. */
static const struct wrong in_whole[] = {
    {"optimizer:\n  kind: adam | sgd if lr_schedule = cosine\n  lr_schedule: constant | cosine if kind = adam\n",
     "2:9",
     {"optimizer.kind", "on itself", "break the circle"}},
    {"loss:\n  beta: 0.5 | 1 if model.latent = 4\nmodel:\n  latent: 2 | 4 if width = 64\n  width: 64 | 128 if "
     "loss.beta = 1\n",
     "5:10",
     {"model.width", "break the circle"}},
    {"study:\n  sampler: grid\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n",
     "4:7",
     {"0.0001 .. 0.01 log", "grid", "step or choices"}},
    {"optimizer:\n  lr: 1e-4 .. 1e-2 log\n  momentum: 0 | 0.9 if lr = 1e-3\n", "3:13", {"continuous range"}},
    {"train:\n  epochs: 8\nloss:\n  beta_schedule: linear\n  beta_warmup: 1 .. 10\n",
     "5:16",
     {"train.epochs 8", "10 epochs"}},
    {"train:\n  epochs: 2 .. 8\nloss:\n  beta_schedule: constant | linear\n", "2:11", {"train.epochs 2"}},
};

static void a_preset_wrong_as_a_whole_is_refused_with_the_knobs_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof in_whole / sizeof *in_whole; i++) {
        const struct wrong *w = &in_whole[i];
        struct preset p;
        struct err e;
        char *at = xasprintf("w.yaml:%s: ", w->at);
        assert_ok(preset_parse(&p, w->yaml, strlen(w->yaml), "w.yaml", &e), &e);
        assert_err(preset_check(&p, &e), ERR_USAGE, &e);
        assert_has(e.text, at);
        for (size_t j = 0; j < 3 && w->words[j]; j++) {
            assert_has(e.text, w->words[j]);
        }
        assert_err(preset_check(&p, NULL), ERR_USAGE, NULL);
        preset_release(&p);
        free(at);
    }
}

int errors_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(a_wrong_preset_is_refused_with_place_and_reason),
        cmocka_unit_test(a_nul_byte_is_refused_where_it_stands),
        cmocka_unit_test(more_than_a_mebibyte_is_refused),
        cmocka_unit_test(too_many_choices_or_items_are_refused),
        cmocka_unit_test(an_escape_sequence_in_a_name_does_not_reach_the_message),
        cmocka_unit_test(a_wrong_option_is_refused_by_its_own_name_and_changes_nothing),
        cmocka_unit_test(a_preset_wrong_as_a_whole_is_refused_with_the_knobs_place),
    };
    return cmocka_run_group_tests_name("conf errors", test, NULL, NULL);
}
