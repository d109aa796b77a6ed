/* Trials by hand and a space that changes while the study runs. */
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/fs.h"

int living_tests(void);

#define STUDY(trials, slots, epochs) \
    "study:\n  trials: " #trials "\n  slots: " #slots "\n  sampler: random\ntrain:\n  epochs: " #epochs \
    "\noptimizer:\n  lr: 1e-4 .. 1e-2 log\nmodel:\n  latent: 2 .. 64 log\n"

/* A knob's value of a trial, by the study's preset as it is now. */
static double value_of(struct rig *r, int trial, enum knob k)
{
    struct preset p;
    struct trial_row *row = NULL;
    size_t n = 0;
    double v = (double)NAN;
    struct err e;
    assert_ok(store_preset(r->store, &p, &e), &e);
    assert_ok(store_trials(r->store, &p, -1, &row, &n, &e), &e);
    assert_true((size_t)trial < n);
    for (size_t i = 0; i < p.n_ranges; i++) {
        v = p.range[i].knob == k && row[trial].point.present[i] ? row[trial].point.value[i] : v;
    }
    trial_rows_free(row, n);
    preset_release(&p);
    return v;
}

static void a_trial_by_hand_waits_and_comes_first(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    char *reply = NULL;
    rig_held(&r, STUDY(4, 1, 3), 0, 1);
    rig_until_phase(&r, 1, PHASE_QUEUED); /* suggested ahead */
    assert_ok(client_command(r.client, COMMAND_ENQUEUE, -1, "optimizer.lr=2e-3", &reply, &e), &e);
    assert_non_null(strstr(reply, "trial 2 waits"));
    assert_non_null(strstr(reply, "drawn at random: latent"));
    free(reply);
    rig_until_phase(&r, 2, PHASE_ENQUEUED);
    assert_close(value_of(&r, 2, KNOB_OPTIMIZER_LR), 2e-3, 0, 0);
    assert_err(client_command(r.client, COMMAND_ENQUEUE, -1, "optimizer.lr=1", NULL, &e), ERR_USAGE, &e);
    assert_non_null(strstr(e.text, "0.01 log"));
    rig_set("hold-2-1");
    rig_clear("hold-0-1");
    rig_until_epoch(&r, 2, 1);
    struct trial_row t;
    assert_true(rig_trial(&r, 1, &t));
    assert_int_equal(t.phase, PHASE_QUEUED); /* what a person asked for goes before it */
    rig_clear("hold-2-1");
    rig_until_finished(&r);
    assert_int_equal(rig_count(&r, PHASE_DONE), 4); /* it is one of the study's trials */
    rig_end(&r);
}

static void a_clone_of_a_finished_trial_wakes_the_study(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(2, 1, 2));
    rig_start(&r);
    rig_until_finished(&r);
    double latent = value_of(&r, 1, KNOB_MODEL_LATENT);
    r.finished = false;
    rig_do(&r, COMMAND_CLONE, 1, "lr=5e-3");
    rig_until_phase(&r, 2, PHASE_DONE);
    assert_close(value_of(&r, 2, KNOB_OPTIMIZER_LR), 5e-3, 0, 0);
    assert_close(value_of(&r, 2, KNOB_MODEL_LATENT), latent, 0, 0);
    rig_until_finished(&r);
    rig_end(&r);
}

static void a_waiting_trial_outlives_the_engine(void **state)
{
    (void)state;
    struct rig r;
    rig_held(&r, STUDY(2, 1, 2), 0, 1);
    rig_do(&r, COMMAND_PAUSE, -1, "");
    rig_do(&r, COMMAND_ENQUEUE, -1, "latent=32");
    rig_until_log(&r, "enqueued by hand: latent=32");
    rig_do(&r, COMMAND_SHUTDOWN, -1, "");
    rig_detach(&r);
    rig_wait_engine_gone(&r);
    rig_clear("hold-0-1");
    rig_start(&r);
    rig_until_finished(&r);
    size_t with = 0;
    for (int i = 0; i < (int)rig_count(&r, PHASE_DONE); i++) {
        double v = value_of(&r, i, KNOB_MODEL_LATENT);
        with += v > 31.5 && v < 32.5;
    }
    assert_int_equal(with, 1);
    rig_end(&r);
}

static void a_changed_space_is_suggested_in_and_old_trials_stay(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    rig_study(&r, STUDY(40, 1, 1));
    rig_set("hold-1-0");
    rig_start(&r);
    rig_until_phase(&r, 1, PHASE_ACTIVE);
    rig_do(&r, COMMAND_SPACE, -1, "model.latent=48 .. 256 log"); /* the fake advisor gives the lower end */
    assert_err(client_command(r.client, COMMAND_SPACE, -1, "model.latent=48 .. 256", NULL, &e), ERR_USAGE, &e);
    rig_do(&r, COMMAND_SPACE, -1, "optimizer.lr=1e-3 .. 1e-2 log");
    rig_clear("hold-1-0");
    rig_until_phase(&r, 20, PHASE_DONE);
    assert_close(value_of(&r, 0, KNOB_MODEL_LATENT), 2, 0, 0);
    assert_close(value_of(&r, 0, KNOB_OPTIMIZER_LR), 1e-4, 0, 0);
    assert_close(value_of(&r, 20, KNOB_MODEL_LATENT), 48, 0, 0);
    assert_close(value_of(&r, 20, KNOB_OPTIMIZER_LR), 1e-3, 0, 0);
    rig_do(&r, COMMAND_SHUTDOWN, -1, "");
    rig_detach(&r);
    rig_wait_engine_gone(&r);
    rig_start(&r); /* another day */
    rig_until_finished(&r);
    assert_close(value_of(&r, 39, KNOB_MODEL_LATENT), 48, 0, 0);
    char *n = rig_fact(&r, "space_changes");
    assert_string_equal(n, "2");
    free(n);
    rig_end(&r);
}

static bool is_foreign(struct rig *r, const void *arg)
{
    struct trial_row t;
    return rig_trial(r, *(const int *)arg, &t) && t.foreign;
}

/* The next number is another program's, whose trial has ended. */
#define COMPLETE_TRIAL \
    "INSERT INTO trials(number, study_id, state, datetime_start, datetime_complete) SELECT count(*), 1, 'COMPLETE'," \
    " '2026-01-02 03:04:05.000006', '2026-01-02 03:05:05.000000' FROM trials;" \
    "INSERT INTO trial_values(trial_id, objective, value, value_type) SELECT max(trial_id), 0, 99.5, 'FINITE' FROM trials"

/* Another program takes the number that a trial by hand was promised, before it could be stored. */
static void a_trial_by_hand_gives_way_to_another_programs(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    char *reply = NULL;
    rig_held(&r, STUDY(5, 1, 3), 0, 1);
    rig_until_phase(&r, 1, PHASE_QUEUED);
    struct sqlite3 *db = rig_meddle(&r);
    assert_ok(client_command(r.client, COMMAND_ENQUEUE, -1, "latent=32; lr=3e-3", &reply, &e), &e);
    assert_non_null(strstr(reply, "trial 2 waits"));
    free(reply);
    rig_meddle_end(db, COMPLETE_TRIAL);
    rig_until(&r, is_foreign, &(int){2}, "trial 2 to be another program's");
    rig_until_phase(&r, 3, PHASE_ENQUEUED);
    rig_until_log(&r, "enqueued by hand; its number has changed");
    rig_clear("hold-0-1");
    rig_until_finished(&r);
    assert_close(value_of(&r, 3, KNOB_MODEL_LATENT), 32, 0, 0);
    assert_close(value_of(&r, 3, KNOB_OPTIMIZER_LR), 3e-3, 0, 0);
    assert_int_equal(rig_count(&r, PHASE_DONE), 5); /* theirs is one of the five */
    struct trial_row t;
    assert_true(rig_trial(&r, 3, &t));
    assert_true(t.phase == PHASE_DONE && !t.foreign);
    rig_end(&r);
}

static bool is_asked(struct rig *r, const void *arg)
{
    char *path = fs_join(getenv("FAKE_CONTROL"), arg);
    bool yes = fs_exists(path);
    (void)r;
    free(path);
    return yes;
}

/* The number that a suggestion was on its way for goes to another program, whose trial says nothing about the space: the
 * suggested point is nobody's, and does not count as running. */
static void a_suggestion_for_a_taken_number_is_forgotten(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    struct suggestion *made = NULL;
    size_t n = 0;
    rig_study(&r, STUDY(5, 1, 3));
    rig_set("hold-0-1");
    rig_set("mute-1");
    rig_start(&r);
    rig_until(&r, is_asked, "asked-1", "the advisor to be asked for trial 1");
    rig_until_phase(&r, 0, PHASE_ACTIVE);
    rig_meddle_end(rig_meddle(&r),
                   "INSERT INTO trials(number, study_id, state) VALUES(1, 1, 'WAITING');"
                   "INSERT INTO trial_system_attributes(trial_id, key, value_json) SELECT max(trial_id), 'fixed_params',"
                   " '{\"model.latent\": 99}' FROM trials");
    rig_until_log(&r, "left to it: model.latent: 99 is outside the space");
    rig_clear("mute-1");
    rig_until_phase(&r, 2, PHASE_QUEUED);
    rig_clear("hold-0-1");
    rig_until_phase(&r, 4, PHASE_DONE);
    assert_ok(store_suggestions(r.store, 0, 4, &made, &n, &e), &e);
    assert_int_equal(n, 4);
    assert_string_equal(made[1].running, "0");
    assert_int_equal(made[1].number, 2);
    for (size_t i = 0; i < n; i++) {
        assert_null(strchr(made[i].running, '1'));
    }
    store_suggestions_free(made, n);
    rig_end(&r);
}

static bool has_order(struct rig *r, const void *arg)
{
    struct telling *order = NULL;
    struct err e;
    size_t n = 0;
    assert_ok(store_order(r->store, &order, &n, &e), &e);
    free(order);
    return n == *(const size_t *)arg;
}

/* Three suggestions are under way in a space of two points, so one of the answers is empty; it must not end the study when
 * the number of another has been taken meanwhile. */
static void an_empty_answer_before_a_point_came_free_is_not_the_end(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, "study:\n  trials: 5\n  slots: 3\n  sampler: grid\ntrain:\n  epochs: 1\nmodel:\n  activation: relu | tanh\n");
    rig_set("mute-0");
    rig_start(&r);
    rig_until(&r, is_asked, "asked-0", "the advisor to be asked for trial 0");
    rig_meddle_end(rig_meddle(&r), COMPLETE_TRIAL);
    rig_until(&r, has_order, &(size_t){1}, "the engine to have seen it");
    rig_clear("mute-0");
    rig_until_finished(&r);
    assert_int_equal(rig_count(&r, PHASE_DONE), 3);
    rig_end(&r);
}

static void what_another_program_ended_last_has_its_place(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    struct telling *order = NULL;
    size_t n = 0;
    rig_held(&r, STUDY(5, 1, 3), 0, 1);
    rig_until_phase(&r, 1, PHASE_QUEUED);
    rig_meddle_end(rig_meddle(&r), COMPLETE_TRIAL);
    rig_do(&r, COMMAND_SHUTDOWN, -1, ""); /* before the engine's next look, most times */
    rig_detach(&r);
    rig_wait_engine_gone(&r);
    assert_ok(store_order(r.store, &order, &n, &e), &e);
    assert_int_equal(n, 1);
    assert_int_equal(order[0].number, 2);
    free(order);
    rig_clear("hold-0-1");
    rig_end(&r);
}

int living_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_by_hand_waits_and_comes_first),
        cmocka_unit_test(a_clone_of_a_finished_trial_wakes_the_study),
        cmocka_unit_test(a_waiting_trial_outlives_the_engine),
        cmocka_unit_test(a_changed_space_is_suggested_in_and_old_trials_stay),
        cmocka_unit_test(a_trial_by_hand_gives_way_to_another_programs),
        cmocka_unit_test(a_suggestion_for_a_taken_number_is_forgotten),
        cmocka_unit_test(an_empty_answer_before_a_point_came_free_is_not_the_end),
        cmocka_unit_test(what_another_program_ended_last_has_its_place),
    };
    return cmocka_run_group_tests_name("engine living", tests, rig_setup, rig_teardown);
}
