#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "vaetop/conf/config.h"
#include "vaetop/conf/knob.h"
#include "vaetop/conf/trial.h"

int knobs_tests(void);

static void every_knob_is_found_by_its_full_name(void **state)
{
    (void)state;
    for (int k = 0; k < KNOB_COUNT; k++) {
        const struct knob_info *i = knob_info((enum knob)k);
        assert_int_equal(knob_find(i->full), k);
        assert_true(strlen(i->meaning) > 0);
        assert_true(i->type == KNOB_CHOICE ? knob_choice_count((enum knob)k) > 0 : i->choices[0] == '\0');
    }
}

static void a_short_name_is_found_only_where_one_section_has_it(void **state)
{
    (void)state;
    assert_int_equal(knob_find("latent"), KNOB_MODEL_LATENT);
    assert_int_equal(knob_find("lr"), KNOB_OPTIMIZER_LR);
    assert_int_equal(knob_find("seed"), KNOB_NONE);
    assert_int_equal(knob_find("study.seed"), KNOB_STUDY_SEED);
    assert_int_equal(knob_find("model.lr"), KNOB_NONE);
    assert_int_equal(knob_find(""), KNOB_NONE);
}

static void the_nearest_knob_is_suggested_by_its_full_name(void **state)
{
    (void)state;
    assert_string_equal(knob_nearest("model.latnt"), "model.latent");
    assert_string_equal(knob_nearest("epohcs"), "train.epochs");
    assert_null(knob_nearest("xyzzyxyzzyxyzzy"));
}

static void choice_words_and_enums_agree(void **state)
{
    static const struct {
        enum knob k;
        int index;
        const char *word;
    } row[] = {
        {KNOB_STUDY_SAMPLER, SAMPLER_RANDOM, "random"},
        {KNOB_STUDY_SAMPLER, SAMPLER_GRID, "grid"},
        {KNOB_STUDY_SAMPLER, SAMPLER_SOBOL, "sobol"},
        {KNOB_STUDY_SAMPLER, SAMPLER_TPE, "tpe"},
        {KNOB_STUDY_SAMPLER, SAMPLER_GP, "gp"},
        {KNOB_STUDY_SAMPLER, SAMPLER_AUTO, "auto"},
        {KNOB_STUDY_VALUE, VALUE_BEST, "best"},
        {KNOB_STUDY_VALUE, VALUE_LAST, "last"},
        {KNOB_MODEL_ACTIVATION, ACT_RELU, "relu"},
        {KNOB_MODEL_ACTIVATION, ACT_TANH, "tanh"},
        {KNOB_MODEL_ACTIVATION, ACT_LEAKY, "leaky"},
        {KNOB_MODEL_ACTIVATION, ACT_ELU, "elu"},
        {KNOB_MODEL_ACTIVATION, ACT_SILU, "silu"},
        {KNOB_MODEL_ACTIVATION, ACT_GELU, "gelu"},
        {KNOB_MODEL_ACTIVATION, ACT_SOFTPLUS, "softplus"},
        {KNOB_MODEL_INIT, INIT_TORCH, "torch"},
        {KNOB_MODEL_INIT, INIT_GLOROT, "glorot"},
        {KNOB_MODEL_INIT, INIT_HE, "he"},
        {KNOB_MODEL_BIAS, BIAS_INIT, "init"},
        {KNOB_MODEL_BIAS, BIAS_DATA, "data"},
        {KNOB_LOSS_BETA_SCHEDULE, BETA_CONSTANT, "constant"},
        {KNOB_LOSS_BETA_SCHEDULE, BETA_LINEAR, "linear"},
        {KNOB_LOSS_LIKELIHOOD, LIKE_BERNOULLI, "bernoulli"},
        {KNOB_LOSS_LIKELIHOOD, LIKE_GAUSS_FIXED, "gauss_fixed"},
        {KNOB_LOSS_LIKELIHOOD, LIKE_GAUSS_LEARNED, "gauss_learned"},
        {KNOB_LOSS_LIKELIHOOD, LIKE_GAUSS_OPTIMAL, "gauss_optimal"},
        {KNOB_LOSS_BETA_SCHEDULE, BETA_SIGMOID, "sigmoid"},
        {KNOB_LOSS_BETA_SCHEDULE, BETA_CYCLICAL, "cyclical"},
        {KNOB_DATA_BINARIZE, BINARIZE_DYNAMIC, "dynamic"},
        {KNOB_OPTIMIZER_KIND, OPT_ADAM, "adam"},
        {KNOB_OPTIMIZER_KIND, OPT_RMSPROP, "rmsprop"},
        {KNOB_OPTIMIZER_KIND, OPT_SGD, "sgd"},
        {KNOB_OPTIMIZER_LR_SCHEDULE, LR_CONSTANT, "constant"},
        {KNOB_OPTIMIZER_KIND, OPT_ADAMW, "adamw"},
        {KNOB_OPTIMIZER_LR_SCHEDULE, LR_COSINE, "cosine"},
        {KNOB_OPTIMIZER_LR_SCHEDULE, LR_STEP, "step"},
        {KNOB_OPTIMIZER_LR_SCHEDULE, LR_EXPONENTIAL, "exponential"},
        {KNOB_OPTIMIZER_LR_SCHEDULE, LR_PLATEAU, "plateau"},
        {KNOB_OPTIMIZER_NESTEROV, YES, "yes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_string_equal(knob_choice_name(row[i].k, row[i].index), row[i].word);
        assert_int_equal(knob_choice_index(row[i].k, row[i].word), row[i].index);
    }
    assert_null(knob_choice_name(KNOB_OPTIMIZER_KIND, 4));
    assert_null(knob_choice_name(KNOB_OPTIMIZER_KIND, -1));
    assert_int_equal(knob_choice_index(KNOB_OPTIMIZER_KIND, "ada"), -1);
    assert_int_equal(knob_choice_count(KNOB_OPTIMIZER_KIND), 4);
    assert_int_equal(knob_choice_count(KNOB_OPTIMIZER_LR), 0);
}

static void trial_words_letters_and_states_belong_together(void **state)
{
    (void)state;
    for (int p = 0; p < PHASE_COUNT; p++) {
        assert_int_equal(trial_phase_from_word(trial_phase_word((enum trial_phase)p)), p);
        assert_true(strlen(trial_phase_meaning((enum trial_phase)p)) > 0);
        for (int q = 0; q < p; q++) {
            assert_int_not_equal(trial_phase_letter((enum trial_phase)p), trial_phase_letter((enum trial_phase)q));
        }
    }
    assert_int_equal(trial_phase_from_word("asleep"), -1);
    assert_string_equal(trial_state_name(trial_phase_state(PHASE_DIVERGED)), "FAIL");
    assert_string_equal(trial_state_name(trial_phase_state(PHASE_STOPPED)), "PRUNED");
    assert_string_equal(trial_state_name(trial_phase_state(PHASE_ENQUEUED)), "WAITING");
    assert_string_equal(trial_state_name(trial_phase_state(PHASE_PAUSED)), "RUNNING");
}

static void a_released_snapshot_is_empty(void **state)
{
    struct snapshot s = {.trial = 3, .kl = calloc(4, sizeof(float)), .xy = calloc(8, 2), .label = calloc(4, 1)};
    (void)state;
    snapshot_release(&s);
    assert_null(s.kl);
    assert_null(s.xy);
    assert_null(s.label);
    snapshot_release(&s);
}

int knobs_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(every_knob_is_found_by_its_full_name),
        cmocka_unit_test(a_short_name_is_found_only_where_one_section_has_it),
        cmocka_unit_test(the_nearest_knob_is_suggested_by_its_full_name),
        cmocka_unit_test(choice_words_and_enums_agree),
        cmocka_unit_test(trial_words_letters_and_states_belong_together),
        cmocka_unit_test(a_released_snapshot_is_empty),
    };
    return cmocka_run_group_tests_name("conf knobs", test, NULL, NULL);
}
