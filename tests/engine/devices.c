/* Devices switched while a study runs. */
#include "rig.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int devices_tests(void);

#define STUDY(trials, slots, epochs) \
    "study:\n  trials: " #trials "\n  slots: " #slots "\ntrain:\n  epochs: " #epochs \
    "\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n"

static bool card(struct rig *r, int index, struct card_row *out)
{
    struct card_row *row = NULL;
    size_t n = 0;
    struct err e;
    assert_ok(store_cards(r->store, &row, &n, &e), &e);
    bool there = (size_t)index < n;
    if (there) {
        *out = row[index];
    }
    free(row);
    return there;
}

struct use {
    int card;
    const char *word;
};

static bool has_use(struct rig *r, const void *arg)
{
    const struct use *u = arg;
    struct card_row c;
    return card(r, u->card, &c) && strcmp(c.use, u->word) == 0;
}

static void until_use(struct rig *r, int index, const char *word)
{
    rig_until(r, has_use, &(struct use){index, word}, word);
}

static bool card_free(struct rig *r, const void *arg)
{
    struct device_row *row = NULL;
    struct card_row c;
    struct err e;
    size_t n = 0, busy = 0;
    assert_true(card(r, *(const int *)arg, &c));
    assert_ok(store_devices(r->store, &row, &n, &e), &e);
    for (size_t i = 0; i < n; i++) {
        bool of_it = row[i].index >= c.first && row[i].index < c.first + c.slices;
        busy += of_it && (row[i].worker.pid > 0 || strcmp(row[i].state, "off") != 0);
    }
    free(row);
    return busy == 0;
}

static void two_held(struct rig *r)
{
    rig_set("two");
    rig_set("hold-0-2");
    rig_set("hold-1-2");
    rig_study(r, STUDY(4, 2, 4));
    rig_start_on(r, "all");
    rig_until_epoch(r, 0, 2);
    rig_until_epoch(r, 1, 2);
}

/* 0 or 1: the card on which a trial runs. */
static int card_of(struct rig *r, int trial)
{
    struct trial_row t;
    struct card_row c;
    assert_true(rig_trial(r, trial, &t));
    const char *slash = strchr(t.device, '/');
    assert_non_null(slash);
    assert_true(card(r, 1, &c));
    return atoi(slash + 1) >= c.first;
}

static bool runs_on(struct rig *r, const void *arg)
{
    const int *want = arg; /* trial, card */
    struct trial_row t;
    return rig_trial(r, want[0], &t) && t.device[0] && card_of(r, want[0]) == want[1];
}

static void a_trial_moves_when_its_device_goes_off_and_loses_nothing(void **state)
{
    (void)state;
    struct rig r;
    struct card_row c;
    char name[8];
    two_held(&r);
    int from = card_of(&r, 0);
    (void)snprintf(name, sizeof name, "%d", from);
    rig_do(&r, COMMAND_DEVICE_OFF, -1, name);
    until_use(&r, from, "off");
    rig_until(&r, runs_on, (const int[]){0, !from}, "the trial on the other device");
    rig_until(&r, card_free, &from, "the device without a worker");
    assert_true(card(&r, !from, &c));
    assert_string_equal(c.use, "on");
    rig_clear("hold-0-2");
    rig_clear("hold-1-2");
    rig_until_finished(&r);
    for (int i = 0; i < 4; i++) {
        rig_check_epochs(&r, i, 4); /* each once: it went on from its checkpoint */
    }
    rig_end(&r);
}

static void with_every_device_off_trials_wait_until_one_is_on(void **state)
{
    (void)state;
    struct rig r;
    two_held(&r);
    rig_do(&r, COMMAND_DEVICE_OFF, -1, "all");
    rig_until_phase(&r, 0, PHASE_QUEUED);
    rig_until_phase(&r, 1, PHASE_QUEUED);
    rig_until_log(&r, "every device is switched off");
    rig_clear("hold-0-2");
    rig_clear("hold-1-2");
    rig_do(&r, COMMAND_DEVICE_ON, -1, "1");
    until_use(&r, 1, "on");
    rig_until_finished(&r);
    assert_true(r.finished_ok);
    for (int i = 0; i < 4; i++) {
        rig_check_epochs(&r, i, 4);
    }
    rig_end(&r);
}

static void a_draining_device_ends_its_trials_and_goes_off(void **state)
{
    (void)state;
    struct rig r;
    struct trial_row t;
    char name[8];
    two_held(&r);
    int from = card_of(&r, 0);
    (void)snprintf(name, sizeof name, "%d", from);
    rig_do(&r, COMMAND_DEVICE_DRAIN, -1, name);
    until_use(&r, from, "draining");
    rig_set("hold-2-1");
    rig_clear("hold-0-2");
    rig_clear("hold-1-2");
    rig_until_phase(&r, 0, PHASE_DONE);
    assert_true(rig_trial(&r, 0, &t));
    assert_int_equal(t.attempts, 1); /* it was never moved */
    rig_until_epoch(&r, 2, 1);
    assert_int_equal(card_of(&r, 2), !from);
    until_use(&r, from, "off");
    rig_until(&r, card_free, &from, "the device without a worker");
    rig_clear("hold-2-1");
    rig_until_finished(&r);
    rig_end(&r);
}

static void what_is_off_stays_off_in_the_next_engine(void **state)
{
    (void)state;
    struct rig r;
    two_held(&r);
    rig_do(&r, COMMAND_DEVICE_OFF, -1, "0");
    until_use(&r, 0, "off");
    rig_until(&r, runs_on, (const int[]){0, 1}, "both on device 1");
    assert_int_equal(kill(rig_engine(&r), SIGKILL), 0);
    rig_detach(&r);
    rig_start(&r);
    rig_until_log(&r, "device 0 (Fake device) stays switched off");
    until_use(&r, 0, "off");
    until_use(&r, 1, "on");
    rig_do(&r, COMMAND_DEVICE_ONLY, -1, "0"); /* what `run --device 0` asks of a running engine */
    until_use(&r, 0, "on");
    until_use(&r, 1, "off");
    rig_clear("hold-0-2");
    rig_clear("hold-1-2");
    rig_until_finished(&r);
    for (int i = 0; i < 4; i++) {
        rig_check_epochs(&r, i, 4);
    }
    rig_end(&r);
}

static void a_device_that_does_not_open_is_switched_off(void **state)
{
    (void)state;
    struct rig r;
    struct card_row c;
    rig_set("two");
    rig_set("broken-1");
    rig_study(&r, STUDY(3, 2, 2));
    rig_set("hold-0-1");
    rig_start_on(&r, "all");
    until_use(&r, 1, "off");
    assert_true(card(&r, 1, &c));
    assert_non_null(strstr(c.note, "the device is not there"));
    rig_clear("hold-0-1");
    rig_until_finished(&r);
    assert_true(r.finished_ok);
    rig_end(&r);
}

static bool has_note(struct rig *r, const void *arg)
{
    struct card_row c;
    return card(r, 0, &c) && strstr(c.note, arg);
}

static void a_self_test_ends_as_one_line(void **state)
{
    (void)state;
    struct rig r;
    two_held(&r);
    rig_do(&r, COMMAND_DEVICE_TEST, -1, "0");
    rig_until(&r, has_note, "self-test passed in", "the self-test's result");
    rig_until_log(&r, "device 0 (Fake device): self-test passed in");
    rig_set("unfit");
    rig_do(&r, COMMAND_DEVICE_TEST, -1, "0");
    rig_until(&r, has_note, "wrong sums", "the self-test's failure");
    rig_do(&r, COMMAND_DEVICE_TEST, -1, "all"); /* under way when the engine ends */
    rig_end(&r);
}

static void devices_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    two_held(&r);
    assert_err(client_command(r.client, COMMAND_DEVICE_OFF, -1, "7", NULL, &e), ERR_NODEVICE, &e);
    assert_non_null(strstr(e.text, "no such device"));
    assert_err(client_command(r.client, COMMAND_DEVICE_OFF, -1, " ", NULL, &e), ERR_USAGE, &e);
    rig_end(&r);
}

int devices_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_moves_when_its_device_goes_off_and_loses_nothing),
        cmocka_unit_test(with_every_device_off_trials_wait_until_one_is_on),
        cmocka_unit_test(a_draining_device_ends_its_trials_and_goes_off),
        cmocka_unit_test(what_is_off_stays_off_in_the_next_engine),
        cmocka_unit_test(a_device_that_does_not_open_is_switched_off),
        cmocka_unit_test(a_self_test_ends_as_one_line),
        cmocka_unit_test(devices_that_do_not_exist_are_refused),
    };
    return cmocka_run_group_tests_name("engine devices", tests, rig_setup, rig_teardown);
}
