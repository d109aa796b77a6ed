/* Optuna writes to the same file: its trials are shown, ours that it took are marked, and nothing is confused. Here its
 * statements are repeated by hand; tests/e2e/optuna_reads.sh lets Optuna itself do it. */
#include "fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/str.h"

#include "../../src/store/optuna.h"

static const char added_by_optuna[] =
    "INSERT INTO trials(number, study_id, state, datetime_start, datetime_complete) SELECT count(*), 1, 'COMPLETE',"
    " '2026-01-02 03:04:05.000006', '2026-01-02 03:05:05.000000' FROM trials;"
    "INSERT INTO trial_params(trial_id, param_name, param_value, distribution_json) SELECT max(trial_id),"
    " 'optimizer.kind', 2, "
    "'{\"name\":\"CategoricalDistribution\",\"attributes\":{\"choices\":[\"adam\",\"rmsprop\",\"sgd\"]}}'"
    " FROM trials;"
    "INSERT INTO trial_params(trial_id, param_name, param_value, distribution_json) SELECT max(trial_id),"
    " 'model.latent', 1, '{\"name\":\"CategoricalDistribution\",\"attributes\":{\"choices\":[32,8.0,2]}}' FROM trials;"
    "INSERT INTO trial_params(trial_id, param_name, param_value, distribution_json) SELECT max(trial_id),"
    " 'model.width', 128, '{\"name\":\"IntDistribution\",\"attributes\":{\"low\":64,\"high\":1024}}' FROM trials;"
    "INSERT INTO trial_params(trial_id, param_name, param_value, distribution_json) SELECT max(trial_id),"
    " 'of.another', 5, 'no JSON' FROM trials;"
    "INSERT INTO trial_values(trial_id, objective, value, value_type) SELECT max(trial_id), 0, 99.5, 'FINITE' FROM "
    "trials;";

static size_t range_of(const struct preset *p, enum knob k)
{
    size_t r = 0;
    while (r < p->n_ranges && p->range[r].knob != k) {
        r++;
    }
    assert_true(r < p->n_ranges);
    return r;
}

static void a_foreign_trial_is_shown(void **state)
{
    (void)state;
    struct study t;
    study_open(&t);
    (void)add_trial(&t, PHASE_QUEUED);
    meddle(t.dir, "study.db", added_by_optuna);
    assert_int_equal(add_trial(&t, PHASE_QUEUED), 2);
    struct trial_row *r = read_trial(t.dir, 1);
    assert_int_equal(r->phase, PHASE_DONE);
    assert_true(r->foreign);
    assert_close(r->value, 99.5, 0, 0);
    assert_int_equal(r->start_us, 1767323045000006);
    assert_int_equal(r->complete_us, 1767323105000000);
    assert_false(r->has_epoch);
    size_t kind = range_of(&t.p, KNOB_OPTIMIZER_KIND), latent = range_of(&t.p, KNOB_MODEL_LATENT);
    assert_true(r->point.present[kind] && r->point.present[latent]);
    assert_close(r->point.value[kind], 2, 0, 0);
    assert_close(r->point.value[latent], 1, 0, 0); /* 8 stands second in our choices */
    assert_close(r->point.value[range_of(&t.p, KNOB_MODEL_WIDTH)], 128, 0, 0);
    assert_false(r->point.present[range_of(&t.p, KNOB_MODEL_DEPTH)]);
    trial_rows_free(r, 1);
    r = read_trial(t.dir, 2);
    assert_false(r->foreign);
    trial_rows_free(r, 1);
    study_close(&t);
}

static void a_foreign_trial_comes_with_every_read(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct trial_row *rows;
    size_t n;
    int64_t now;
    study_open(&t);
    (void)add_trial(&t, PHASE_QUEUED);
    meddle(t.dir, "study.db", added_by_optuna);
    assert_ok(store_changed(t.s, &now, &e), &e);
    assert_ok(store_trials(t.s, &t.p, now, &rows, &n, &e), &e);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].number, 1);
    trial_rows_free(rows, n);
    study_close(&t);
}

static void a_trial_that_optuna_took_is_marked(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct trial_row *rows;
    size_t n;
    int64_t now;
    study_open(&t);
    (void)add_trial(&t, PHASE_ENQUEUED);
    (void)add_trial(&t, PHASE_QUEUED);
    (void)add_trial(&t, PHASE_QUEUED);
    meddle(t.dir, "study.db",
           "UPDATE trials SET state = 'RUNNING', datetime_start = '2026-01-02 03:04:05.000006' WHERE number = 0;"
           "UPDATE trials SET state = 'COMPLETE', datetime_complete = '2026-01-02 03:04:06.000006' WHERE number = 1;"
           "INSERT INTO trial_values(trial_id, objective, value, value_type) VALUES(2, 0, 7, 'FINITE');");
    assert_ok(store_changed(t.s, &now, &e), &e);
    assert_ok(store_trials(t.s, &t.p, now, &rows, &n, &e), &e);
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].phase, PHASE_ACTIVE);
    assert_true(rows[0].foreign);
    assert_int_equal(rows[1].phase, PHASE_DONE);
    assert_close(rows[1].value, 7, 0, 0);
    trial_rows_free(rows, n);
    assert_err(store_trial_phase(t.s, 0, PHASE_QUEUED, NAN, NULL, &e), ERR_USAGE, &e);
    assert_has(e.text, "another program");
    assert_err(store_trial_phase(t.s, 1, PHASE_DONE, 5, NULL, &e), ERR_USAGE, &e);
    assert_query(t.dir, "SELECT value FROM trial_values", "7.0");
    assert_ok(store_trial_phase(t.s, 2, PHASE_DONE, 5, NULL, &e), &e);
    study_close(&t);
}

static void assert_distribution(const char *yaml, const char *want)
{
    struct preset p;
    struct sbuf json = {0};
    make_preset(&p, yaml);
    optuna_distribution(&json, &p, p.n_ranges - 1);
    assert_string_equal(json.text, want);
    sbuf_release(&json);
    preset_release(&p);
}

static void distributions_are_as_optuna_writes_them(void **state)
{
    (void)state;
    assert_distribution("optimizer:\n  lr: 1e-5 .. 0.1 log\n",
                        "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null,"
                        " \"low\": 1e-05, \"high\": 0.1, \"log\": true}}");
    assert_distribution("loss:\n  beta: 0 .. 4\n", "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null,"
                        " \"low\": 0.0, \"high\": 4.0, \"log\": false}}");
    assert_distribution("loss:\n  beta: 0.1 .. 0.3 step 0.1\n",
                        "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": 0.1,"
                        " \"low\": 0.1, \"high\": 0.3, \"log\": false}}");
    assert_distribution("model:\n  depth: 1 .. 3\n", "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false,"
                        " \"step\": 1, \"low\": 1, \"high\": 3}}");
    assert_distribution("model:\n  width: 64 .. 1024 log\n",
                        "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": true,"
                        " \"step\": 1, \"low\": 64, \"high\": 1024}}");
    assert_distribution("train:\n  batch: 32 .. 160 step 64\n",
                        "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false,"
                        " \"step\": 64, \"low\": 32, \"high\": 160}}");
    assert_distribution("model:\n  activation: relu | tanh\n", "{\"name\": \"CategoricalDistribution\", \"attributes\":"
                        " {\"choices\": [\"relu\", \"tanh\"]}}");
    assert_distribution("model:\n  latent: 2 | 8\n", "{\"name\": \"CategoricalDistribution\", \"attributes\":"
                        " {\"choices\": [2, 8]}}");
    assert_distribution("loss:\n  beta: 1 | 0.25\n", "{\"name\": \"CategoricalDistribution\", \"attributes\":"
                        " {\"choices\": [1.0, 0.25]}}");
}

static void ranges_of_one_knob_share_their_choices(void **state)
{
    (void)state;
    struct preset p;
    struct sbuf a = {0}, b = {0};
    size_t range;
    double value;
    make_preset(&p, "optimizer:\n  kind: adam | sgd\nmodel:\n  latent:\n    - 2 | 4 if optimizer.kind = adam\n"
                    "    - 8 | 4 if optimizer.kind = sgd\n");
    size_t first = range_of(&p, KNOB_MODEL_LATENT);
    optuna_distribution(&a, &p, first);
    optuna_distribution(&b, &p, first + 1);
    assert_string_equal(a.text, b.text);
    assert_has(a.text, "[2, 4, 8]");
    assert_close(optuna_internal(&p, first, 1), 1, 0, 0);
    assert_close(optuna_internal(&p, first + 1, 0), 2, 0, 0);
    assert_close(optuna_internal(&p, first + 1, 1), 1, 0, 0);
    assert_true(optuna_find_range(&p, "model.latent", 2, b.text, &range, &value));
    assert_int_equal(range, first + 1);
    assert_close(value, 0, 0, 0);
    assert_false(optuna_find_range(&p, "model.latent", 3, b.text, &range, &value));
    assert_false(optuna_find_range(&p, "model.latent", -1, b.text, &range, &value));
    assert_false(optuna_find_range(&p, "model.latent", NAN, b.text, &range, &value));
    assert_false(optuna_find_range(&p, "model.latent", 0, "{\"attributes\": []}", &range, &value));
    sbuf_release(&a);
    sbuf_release(&b);
    preset_release(&p);
}

static void texts_become_valid_json(void **state)
{
    (void)state;
    struct sbuf b = {0};
    optuna_string(&b, "a\"b\\c\n\xff");
    assert_string_equal(b.text, "\"a\\\"b\\\\c\\\\x0A\\\\xFF\"");
    sbuf_release(&b);
}

/* Trials of another study that the sampler starts from: both values, by what they break a requirement, their order. */
static void another_studys_trials_keep_what_they_came_to(void **state)
{
    static const enum trial_phase phase[] = {PHASE_DONE, PHASE_PRUNED, PHASE_DIVERGED};
    (void)state;
    struct study t;
    struct foreign_row *row = NULL;
    size_t n = 0;
    struct err e;
    study_open(&t);
    for (int i = 0; i < 3; i++) {
        struct foreign_row f = {.phase = phase[i], .value = {i < 2 ? 10.5 + i : (double)NAN, i == 1 ? 3.25 : (double)NAN},
                                .violation = i == 1 ? .5 : 0, .epoch = 7 - i};
        make_point(&f.point, &t.p, i);
        assert_ok(store_foreign_add(t.s, &f, &e), &e);
        point_release(&f.point);
    }
    for (int old = 0; old < 2; old++) {
        assert_ok(store_foreign(t.s, &t.p, &row, &n, &e), &e);
        assert_int_equal(n, 3);
        for (size_t i = 0; i < 3; i++) {
            struct point want;
            make_point(&want, &t.p, (int)i);
            assert_int_equal(row[i].phase, phase[i]);
            assert_int_equal(row[i].epoch, 7 - (int)i);
            assert_true(i < 2 ? row[i].value[0] == 10.5 + (double)i : isnan(row[i].value[0]));
            assert_true(i == 1 && !old ? row[i].value[1] == 3.25 : isnan(row[i].value[1]));
            assert_true(row[i].violation == (i == 1 && !old ? .5 : 0));
            assert_memory_equal(row[i].point.present, want.present, want.n * sizeof *want.present);
            point_release(&want);
        }
        store_foreign_free(row, n);
        if (!old) { /* as a study begun before there were two values */
            store_close(t.s);
            meddle(t.dir, "study.db", "ALTER TABLE vaetop_foreign DROP COLUMN second;"
                                      "ALTER TABLE vaetop_foreign DROP COLUMN violation");
            assert_ok(store_open(&t.s, t.dir, true, &e), &e);
        }
    }
    study_close(&t);
}

int foreign_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_foreign_trial_is_shown),
        cmocka_unit_test(a_foreign_trial_comes_with_every_read),
        cmocka_unit_test(a_trial_that_optuna_took_is_marked),
        cmocka_unit_test(distributions_are_as_optuna_writes_them),
        cmocka_unit_test(ranges_of_one_knob_share_their_choices),
        cmocka_unit_test(texts_become_valid_json),
        cmocka_unit_test(another_studys_trials_keep_what_they_came_to),
    };
    return cmocka_run_group_tests_name("store foreign", tests, NULL, NULL);
}
