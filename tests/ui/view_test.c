#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "demo_store.h"
#include "scene.h"
#include "vaetop/base/alloc.h"

static void ranks_follow_the_value_and_unknown_ones_are_last(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    double last = -INFINITY;
    bool unknown = false;
    for (size_t i = 0; i < s.view.n_order; i++) {
        const struct view_trial *t = &s.view.trial[s.view.order[i]];
        unknown = unknown || isnan(t->value);
        assert_int_equal(isnan(t->value), unknown);
        assert_int_equal(t->rank, unknown ? 0 : (int)i + 1);
        assert_true(unknown || t->value >= last);
        last = unknown ? last : t->value;
    }
    assert_int_equal(s.view.best, s.view.trial[s.view.order[0]].number);
    assert_int_equal(s.view.counts[PHASE_ACTIVE], 3);
    scene_release(&s);
}

static void inverted_order_still_has_unknown_ones_last(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    view_sort(&s.view, COL_VALUE, true);
    assert_false(isnan(s.view.trial[s.view.order[0]].value));
    assert_true(isnan(s.view.trial[s.view.order[s.view.n_order - 1]].value));
    scene_release(&s);
}

static void epochs_sent_again_change_nothing(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    size_t n = view_series(&s.view, 1)->n;
    view_put_epochs(&s.view, 1, s.demo.epoch[1], s.demo.n_epochs[1]);
    assert_int_equal(view_series(&s.view, 1)->n, n);
    scene_release(&s);
}

static void series_in_use_outlive_unused_ones(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_ONE, TIER_ASCII);
    for (int i = 1; i < 3 * VIEW_SERIES; i++) {
        struct epoch_row row = {.trial = i, .epoch = 1, .value = 1, .train_loss = 1};
        (void)view_series_slot(&s.view, 0);
        view_put_epochs(&s.view, i, &row, 1);
    }
    assert_non_null(view_series(&s.view, 0));
    assert_null(view_series(&s.view, 1));
    assert_int_equal(view_series(&s.view, 0)->n, 18);
    scene_release(&s);
}

static void slices_of_one_device_are_one_line(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    assert_int_equal(s.view.n_devices, 4);
    assert_int_equal(s.view.device[0].slices, 2);
    assert_int_equal(s.view.device[0].slots, 4);
    assert_int_equal(s.view.device[0].slots_used, 3);
    assert_close(s.view.device[0].busy, 0.83, 1e-9, 0);
    assert_string_equal(s.view.device[0].state, "ready");
    assert_string_equal(s.view.device[2].state, "off");
    assert_string_equal(s.view.device[3].state, "unusable");
    assert_false(view_device_used(&s.view.device[2]));
    /* A study of an older vaetop has no cards: slices of one name are one device. */
    view_put_devices(&s.view, NULL, 0, s.demo.device, (size_t)s.demo.n_devices, true);
    assert_int_equal(s.view.n_devices, 2);
    assert_int_equal(s.view.device[0].slices, 2);
    assert_true(view_device_used(&s.view.device[1]));
    /* Nothing runs: none is in use, whatever was switched. */
    view_put_devices(&s.view, s.demo.card, (size_t)s.demo.n_cards, NULL, 0, false);
    assert_int_equal(s.view.n_devices, 0);
    scene_release(&s);
}

static void a_flipped_latent_plot_is_turned_back(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    float x = s.view.latent.xy[20], y = s.view.latent.xy[21];
    struct snapshot next = s.demo.snapshot;
    next.epoch++;
    for (int i = 0; i < next.n_points; i++) { /* axes exchanged and one turned round */
        int16_t old = next.xy[2 * i];
        next.xy[2 * i] = (int16_t)-next.xy[2 * i + 1];
        next.xy[2 * i + 1] = old;
    }
    view_put_snapshot(&s.view, &next);
    assert_int_equal(s.view.latent.epoch, 19);
    assert_close(s.view.latent.xy[20], x, 1e-6, 0);
    assert_close(s.view.latent.xy[21], y, 1e-6, 0);
    scene_release(&s);
}

static void foreign_text_is_cleaned(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    struct log_row l = {.id = 99, .trial = -1};
    (void)str_copy(l.text, sizeof l.text, "red \x1b[31m alert");
    view_put_log(&s.view, &l);
    assert_null(strchr(s.view.log[s.view.n_logs - 1].text, 0x1b));
    scene_release(&s);
}

static void damaged_numbers_cost_no_memory(void **state)
{
    struct scene s;
    struct trial_row r = {.number = INT32_MAX};
    (void)state;
    scene_make(&s, DEMO_ONE, TIER_ASCII);
    view_put_trial(&s.view, &r);
    r.number = -5;
    view_put_trial(&s.view, &r);
    assert_int_equal(s.view.n, 1);
    scene_release(&s);
}

static void the_store_fills_the_view_and_only_with_what_changed(void **state)
{
    struct err e;
    struct view v;
    struct store *rw = NULL, *ro = NULL;
    bool changed = false;
    const char *dir = temp_dir();
    (void)state;
    char *path = xasprintf("%s/study", dir);
    assert_ok(demo_store(path, DEMO_THIRTEEN, &e), &e);
    assert_ok(store_open(&ro, path, false, &e), &e);
    view_init(&v);
    assert_ok(view_open(&v, ro, &e), &e);
    assert_ok(view_load(&v, ro, &changed, &e), &e);
    assert_true(changed);
    assert_int_equal(v.n, 15);
    view_total(&v);
    assert_int_equal(v.best, 1);
    assert_string_equal(v.name, "demo");
    assert_ok(view_load_series(&v, ro, (int[]){0, 1}, 2, &e), &e);
    assert_int_equal(view_series(&v, 0)->n, 18);
    assert_ok(view_load_snapshot(&v, ro, -1, 0, &e), &e); /* nothing is selected before the first trial */
    assert_ok(view_load_snapshot(&v, ro, 0, 0, &e), &e);
    assert_int_equal(v.latent.n, 600);
    assert_ok(view_load(&v, ro, &changed, &e), &e);
    assert_false(changed);
    assert_ok(store_open(&rw, path, true, &e), &e);
    assert_ok(store_begin(rw, &e), &e);
    assert_ok(store_trial_phase(rw, 0, PHASE_PAUSED, NAN, "", &e), &e);
    assert_ok(store_commit(rw, &e), &e);
    assert_ok(view_load(&v, ro, &changed, &e), &e);
    assert_true(changed);
    assert_int_equal(view_trial(&v, 0)->phase, PHASE_PAUSED);
    assert_ok(view_load_note(&v, ro, 0, &e), &e);
    assert_string_equal(v.note.text, "");
    const struct trial_note note = {0, 4, "collapse", "posterior collapse"};
    assert_ok(store_note(rw, &note, &e), &e);
    assert_ok(view_load(&v, ro, &changed, &e), &e);
    assert_ok(view_load_note(&v, ro, 0, &e), &e);
    assert_string_equal(v.note.text, "posterior collapse");
    assert_true(v.skipped == 0);
    struct trial_note skips = {.trial = 0, .epoch = 2};
    trial_note_skipped(&skips, 1234567890123);
    assert_ok(store_note(rw, &skips, &e), &e);
    assert_ok(view_load(&v, ro, &changed, &e), &e);
    assert_ok(view_load_note(&v, ro, 0, &e), &e);
    assert_true(v.skipped == 1234567890123);
    assert_string_equal(v.note.text, "posterior collapse"); /* of a later epoch */
    assert_ok(view_load_note(&v, ro, 1, &e), &e); /* another trial has none */
    assert_string_equal(v.note.text, "");
    assert_true(v.skipped == 0);
    store_close(rw);
    store_close(ro);
    view_release(&v);
    free(path);
}

static void the_log_scrolls_back_to_its_first_line(void **state)
{
    struct scene s;
    struct err e;
    struct store *rw = NULL;
    bool changed;
    (void)state;
    scene_make(&s, DEMO_EMPTY, TIER_ASCII);
    char *path = xasprintf("%s/study", temp_dir()), line[40];
    assert_ok(demo_store(path, DEMO_EMPTY, &e), &e);
    assert_ok(store_open(&rw, path, true, &e), &e);
    assert_ok(store_begin(rw, &e), &e);
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(line, sizeof line, "line number %d.", i);
        assert_ok(store_log(rw, i % 3, line, &e), &e);
    }
    assert_ok(store_commit(rw, &e), &e);
    assert_ok(view_load(&s.view, rw, &changed, &e), &e);
    assert_int_equal(s.view.n_logs, VIEW_LOGS);
    (void)scene_keys(&s, "5");
    assert_ok(view_load_log(&s.view, rw, &e), &e);
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "line number 2999.");
    free(t);
    (void)scene_keys(&s, "g");
    t = scene_text(&s, 80, 24);
    assert_has(t, "line number 0.");
    assert_has(t, "newer below");
    free(t);
    (void)scene_keys(&s, "j"); /* one down is one down, however often up was pressed */
    t = scene_text(&s, 80, 24);
    assert_null(strstr(t, "line number 0."));
    assert_has(t, "line number 1.");
    free(t);
    for (int i = 0; i < 20000; i++) { /* more than are kept */
        const struct log_row r = {.id = 5000 + i, .trial = 0, .text = "flood"};
        view_put_log(&s.view, &r);
    }
    assert_in_range(s.view.n_logs, VIEW_LOGS_MOST / 2, VIEW_LOGS_MOST);
    store_close(rw);
    free(path);
    scene_release(&s);
}

/* Ranks 1 .. 4 are trials 1, 0, 4, 3. */
static void a_new_value_shows_the_places_it_won_for_a_moment(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    int number = s.view.trial[s.view.ranked[3]].number, passed = s.view.trial[s.view.ranked[1]].number;
    struct trial_row r = s.demo.trial[number];
    r.value = 95;
    view_put_trial(&s.view, &r);
    view_total(&s.view);
    state_order(&s.state, &s.view);
    assert_int_equal(view_trial(&s.view, number)->rank, 2);
    assert_int_equal(view_trial(&s.view, number)->moved, 2);
    assert_int_equal(view_trial(&s.view, passed)->rank, 3);
    assert_int_equal(view_trial(&s.view, passed)->moved, 0); /* who is passed by stands still */
    char *t = scene_text(&s, 160, 48);
    assert_has(t, " 2^2 ");
    free(t);
    r.value = 120;
    view_put_trial(&s.view, &r);
    view_total(&s.view);
    assert_true(view_trial(&s.view, number)->moved < 0);
    t = scene_text(&s, 160, 48);
    assert_has(t, " 8v6 ");
    free(t);
    s.view.now_us += 16 * INT64_C(1000000);
    t = scene_text(&s, 160, 48);
    assert_null(strstr(t, " 8v6 "));
    free(t);
    scene_release(&s);
}

int view_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_value_shows_the_places_it_won_for_a_moment),
        cmocka_unit_test(ranks_follow_the_value_and_unknown_ones_are_last),
        cmocka_unit_test(inverted_order_still_has_unknown_ones_last),
        cmocka_unit_test(epochs_sent_again_change_nothing),
        cmocka_unit_test(series_in_use_outlive_unused_ones),
        cmocka_unit_test(slices_of_one_device_are_one_line),
        cmocka_unit_test(a_flipped_latent_plot_is_turned_back),
        cmocka_unit_test(foreign_text_is_cleaned),
        cmocka_unit_test(damaged_numbers_cost_no_memory),
        cmocka_unit_test(the_store_fills_the_view_and_only_with_what_changed),
        cmocka_unit_test(the_log_scrolls_back_to_its_first_line),
    };
    return cmocka_run_group_tests_name("ui view", tests, NULL, NULL);
}
