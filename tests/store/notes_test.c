/* Notes of trials: one of each kind, fit for a terminal, gone with their trial's table. */
#include "fixture.h"

#include <stdlib.h>

static void a_later_note_of_a_kind_replaces_it(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct trial_note *got;
    size_t n;
    int64_t before, after;
    study_open(&t);
    int a = add_trial(&t, PHASE_QUEUED), b = add_trial(&t, PHASE_QUEUED);
    assert_ok(store_changed(t.s, &before, &e), &e);
    const struct trial_note note[] = {{a, 3, "skipped steps", "3 steps"}, {a, 2, "collapse", "posterior \x1b[31m"},
                                      {b, 1, "collapse", "another"}, {a, 5, "skipped steps", "9 steps"}};
    for (size_t i = 0; i < sizeof note / sizeof *note; i++) {
        assert_ok(store_note(t.s, &note[i], &e), &e);
    }
    assert_ok(store_changed(t.s, &after, &e), &e);
    assert_true(after > before); /* screens look again */
    assert_ok(store_notes(t.s, a, &got, &n, &e), &e);
    assert_int_equal(n, 2);
    assert_int_equal(got[0].epoch, 2);
    assert_string_equal(got[0].text, "posterior \\x1B[31m");
    assert_int_equal(got[1].epoch, 5);
    assert_string_equal(got[1].kind, "skipped steps");
    assert_string_equal(got[1].text, "9 steps");
    free(got);
    assert_ok(store_notes(t.s, 7, &got, &n, &e), &e);
    assert_int_equal(n, 0);
    assert_null(got);
    study_close(&t);
}

int notes_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_later_note_of_a_kind_replaces_it),
    };
    return cmocka_run_group_tests_name("store notes", tests, NULL, NULL);
}
