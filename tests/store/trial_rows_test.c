/* What is written about a trial comes back, through a reader that opened the file anew. */
#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"

static void preset_name_and_facts_round_trip(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct preset p;
    char *text;
    study_open(&t);
    assert_ok(store_fact_set(t.s, "phase", "running", &e), &e);
    assert_ok(store_fact_set(t.s, "phase", "paused", &e), &e);
    assert_ok(store_preset(t.s, &p, &e), &e);
    assert_int_equal(preset_difference(&p, &t.p), KNOB_NONE);
    assert_string_equal(p.name, "test");
    assert_has(p.lesson, "nothing");
    assert_int_equal(p.n_ranges, t.p.n_ranges);
    for (size_t r = 0; r < p.n_ranges; r++) {
        assert_int_equal(p.range[r].knob, t.p.range[r].knob);
    }
    preset_release(&p);
    assert_ok(store_name(t.s, &text, &e), &e);
    assert_string_equal(text, "test-1");
    free(text);
    assert_ok(store_fact_get(t.s, "phase", &text, &e), &e);
    assert_string_equal(text, "paused");
    free(text);
    assert_ok(store_fact_get(t.s, "uuid", &text, &e), &e);
    assert_int_equal(strlen(text), 36);
    free(text);
    assert_ok(store_fact_get(t.s, "no such key", &text, &e), &e);
    assert_null(text);
    study_close(&t);
}

static void points_of_every_kind_round_trip(void **state)
{
    (void)state;
    struct study t;
    study_open(&t);
    for (int i = 0; i < 12; i++) {
        struct point want;
        assert_int_equal(add_trial(&t, i % 5 == 4 ? PHASE_ENQUEUED : PHASE_QUEUED), i);
        make_point(&want, &t.p, i);
        struct trial_row *r = read_trial(t.dir, i);
        assert_int_equal(r->point.n, want.n);
        for (size_t k = 0; k < want.n; k++) {
            assert_int_equal(r->point.present[k], want.present[k]);
            if (want.present[k]) {
                assert_memory_equal(&r->point.value[k], &want.value[k], sizeof(double));
            }
        }
        assert_int_equal(r->epochs, 20);
        assert_int_equal(r->phase, i % 5 == 4 ? PHASE_ENQUEUED : PHASE_QUEUED);
        trial_rows_free(r, 1);
        point_release(&want);
    }
    study_close(&t);
}

static void epochs_round_trip_bit_for_bit(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct epoch_row *rows;
    size_t n;
    study_open(&t);
    (void)add_trial(&t, PHASE_QUEUED);
    (void)add_trial(&t, PHASE_QUEUED);
    for (int i = 1; i <= 5; i++) {
        struct epoch_row r = make_epoch(1, i, 100 - i);
        r.val_kl = i == 3 ? NAN : r.val_kl;
        r.train_loss = i == 4 ? INFINITY : r.train_loss;
        assert_ok(store_epoch(t.s, &r, &e), &e);
    }
    assert_ok(store_epochs(t.s, 1, 2, &rows, &n, &e), &e);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        struct epoch_row want = make_epoch(1, (int)i + 3, 97 - (double)i);
        want.val_kl = i == 0 ? NAN : want.val_kl;
        want.train_loss = i == 1 ? INFINITY : want.train_loss;
        assert_epoch_equal(&rows[i], &want);
    }
    free(rows);
    assert_ok(store_epochs(t.s, 0, 0, &rows, &n, &e), &e);
    assert_int_equal(n, 0);
    assert_null(rows);
    study_close(&t);
}

static void life_of_a_trial(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    study_open(&t);
    int64_t before = clock_utc_us();
    (void)add_trial(&t, PHASE_QUEUED);
    struct trial_row *r = read_trial(t.dir, 0);
    assert_int_equal(r->start_us, 0);
    assert_true(isnan(r->value));
    assert_false(r->has_epoch);
    trial_rows_free(r, 1);
    assert_ok(store_trial_phase(t.s, 0, PHASE_ACTIVE, NAN, NULL, &e), &e);
    assert_ok(store_trial_device(t.s, 0, "pocl \x1b[2J cpu", 1, &e), &e);
    assert_ok(store_progress(t.s, 0, 50, 1000, 20, 1234.5, &e), &e);
    add_epoch(&t, 0, 1, 150);
    r = read_trial(t.dir, 0);
    assert_int_equal(r->phase, PHASE_ACTIVE);
    assert_string_equal(r->device, "pocl \\x1B[2J cpu");
    assert_int_equal(r->attempts, 1);
    assert_int_equal(r->steps, 1000);
    assert_int_equal(r->step, 100);
    assert_close(r->images_per_s, 1234.5, 0, 0);
    assert_true(r->start_us >= before && r->start_us <= clock_utc_us());
    assert_close(r->value, 150, 0, 0);
    trial_rows_free(r, 1);
    assert_ok(store_edit(t.s, 0, KNOB_OPTIMIZER_LR, "0.002", 150, &e), &e);
    assert_ok(store_trial_phase(t.s, 0, PHASE_PAUSED, NAN, NULL, &e), &e);
    assert_ok(store_trial_phase(t.s, 0, PHASE_ACTIVE, NAN, NULL, &e), &e);
    assert_ok(store_trial_phase(t.s, 0, PHASE_DONE, 149.5, "", &e), &e);
    assert_ok(store_trial_kept(t.s, 0, true, &e), &e);
    r = read_trial(t.dir, 0);
    assert_int_equal(r->phase, PHASE_DONE);
    assert_close(r->value, 149.5, 0, 0);
    assert_true(r->edited);
    assert_true(r->kept);
    assert_false(r->foreign);
    assert_true(isnan(r->images_per_s));
    assert_true(r->complete_us >= r->start_us);
    trial_rows_free(r, 1);
    study_close(&t);
}

static void assert_final_is_final(struct study *t, int number)
{
    struct err e;
    struct epoch_row row = make_epoch(number, 9, 1);
    char *before = query(t->dir, "SELECT group_concat(quote(state)||quote(datetime_complete)) FROM trials");
    assert_err(store_trial_phase(t->s, number, PHASE_ACTIVE, NAN, NULL, &e), ERR_USAGE, &e);
    assert_has(e.text, "never changes");
    assert_err(store_trial_phase(t->s, number, PHASE_DONE, 3, NULL, &e), ERR_USAGE, &e);
    assert_err(store_trial_phase(t->s, number, PHASE_STOPPED, 3, NULL, &e), ERR_USAGE, &e);
    assert_err(store_epoch(t->s, &row, &e), ERR_USAGE, &e);
    assert_err(store_progress(t->s, number, 1, 2, 3, 4, &e), ERR_USAGE, &e);
    assert_err(store_trial_device(t->s, number, "other", 2, &e), ERR_USAGE, &e);
    assert_err(store_edit(t->s, number, KNOB_OPTIMIZER_LR, "1", 1, &e), ERR_USAGE, &e);
    char *after = query(t->dir, "SELECT group_concat(quote(state)||quote(datetime_complete)) FROM trials");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void a_final_trial_never_changes(void **state)
{
    (void)state;
    static const enum trial_phase final[] = {PHASE_DONE,     PHASE_PRUNED, PHASE_STOPPED,
                                             PHASE_DIVERGED, PHASE_NOMEM,  PHASE_FAILED};
    struct study t;
    struct err e;
    study_open(&t);
    for (int i = 0; i < (int)(sizeof final / sizeof *final); i++) {
        (void)add_trial(&t, PHASE_QUEUED);
        add_epoch(&t, i, 1, 120);
        assert_ok(store_trial_phase(t.s, i, final[i], i < 3 ? 119 : NAN, "because", &e), &e);
        assert_final_is_final(&t, i);
        struct trial_row *r = read_trial(t.dir, i);
        assert_int_equal(r->phase, final[i]);
        assert_string_equal(r->reason, "because");
        assert_int_equal(r->last.epoch, 1);
        if (i < 3) {
            assert_close(r->value, 119, 0, 0);
        } else {
            assert_true(isnan(r->value));
        }
        trial_rows_free(r, 1);
    }
    study_close(&t);
}

static void a_refused_call_leaves_nothing(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct point pt;
    int number;
    study_open(&t);
    make_point(&pt, &t.p, 0);
    assert_err(store_trial_new(t.s, &number, &t.p, &pt, PHASE_DONE, &e), ERR_USAGE, &e);
    pt.value[0] = 1e9;
    assert_err(store_trial_new(t.s, &number, &t.p, &pt, PHASE_QUEUED, &e), ERR_USAGE, &e);
    assert_has(e.text, "trial 0");
    point_release(&pt);
    assert_err(store_trial_phase(t.s, 0, PHASE_ACTIVE, NAN, NULL, &e), ERR_NOTFOUND, &e);
    assert_err(store_commit(t.s, &e), ERR_USAGE, &e);
    assert_query(t.dir, "SELECT count(*) FROM trials", "0");
    (void)add_trial(&t, PHASE_QUEUED);
    assert_err(store_trial_phase(t.s, 0, PHASE_DONE, NAN, NULL, &e), ERR_USAGE, &e);
    assert_has(e.text, "finite");
    assert_err(store_trial_phase(t.s, 0, PHASE_ENQUEUED, NAN, NULL, &e), ERR_USAGE, &e);
    assert_query(t.dir, "SELECT state FROM trials", "RUNNING");
    study_close(&t);
}

static void stopped_keeps_its_last_value(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    study_open(&t);
    (void)add_trial(&t, PHASE_QUEUED);
    add_epoch(&t, 0, 1, 130);
    add_epoch(&t, 0, 2, 125);
    assert_ok(store_trial_phase(t.s, 0, PHASE_STOPPED, NAN, "stopped by hand", &e), &e);
    struct trial_row *r = read_trial(t.dir, 0);
    assert_close(r->value, 125, 0, 0);
    trial_rows_free(r, 1);
    assert_query(t.dir, "SELECT value FROM trial_values", "125.0");
    (void)add_trial(&t, PHASE_QUEUED);
    assert_ok(store_trial_phase(t.s, 1, PHASE_STOPPED, NAN, "before its first epoch", &e), &e);
    assert_query(t.dir, "SELECT count(*) FROM trial_values", "1");
    study_close(&t);
}

/* The i-th value of a run whose warm-up ends at epoch 3: a low one during it does not count. */
static void best_is_the_least_after_the_warm_up(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    study_open_with(&t, "loss:\n  beta_schedule: linear\n  beta_warmup: 2.5\nmodel:\n  latent: 2 | 3\n");
    static const double value[] = {90, 80, 120, NAN, 110, 110, 115};
    static const int best[] = {1, 2, 3, 3, 5, 5, 5};
    (void)add_trial(&t, PHASE_QUEUED);
    for (int i = 0; i < 7; i++) {
        add_epoch(&t, 0, i + 1, value[i]);
        struct trial_row *r = read_trial(t.dir, 0);
        struct epoch_row want = make_epoch(0, best[i], value[best[i] - 1]);
        assert_epoch_equal(&r->best, &want);
        assert_int_equal(r->last.epoch, i + 1);
        assert_close(r->value, value[best[i] - 1], 0, 0);
        trial_rows_free(r, 1);
    }
    /* Sent again after a crash, with another number. */
    add_epoch(&t, 0, 5, 130);
    struct trial_row *r = read_trial(t.dir, 0);
    assert_int_equal(r->best.epoch, 6);
    assert_int_equal(r->last.epoch, 7);
    trial_rows_free(r, 1);
    assert_ok(store_trial_phase(t.s, 0, PHASE_STOPPED, NAN, NULL, &e), &e);
    study_close(&t);
}

static void value_last_follows_the_newest_epoch(void **state)
{
    (void)state;
    struct study t;
    study_open_with(&t, "study:\n  value: last\nmodel:\n  latent: 2 | 3\n");
    (void)add_trial(&t, PHASE_QUEUED);
    add_epoch(&t, 0, 1, 100);
    add_epoch(&t, 0, 2, 105);
    struct trial_row *r = read_trial(t.dir, 0);
    assert_close(r->value, 105, 0, 0);
    assert_close(r->best.value, 100, 0, 0);
    trial_rows_free(r, 1);
    study_close(&t);
}

static void an_enqueued_trial_gets_its_parameters_when_it_starts(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    study_open(&t);
    (void)add_trial(&t, PHASE_ENQUEUED);
    assert_query(t.dir, "SELECT state FROM trials", "WAITING");
    assert_query(t.dir, "SELECT datetime_start IS NULL FROM trials", "1");
    assert_query(t.dir, "SELECT count(*) FROM trial_params", "0");
    assert_query(t.dir, "SELECT json_extract(value_json, '$.\"optimizer.kind\"') FROM trial_system_attributes"
                        " WHERE key = 'fixed_params'", "rmsprop");
    assert_ok(store_trial_phase(t.s, 0, PHASE_QUEUED, NAN, NULL, &e), &e);
    assert_query(t.dir, "SELECT state FROM trials", "RUNNING");
    assert_query(t.dir, "SELECT param_value FROM trial_params WHERE param_name = 'optimizer.kind'", "1.0");
    assert_ok(store_trial_phase(t.s, 0, PHASE_DONE, 1, NULL, &e), &e);
    (void)add_trial(&t, PHASE_ENQUEUED);
    assert_ok(store_trial_phase(t.s, 1, PHASE_STOPPED, NAN, "not wanted", &e), &e);
    assert_query(t.dir, "SELECT state FROM trials WHERE number = 1", "PRUNED");
    assert_query(t.dir, "SELECT datetime_start IS NOT NULL FROM trials WHERE number = 1", "1");
    study_close(&t);
}

static void cards_round_trip_and_are_dropped_from_the_end(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct card_row c = {.key = "00ff", .name = "H200\a", .type = "gpu", .use = "on", .note = "", .first = 3, .slices = 1,
                         .temperature_c = NAN, .power_w = 118.5, .load = 0.25};
    struct card_row *rows;
    size_t n;
    study_open(&t);
    assert_ok(store_cards(t.s, &rows, &n, &e), &e);
    assert_int_equal(n, 0);
    for (c.index = 2; c.index >= 0; c.index--) {
        assert_ok(store_card(t.s, &c, &e), &e);
    }
    assert_ok(store_cards_drop(t.s, 2, &e), &e);
    assert_ok(store_cards(t.s, &rows, &n, &e), &e);
    assert_int_equal(n, 2);
    assert_int_equal(rows[1].index, 1);
    assert_string_equal(rows[1].name, "H200\\x07");
    assert_string_equal(rows[1].key, "00ff");
    assert_string_equal(rows[1].use, "on");
    assert_int_equal(rows[1].first, 3);
    assert_true(isnan(rows[1].temperature_c));
    assert_close(rows[1].power_w, 118.5, 0, 0);
    assert_close(rows[1].load, 0.25, 0, 0);
    free(rows);
    /* A study of an older vaetop: a reader finds none, the next writer makes the table. */
    meddle(t.dir, "study.db", "DROP TABLE vaetop_card");
    assert_ok(store_cards(t.s, &rows, &n, &e), &e);
    assert_int_equal(n, 0);
    store_close(t.s);
    assert_ok(store_open(&t.s, t.dir, true, &e), &e);
    assert_ok(store_card(t.s, &c, &e), &e);
    study_close(&t);
}

static void devices_logs_and_edits_round_trip(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct device_row d = {.index = 1,
                           .name = "cpu slice 1",
                           .type = "cpu",
                           .state = "ready",
                           .slots_used = 1,
                           .slots = 2,
                           .bytes_used = 1ULL << 40,
                           .bytes_total = 1ULL << 41,
                           .busy = NAN,
                           .worker = {1234, 5678}};
    struct device_row *rows;
    struct log_row *logs;
    struct edit_row *edits;
    size_t n;
    study_open(&t);
    assert_ok(store_device(t.s, &d, &e), &e);
    d.busy = 0.5;
    assert_ok(store_device(t.s, &d, &e), &e);
    d.index = 0;
    assert_ok(store_device(t.s, &d, &e), &e);
    assert_ok(store_devices(t.s, &rows, &n, &e), &e);
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].index, 0);
    assert_string_equal(rows[1].name, "cpu slice 1");
    assert_close(rows[1].busy, 0.5, 0, 0);
    assert_int_equal(rows[1].bytes_total, 1ULL << 41);
    assert_int_equal(rows[1].worker.pid, 1234);
    assert_int_equal(rows[1].worker.start_ticks, 5678);
    free(rows);
    for (int i = 0; i < 5; i++) {
        char text[40];
        (void)snprintf(text, sizeof text, "line %d\a", i);
        assert_ok(store_log(t.s, i - 1, text, &e), &e);
    }
    assert_ok(store_logs(t.s, 1, 2, &logs, &n, &e), &e);
    assert_int_equal(n, 2);
    assert_string_equal(logs[0].text, "line 3\\x07");
    assert_int_equal(logs[1].trial, 3);
    free(logs);
    (void)add_trial(&t, PHASE_QUEUED);
    assert_ok(store_edit(t.s, 0, KNOB_LOSS_BETA, "2", 300, &e), &e);
    assert_ok(store_edit(t.s, 0, KNOB_OPTIMIZER_LR, "0.5", 200, &e), &e);
    assert_ok(store_edits(t.s, 0, &edits, &n, &e), &e);
    assert_int_equal(n, 2);
    assert_int_equal(edits[0].knob, KNOB_OPTIMIZER_LR);
    assert_string_equal(edits[0].value, "0.5");
    assert_int_equal(edits[1].step, 300);
    free(edits);
    study_close(&t);
}

static void the_log_keeps_its_newest_lines(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct log_row *logs;
    size_t n;
    study_open(&t);
    assert_ok(store_begin(t.s, &e), &e);
    for (int i = 0; i < 10005; i++) {
        assert_ok(store_log(t.s, -1, "x", &e), &e);
    }
    assert_ok(store_commit(t.s, &e), &e);
    assert_ok(store_logs(t.s, 0, 1000000, &logs, &n, &e), &e);
    assert_int_equal(n, 10000);
    assert_int_equal(logs[0].id, 6);
    assert_int_equal(logs[n - 1].id, 10005);
    free(logs);
    study_close(&t);
}

int trial_rows_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preset_name_and_facts_round_trip),
        cmocka_unit_test(points_of_every_kind_round_trip),
        cmocka_unit_test(epochs_round_trip_bit_for_bit),
        cmocka_unit_test(life_of_a_trial),
        cmocka_unit_test(a_final_trial_never_changes),
        cmocka_unit_test(a_refused_call_leaves_nothing),
        cmocka_unit_test(stopped_keeps_its_last_value),
        cmocka_unit_test(best_is_the_least_after_the_warm_up),
        cmocka_unit_test(value_last_follows_the_newest_epoch),
        cmocka_unit_test(an_enqueued_trial_gets_its_parameters_when_it_starts),
        cmocka_unit_test(cards_round_trip_and_are_dropped_from_the_end),
        cmocka_unit_test(devices_logs_and_edits_round_trip),
        cmocka_unit_test(the_log_keeps_its_newest_lines),
    };
    return cmocka_run_group_tests_name("store trial_rows", tests, NULL, NULL);
}
