#include "fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"

const char space_yaml[] = "# What you learn here: nothing.\n"
                          "study:\n"
                          "  trials: 8\n"
                          "model:\n"
                          "  depth: 1 .. 3\n"
                          "  width: 64 .. 1024 log\n"
                          "  latent: 2 | 8 | 32\n"
                          "  activation: relu | tanh\n"
                          "loss:\n"
                          "  beta: 0.5 .. 2 step 0.1\n"
                          "  beta_schedule: constant | linear\n"
                          "  beta_warmup: 1 .. 4 if beta_schedule = linear\n"
                          "optimizer:\n"
                          "  kind: adam | rmsprop | sgd\n"
                          "  lr:\n"
                          "    - 1e-4 .. 1e-2 log if kind = adam | rmsprop\n"
                          "    - 1e-5 .. 1e-3 log if kind = sgd\n"
                          "train:\n"
                          "  epochs: 20\n"
                          "  batch: 32 .. 256 step 32\n";

void make_preset(struct preset *p, const char *yaml)
{
    struct err e;
    assert_ok(preset_parse(p, yaml, strlen(yaml), "test.yaml", &e), &e);
    assert_ok(preset_check(p, &e), &e);
    free(p->name);
    p->name = xstrdup("test");
}

void study_open_with(struct study *t, const char *yaml)
{
    struct err e;
    t->dir = temp_dir();
    make_preset(&t->p, yaml);
    assert_ok(store_create(t->dir, "test-1", &t->p, "6000 digits of 28 x 28", &e), &e);
    assert_ok(store_open(&t->s, t->dir, true, &e), &e);
}

void study_open(struct study *t)
{
    study_open_with(t, space_yaml);
}

void study_close(struct study *t)
{
    store_close(t->s);
    preset_release(&t->p);
}

/* A value inside the range, by seed; on the grid of its step. */
static double value_in(const struct range *r, int seed)
{
    double u = (seed % 7) / 6.0;
    if (r->kind == RANGE_CHOICE) {
        return seed % (int)r->n_choices;
    }
    if (r->log) {
        double v = exp(log(r->lo) + u * (log(r->hi) - log(r->lo)));
        v = r->kind == RANGE_INT ? round(v) : v;
        return fmin(fmax(v, r->lo), r->hi);
    }
    double step = r->step > 0 ? r->step : r->kind == RANGE_INT ? 1 : 0;
    double v = r->lo + u * (r->hi - r->lo);
    v = step > 0 ? r->lo + round((v - r->lo) / step) * step : v;
    return fmin(v, r->hi);
}

void make_point(struct point *pt, const struct preset *p, int seed)
{
    struct config c;
    struct err e;
    point_init(pt, p);
    config_copy(&c, &p->base);
    for (size_t r = 0; r < p->n_ranges; r++) {
        pt->present[r] = range_active(p, r, &c);
        if (pt->present[r]) {
            pt->value[r] = value_in(&p->range[r], seed + (int)r);
        }
        if (p->range[r].kind == RANGE_CHOICE && pt->present[r]) {
            assert_ok(config_set(&c, p->range[r].knob, p->range[r].choice[(int)pt->value[r]], &e), &e);
        }
    }
    config_release(&c);
}

int add_trial(struct study *t, enum trial_phase phase)
{
    struct point pt;
    struct err e;
    int number = -1, seed = 0;
    char *n = query(t->dir, "SELECT count(*) FROM trials");
    seed = atoi(n);
    free(n);
    make_point(&pt, &t->p, seed);
    assert_ok(store_trial_new(t->s, &number, &t->p, &pt, phase, &e), &e);
    point_release(&pt);
    return number;
}

struct epoch_row make_epoch(int trial, int epoch, double value)
{
    struct epoch_row r = {.trial = trial, .epoch = epoch, .step = 100LL * epoch};
    double k = 0;
#define X(member, unit, meaning) r.member = trial + epoch / 7.0 + 1000 * ++k;
    EPOCH_METRIC_LIST(X)
#undef X
    r.value = value;
    return r;
}

void add_epoch(struct study *t, int trial, int epoch, double value)
{
    struct err e;
    struct epoch_row r = make_epoch(trial, epoch, value);
    assert_ok(store_epoch(t->s, &r, &e), &e);
}

void assert_epoch_equal(const struct epoch_row *a, const struct epoch_row *b)
{
    assert_int_equal(a->trial, b->trial);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->step, b->step);
#define X(member, unit, meaning)                                             \
    if (isnan(b->member)) {                                                   \
        assert_true(isnan(a->member));                                        \
    } else {                                                                  \
        assert_memory_equal(&a->member, &b->member, sizeof a->member);        \
    }
    EPOCH_METRIC_LIST(X)
#undef X
}

struct trial_row *read_trial(const char *dir, int number)
{
    struct err e;
    struct store *s;
    struct preset p;
    struct trial_row *rows, *one = xcalloc(1, sizeof *one);
    size_t n;
    assert_ok(store_open(&s, dir, false, &e), &e);
    assert_ok(store_preset(s, &p, &e), &e);
    assert_ok(store_trials(s, &p, 0, &rows, &n, &e), &e);
    assert_true((size_t)number < n);
    *one = rows[number];
    point_copy(&one->point, &rows[number].point);
    assert_int_equal(one->number, number);
    trial_rows_free(rows, n);
    preset_release(&p);
    store_close(s);
    return one;
}

static sqlite3 *plain_open(const char *dir, const char *file)
{
    sqlite3 *h;
    char *path = fs_join(dir, file);
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    (void)sqlite3_busy_timeout(h, 10000);
    free(path);
    return h;
}

char *query(const char *dir, const char *sql)
{
    sqlite3 *h = plain_open(dir, "study.db");
    sqlite3_stmt *st;
    char *text = NULL;
    if (sqlite3_prepare_v2(h, sql, -1, &st, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(h));
    }
    if (sqlite3_step(st) == SQLITE_ROW) {
        const unsigned char *t = sqlite3_column_text(st, 0);
        text = xstrdup(t ? (const char *)t : "NULL");
    }
    (void)sqlite3_finalize(st);
    (void)sqlite3_close(h);
    return text ? text : xstrdup("no row");
}

void meddle(const char *dir, const char *file, const char *sql)
{
    sqlite3 *h = plain_open(dir, file);
    char *why = NULL;
    if (sqlite3_exec(h, sql, NULL, NULL, &why) != SQLITE_OK) {
        fail_msg("%s: %s", sql, why);
    }
    (void)sqlite3_close(h);
}
