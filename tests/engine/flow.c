#include "rig.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"

int flow_tests(void);

#define STUDY(trials, slots, epochs) \
    "study:\n  trials: " #trials "\n  slots: " #slots "\ntrain:\n  epochs: " #epochs \
    "\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n"

static void check_done(struct rig *r, int trial, int epochs)
{
    struct trial_row t;
    assert_true(rig_trial(r, trial, &t));
    assert_int_equal(t.phase, PHASE_DONE);
    assert_close(t.value, rig_value(trial, epochs), 1e-12, 0);
    rig_check_epochs(r, trial, epochs);
}

static void a_study_runs_to_its_end_and_the_engine_ends(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(7, 3, 4));
    rig_start(&r);
    rig_until_finished(&r);
    assert_true(r.finished_ok);
    for (int i = 0; i < 7; i++) {
        check_done(&r, i, 4);
        assert_true(rig_has_checkpoint(&r, i));
    }
    char *phase = rig_fact(&r, "phase");
    assert_string_equal(phase, "finished");
    free(phase);
    rig_detach(&r);
    rig_wait_engine_gone(&r); /* by itself */
    rig_end(&r);
}

static void a_finished_study_stays_while_somebody_speaks(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(1, 1, 1));
    (void)setenv("VAETOP_IDLE_S", "1", 1);
    rig_start(&r);
    (void)unsetenv("VAETOP_IDLE_S");
    rig_until_finished(&r);
    const int64_t until = clock_mono_ns() + INT64_C(3500000000);
    while (clock_mono_ns() < until) {
        rig_do(&r, COMMAND_RESUME, -1, NULL);
        (void)poll(NULL, 0, 50);
    }
    rig_wait_engine_gone(&r); /* the client is here still, and says nothing */
    rig_end(&r);
}

static bool three_hold(struct rig *r, const void *arg)
{
    (void)arg;
    struct trial_row t;
    int at = 0;
    for (int i = 0; i < 3; i++) {
        at += rig_trial(r, i, &t) && t.has_epoch && t.last.epoch == 1;
    }
    return at == 3 && rig_count(r, PHASE_QUEUED) == 3;
}

static void no_more_trials_run_than_slots_and_as_many_wait(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(20, 3, 2));
    rig_set("hold-0-1");
    rig_set("hold-1-1");
    rig_set("hold-2-1");
    rig_start(&r);
    rig_until(&r, three_hold, NULL, "three trials held and three queued");
    assert_int_equal(rig_count(&r, PHASE_ACTIVE), 3);
    struct trial_row t;
    assert_false(rig_trial(&r, 6, &t)); /* suggestions are asked for as they are needed */
    rig_end(&r);
}

static bool five_active(struct rig *r, const void *arg)
{
    (void)arg;
    return rig_count(r, PHASE_ACTIVE) == 5;
}

static void slots_can_be_changed_while_it_runs(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    char name[32];
    rig_study(&r, STUDY(20, 2, 2));
    for (int i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof name, "hold-%d-1", i);
        rig_set(name);
    }
    rig_start(&r);
    rig_until_epoch(&r, 1, 1);
    assert_int_equal(rig_count(&r, PHASE_ACTIVE), 2);
    rig_do(&r, COMMAND_SLOTS, -1, "5");
    rig_until(&r, five_active, NULL, "five trials running");
    assert_err(client_command(r.client, COMMAND_SLOTS, -1, "0", NULL, &e), ERR_USAGE, &e);
    rig_end(&r);
}

static void a_paused_trial_leaves_its_slot_and_goes_on_later(void **state)
{
    (void)state;
    struct rig r;
    rig_held(&r, STUDY(3, 1, 5), 0, 2);
    rig_do(&r, COMMAND_PAUSE, 0, NULL);
    rig_until_phase(&r, 0, PHASE_PAUSED);
    rig_until_phase(&r, 2, PHASE_DONE); /* the others had the slot */
    struct trial_row t;
    assert_true(rig_trial(&r, 0, &t));
    assert_string_equal(t.device, "");
    rig_clear("hold-0-2");
    assert_false(r.finished);
    rig_do(&r, COMMAND_RESUME, 0, NULL);
    rig_until_finished(&r);
    check_done(&r, 0, 5);
    assert_true(rig_trial(&r, 0, &t));
    assert_int_equal(t.attempts, 2);
    rig_end(&r);
}

static void a_stop_that_waits_can_be_taken_back_and_outlives_its_client(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    rig_study(&r, STUDY(3, 3, 6));
    rig_set("hold-0-1");
    rig_set("hold-1-1");
    rig_set("hold-2-1");
    rig_start(&r);
    rig_until_epoch(&r, 0, 1);
    rig_until_epoch(&r, 1, 1);
    rig_until_epoch(&r, 2, 1);
    rig_do(&r, COMMAND_STOP_NOW, 0, "60");
    rig_do(&r, COMMAND_STOP_NOW, 1, "1");
    rig_do(&r, COMMAND_UNDO, 0, "");
    assert_err(client_command(r.client, COMMAND_UNDO, 0, "", NULL, &e), ERR_USAGE, &e);
    assert_err(client_command(r.client, COMMAND_STOP_NOW, 0, "soon", NULL, &e), ERR_USAGE, &e);
    rig_detach(&r); /* who asked is gone */
    rig_until_phase(&r, 1, PHASE_STOPPED);
    rig_start(&r);
    rig_do(&r, COMMAND_STOP_NOW, 2, "60");
    rig_do(&r, COMMAND_SHUTDOWN, -1, ""); /* what was decided happens before the engine goes */
    rig_until_phase(&r, 2, PHASE_STOPPED);
    struct trial_row t;
    assert_true(rig_trial(&r, 0, &t));
    assert_int_not_equal(t.phase, PHASE_STOPPED);
    rig_end(&r);
}

static void a_stopped_trial_keeps_its_last_value(void **state)
{
    (void)state;
    struct rig r;
    struct trial_row t;
    rig_study(&r, STUDY(3, 2, 6));
    rig_set("hold-0-3");
    rig_set("hold-1-2");
    rig_start(&r);
    rig_until_epoch(&r, 0, 3);
    rig_until_epoch(&r, 1, 2);
    rig_do(&r, COMMAND_STOP_NOW, 0, NULL);
    rig_until_phase(&r, 0, PHASE_STOPPED);
    assert_true(rig_trial(&r, 0, &t));
    assert_close(t.value, rig_value(0, 3), 1e-12, 0);
    rig_do(&r, COMMAND_STOP_EPOCH, 1, NULL);
    rig_clear("hold-1-2");
    rig_until_phase(&r, 1, PHASE_STOPPED);
    rig_check_epochs(&r, 1, 3);
    rig_until_finished(&r);
    struct err e;
    assert_err(client_command(r.client, COMMAND_PAUSE, 0, NULL, NULL, &e), ERR_USAGE, &e);
    assert_has(e.text, "trial 0 is stopped already");
    rig_end(&r);
}

static void an_edit_is_acknowledged_recorded_and_made_again_after_a_pause(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    struct trial_row t;
    rig_held(&r, STUDY(1, 1, 6), 0, 2);
    rig_do(&r, COMMAND_EDIT, 0, "lr=0.5");
    rig_until_log(&r, "optimizer.lr=0.5 from step 20");
    assert_err(client_command(r.client, COMMAND_EDIT, 0, "latent=3", NULL, &e), ERR_USAGE, &e);
    assert_has(e.text, "only lr, beta and epochs");
    assert_err(client_command(r.client, COMMAND_EDIT, 0, "lr=much", NULL, &e), ERR_USAGE, &e);
    rig_do(&r, COMMAND_PAUSE, 0, NULL);
    rig_until_phase(&r, 0, PHASE_PAUSED);
    rig_do(&r, COMMAND_EDIT, 0, "lr=0.25"); /* while it is paused: made when it goes on */
    rig_clear("hold-0-2");
    rig_do(&r, COMMAND_RESUME, 0, NULL);
    rig_until_finished(&r);
    assert_true(rig_trial(&r, 0, &t));
    assert_true(t.edited);
    assert_close(t.last.lr, 0.25, 0, 0);
    struct edit_row *edit;
    size_t n;
    assert_ok(store_edits(r.store, 0, &edit, &n, &e), &e);
    assert_int_equal(n, 2);
    assert_int_equal(edit[0].step, 20);
    assert_string_equal(edit[1].value, "0.25");
    free(edit);
    rig_end(&r);
}

static void raising_trials_wakes_a_finished_study(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(2, 2, 2));
    rig_start(&r);
    rig_until_finished(&r);
    r.finished = false;
    rig_do(&r, COMMAND_TRIALS, -1, "4");
    rig_until_finished(&r);
    for (int i = 0; i < 4; i++) {
        check_done(&r, i, 2);
    }
    struct err e;
    assert_err(client_command(r.client, COMMAND_TRIALS, -1, "many", NULL, &e), ERR_USAGE, &e);
    rig_end(&r);
}

static void a_space_that_ends_before_the_trials_do_finishes_the_study(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, "study:\n  trials: 50\n  slots: 2\ntrain:\n  epochs: 1\nmodel:\n  activation: relu | tanh\n");
    rig_start(&r);
    rig_until_finished(&r);
    struct trial_row t;
    check_done(&r, 1, 1);
    assert_false(rig_trial(&r, 2, &t));
    rig_end(&r);
}

static bool none_active(struct rig *r, const void *arg)
{
    (void)arg;
    return rig_count(r, PHASE_ACTIVE) == 0;
}

static void a_paused_study_frees_the_device_and_goes_on(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(4, 2, 4));
    rig_set("hold-0-2");
    rig_set("hold-1-2");
    rig_start(&r);
    rig_until_epoch(&r, 0, 2);
    rig_until_epoch(&r, 1, 2);
    rig_do(&r, COMMAND_PAUSE, -1, NULL);
    rig_until(&r, none_active, NULL, "no trial running");
    char *phase = rig_fact(&r, "phase");
    assert_string_equal(phase, "paused");
    free(phase);
    rig_clear("hold-0-2");
    rig_clear("hold-1-2");
    rig_do(&r, COMMAND_RESUME, -1, NULL);
    rig_until_finished(&r);
    for (int i = 0; i < 4; i++) {
        check_done(&r, i, 4);
    }
    rig_end(&r);
}

static void a_stopped_study_goes_on_where_it_was_when_started_again(void **state)
{
    (void)state;
    struct rig r;
    struct trial_row t;
    rig_study(&r, STUDY(3, 2, 5));
    rig_set("hold-0-3");
    rig_set("hold-1-1");
    rig_start(&r);
    rig_until_epoch(&r, 0, 3);
    rig_until_epoch(&r, 1, 1);
    rig_do(&r, COMMAND_SHUTDOWN, -1, NULL);
    rig_until_finished(&r);
    rig_wait_engine_gone(&r);
    char *phase = rig_fact(&r, "phase");
    assert_string_equal(phase, "stopped");
    free(phase);
    assert_int_equal(rig_count(&r, PHASE_ACTIVE), 0);
    assert_true(rig_trial(&r, 0, &t));
    assert_int_equal(t.last.epoch, 3);
    rig_detach(&r);
    rig_clear_all();
    rig_start(&r);
    rig_until_finished(&r);
    for (int i = 0; i < 3; i++) {
        check_done(&r, i, 5);
    }
    rig_end(&r);
}

static void a_study_can_be_stopped_after_each_epoch(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(2, 2, 5));
    rig_set("hold-0-2");
    rig_set("hold-1-1");
    rig_start(&r);
    rig_until_epoch(&r, 0, 2);
    rig_until_epoch(&r, 1, 1);
    rig_do(&r, COMMAND_STOP_EPOCH, -1, NULL);
    rig_clear_all();
    rig_until_finished(&r);
    rig_wait_engine_gone(&r);
    rig_check_epochs(&r, 0, 3);
    rig_check_epochs(&r, 1, 2);
    assert_int_equal(rig_count(&r, PHASE_QUEUED), 2);
    rig_end(&r);
}

static void only_the_best_weights_are_kept(void **state)
{
    (void)state;
    struct rig r;
    struct trial_row t;
    rig_study(&r, "study:\n  trials: 6\n  slots: 2\n  keep: 2\ntrain:\n  epochs: 1\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n");
    rig_start(&r);
    rig_until_finished(&r);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(rig_has_checkpoint(&r, i), i < 2); /* later trials are worse */
        assert_true(rig_trial(&r, i, &t));
        assert_int_equal(t.kept, i < 2);
    }
    rig_end(&r);
}

/* The trial has one note, of its first epoch. */
static void check_note(struct rig *r, int trial, const char *text)
{
    struct err e;
    struct trial_note *note;
    size_t n;
    struct store *s;
    assert_ok(store_open(&s, r->dir, false, &e), &e);
    assert_ok(store_notes(s, trial, &note, &n, &e), &e);
    assert_int_equal(n, 1);
    assert_int_equal(note[0].epoch, 1);
    assert_string_equal(note[0].text, text);
    free(note);
    store_close(s);
}

static void trials_that_diverge_or_do_not_fit_end_alone(void **state)
{
    (void)state;
    struct rig r;
    struct trial_row t;
    rig_study(&r, STUDY(6, 4, 2));
    rig_set("nan-0");
    rig_set("huge-1");
    rig_set("bad-2");
    rig_set("big-3");
    rig_start(&r);
    rig_until_finished(&r);
    assert_true(rig_trial(&r, 0, &t));
    assert_int_equal(t.phase, PHASE_DIVERGED);
    assert_string_equal(t.reason, "loss is nan at step 10");
    check_note(&r, 0, "looked bad before");
    assert_true(isnan(t.value));
    assert_false(rig_has_checkpoint(&r, 0));
    assert_true(rig_trial(&r, 1, &t));
    assert_int_equal(t.phase, PHASE_NOMEM);
    assert_has(t.reason, "asked 2 GiB");
    assert_true(rig_trial(&r, 2, &t));
    assert_int_equal(t.phase, PHASE_FAILED);
    check_done(&r, 3, 2); /* alone it fitted */
    check_done(&r, 5, 2);
    rig_end(&r);
}

static void paused_with_nobody_looking_the_engine_ends(void **state)
{
    (void)state;
    struct rig r;
    (void)setenv("VAETOP_IDLE_S", "1", 1);
    rig_held(&r, STUDY(1, 1, 3), 0, 1);
    rig_do(&r, COMMAND_PAUSE, 0, NULL);
    rig_until_phase(&r, 0, PHASE_PAUSED);
    rig_detach(&r);
    rig_wait_engine_gone(&r);
    (void)unsetenv("VAETOP_IDLE_S");
    rig_clear_all();
    rig_start(&r);
    rig_do(&r, COMMAND_RESUME, -1, NULL);
    rig_until_finished(&r);
    check_done(&r, 0, 3);
    rig_end(&r);
}

static bool log_is_small(struct rig *r, const void *arg)
{
    struct stat st;
    return stat(arg, &st) == 0 && st.st_size < 1 << 20 && r->client;
}

static void a_log_that_grows_goes_on_in_a_second_file(void **state)
{
    (void)state;
    struct rig r;
    rig_held(&r, STUDY(1, 1, 2), 0, 1);
    char *path = fs_join(r.dir, "log");
    char *old = fs_join(r.dir, "log.1");
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    for (int i = 0; i < 500000; i++) {
        assert_int_equal(fputs("ten bytes\n", f), 1);
    }
    assert_int_equal(fclose(f), 0);
    rig_until(&r, log_is_small, path, "the log to begin anew");
    char *text = NULL;
    size_t n = 0;
    struct err e;
    assert_ok(fs_read(&text, &n, old, 5 << 20, &e), &e);
    assert_int_equal(n, 4 << 20);
    assert_has(text, "ten bytes\nten bytes\n");
    free(text);
    free(path);
    free(old);
    rig_end(&r);
}

static void its_time_over_a_study_stops(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, "study:\n  trials: 2\n  slots: 1\n  timeout: 1\ntrain:\n  epochs: 3\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n");
    rig_set("hold-0-1");
    rig_start(&r);
    rig_until_finished(&r);
    rig_wait_engine_gone(&r);
    char *phase = rig_fact(&r, "phase");
    assert_string_equal(phase, "stopped");
    free(phase);
    rig_until_log(&r, "study.timeout");
    assert_int_equal(rig_count(&r, PHASE_QUEUED), 2);
    rig_end(&r);
}

int flow_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_study_runs_to_its_end_and_the_engine_ends),
        cmocka_unit_test(a_finished_study_stays_while_somebody_speaks),
        cmocka_unit_test(no_more_trials_run_than_slots_and_as_many_wait),
        cmocka_unit_test(slots_can_be_changed_while_it_runs),
        cmocka_unit_test(a_paused_trial_leaves_its_slot_and_goes_on_later),
        cmocka_unit_test(a_stop_that_waits_can_be_taken_back_and_outlives_its_client),
        cmocka_unit_test(a_stopped_trial_keeps_its_last_value),
        cmocka_unit_test(an_edit_is_acknowledged_recorded_and_made_again_after_a_pause),
        cmocka_unit_test(raising_trials_wakes_a_finished_study),
        cmocka_unit_test(a_space_that_ends_before_the_trials_do_finishes_the_study),
        cmocka_unit_test(a_paused_study_frees_the_device_and_goes_on),
        cmocka_unit_test(a_stopped_study_goes_on_where_it_was_when_started_again),
        cmocka_unit_test(a_study_can_be_stopped_after_each_epoch),
        cmocka_unit_test(only_the_best_weights_are_kept),
        cmocka_unit_test(trials_that_diverge_or_do_not_fit_end_alone),
        cmocka_unit_test(paused_with_nobody_looking_the_engine_ends),
        cmocka_unit_test(a_log_that_grows_goes_on_in_a_second_file),
        cmocka_unit_test(its_time_over_a_study_stops),
    };
    return cmocka_run_group_tests_name("engine flow", tests, rig_setup, rig_teardown);
}
