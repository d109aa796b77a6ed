/* A large study: a client that asks for what changed gets that and makes SQLite touch no more. */
#include "fixture.h"

#include <math.h>
#include <stdlib.h>

#include "../../src/store/store_private.h"

enum { TRIALS = 5000, EPOCHS = 20, GROUP = 100 };

static void fill(struct study *t)
{
    struct err e;
    struct point pt;
    make_point(&pt, &t->p, 1);
    for (int i = 0; i < TRIALS; i++) {
        int number;
        if (i % GROUP == 0) {
            assert_ok(store_begin(t->s, &e), &e);
        }
        assert_ok(store_trial_new(t->s, &number, &t->p, &pt, PHASE_QUEUED, &e), &e);
        for (int k = 1; k <= EPOCHS; k++) {
            add_epoch(t, number, k, 100 + i % 17 - k);
        }
        assert_ok(store_trial_phase(t->s, number, PHASE_DONE, 80 + i % 17, NULL, &e), &e);
        if (i % GROUP == GROUP - 1) {
            assert_ok(store_commit(t->s, &e), &e);
        }
    }
    point_release(&pt);
}

/* Virtual machine steps that all statements of the store have made so far. */
static int64_t steps(struct store *s)
{
    int64_t sum = 0;
    for (sqlite3_stmt *st = sqlite3_next_stmt(s->db.h, NULL); st; st = sqlite3_next_stmt(s->db.h, st)) {
        sum += sqlite3_stmt_status(st, SQLITE_STMTSTATUS_VM_STEP, 0);
    }
    return sum;
}

static size_t rows_since(struct store *s, const struct preset *p, int64_t since, int64_t *cost)
{
    struct trial_row *rows;
    struct err e;
    size_t n;
    int64_t before = steps(s);
    assert_ok(store_trials(s, p, since, &rows, &n, &e), &e);
    *cost = steps(s) - before;
    for (size_t i = 0; i < n; i++) {
        assert_true(rows[i].changed > since);
        assert_true(i == 0 || rows[i].number > rows[i - 1].number);
    }
    trial_rows_free(rows, n);
    return n;
}

static void a_client_reads_only_what_changed(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct store *r;
    int64_t since, cost, one;
    study_open(&t);
    fill(&t);
    assert_ok(store_open(&r, t.dir, false, &e), &e);
    assert_int_equal(rows_since(r, &t.p, 0, &cost), TRIALS);
    assert_true(cost > TRIALS);
    assert_ok(store_changed(r, &since, &e), &e);
    assert_int_equal(since, TRIALS / GROUP);
    assert_int_equal(rows_since(r, &t.p, since, &cost), 0);
    assert_true(cost < 200);
    assert_ok(store_trial_kept(t.s, 17, true, &e), &e);
    assert_int_equal(rows_since(r, &t.p, since, &one), 1);
    assert_true(one < 600);
    int fresh = add_trial(&t, PHASE_QUEUED);
    add_epoch(&t, fresh, 1, 90);
    assert_ok(store_progress(t.s, fresh, 1, 2, 3, 4, &e), &e);
    assert_ok(store_trial_kept(t.s, 4000, true, &e), &e);
    assert_int_equal(rows_since(r, &t.p, since, &cost), 3);
    assert_true(cost < 6 * one);
    store_close(r);
    study_close(&t);
}

static void the_counter_grows_once_a_commit_and_not_for_logs(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    int64_t before, after;
    study_open(&t);
    (void)add_trial(&t, PHASE_QUEUED);
    assert_ok(store_changed(t.s, &before, &e), &e);
    assert_ok(store_log(t.s, -1, "nothing", &e), &e);
    assert_ok(store_fact_set(t.s, "a", "b", &e), &e);
    assert_ok(store_changed(t.s, &after, &e), &e);
    assert_int_equal(after, before);
    assert_ok(store_begin(t.s, &e), &e);
    add_epoch(&t, 0, 1, 1);
    add_epoch(&t, 0, 2, 1);
    assert_ok(store_commit(t.s, &e), &e);
    assert_ok(store_changed(t.s, &after, &e), &e);
    assert_int_equal(after, before + 1);
    study_close(&t);
}

int incremental_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_reads_only_what_changed),
        cmocka_unit_test(the_counter_grows_once_a_commit_and_not_for_logs),
    };
    return cmocka_run_group_tests_name("store incremental", tests, NULL, NULL);
}
