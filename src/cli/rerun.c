/* `rerun`: the best trials once more with other seeds, and what they come to on average. The finalists' own values are not in
 * the mean: they were chosen for being low. */
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "vaetop/base/alloc.h"

#define TOP_MOST 1000
#define SEEDS_MOST 1000
#define WRITTEN_TRIES 200 /* ten seconds */

/* One finalist and its repetitions. */
struct finalist {
    const struct trial_row *trial;
    int there, ended;  /* repetitions in all, and with a value */
    double mean, squares; /* of the values; sum of their squared distances from it */
};

static enum err_code number(int *out, const char *word, const char *text, int most, struct err *e)
{
    int64_t n;
    if (!str_to_i64(&n, text) || n < 1 || n > most) {
        return err_set(e, ERR_USAGE, "--%s %s: expected a whole number from 1 to %d", word, text, most);
    }
    *out = (int)n;
    return ERR_OK;
}

static const struct rerun_row *row_of(const struct rerun_row *row, size_t n, int trial)
{
    for (size_t i = 0; i < n; i++) {
        if (row[i].number == trial) {
            return &row[i];
        }
    }
    return NULL;
}

/* The best `top` trials that are done and repeat nothing. Returns how many there are. */
static int finalists(struct finalist *out, int top, const struct study *s, const struct rerun_row *row, size_t n)
{
    size_t *order = study_ranking(s);
    int found = 0;
    for (size_t i = 0; i < s->n_trials && found < top; i++) {
        const struct trial_row *t = &s->trial[order[i]];
        if (t->phase == PHASE_DONE && !row_of(row, n, t->number)) {
            out[found++] = (struct finalist){.trial = t};
        }
    }
    free(order);
    return found;
}

static void count(struct finalist *f, const struct study *s, const struct rerun_row *row, size_t n)
{
    for (size_t i = 0; i < s->n_trials; i++) {
        const struct rerun_row *r = row_of(row, n, s->trial[i].number);
        if (r && r->of == f->trial->number) {
            const double v = s->trial[i].phase == PHASE_DONE ? objective_shown(s->objective, s->trial[i].value) : (double)NAN;
            f->there++;
            if (isfinite(v)) { /* Welford's way: a difference of large squares would leave nothing of a small deviation */
                const double from = v - f->mean;
                f->mean += from / ++f->ended;
                f->squares += from * (v - f->mean);
            }
        }
    }
}

static double mean(const struct finalist *f)
{
    return f->ended > 0 ? f->mean : (double)NAN;
}

/* Of one repetition, from the sample. */
static double deviation(const struct finalist *f)
{
    return f->ended > 1 ? sqrt(f->squares / (f->ended - 1)) : (double)NAN;
}

static void print_table(const struct study *s, const struct finalist *f, int n)
{
    (void)printf("trial       value  seeds       mean  deviation  parameters\n");
    for (int i = 0; i < n; i++) {
        char value[16], average[16] = "-", spread[16] = "-";
        struct sbuf point = {0};
        study_point_text(&point, s, f[i].trial, " ");
        if (f[i].ended > 0) {
            (void)str_fit(average, sizeof average, mean(&f[i]), 9, 2);
        }
        if (f[i].ended > 1) {
            (void)str_fit(spread, sizeof spread, deviation(&f[i]), 9, 2);
        }
        (void)printf("%5d  %10s  %2d/%-2d  %9s  %9s  %s\n", f[i].trial->number,
                     str_fit(value, sizeof value, objective_shown(s->objective, f[i].trial->value), 10, 2), f[i].ended, f[i].there,
                     average, spread, point.text ? point.text : "");
        sbuf_release(&point);
    }
}

static json_t *real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static enum err_code write_table(const struct study *s, const struct finalist *f, int n, const char *path, struct err *e)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        json_t *o = json_pack("{s:i, s:i, s:i}", "trial", f[i].trial->number, "seeds", f[i].there, "seeds_ended", f[i].ended);
        const char *unit = s->objective == OBJECTIVE_KNN ? "" : "_nats";
        const struct {
            const char *word;
            double value;
        } figure[] = {{"value", objective_shown(s->objective, f[i].trial->value)}, {"mean", mean(&f[i])},
                      {"deviation", deviation(&f[i])}};
        for (size_t j = 0; j < sizeof figure / sizeof *figure; j++) {
            char key[32];
            (void)snprintf(key, sizeof key, "%s%s", figure[j].word, unit);
            (void)json_object_set_new(o, key, real(figure[j].value));
        }
        (void)json_array_append_new(list, o);
    }
    json_t *root = json_pack("{s:i, s:s, s:o}", "schema_version", 1, "study", s->name, "finalists", list);
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    char *line = xasprintf("%s\n", text);
    const enum err_code rc = write_text(path, line, strlen(line), e);
    free(line);
    free(text);
    json_decref(root);
    return rc;
}

/* A running engine writes what it was told a moment later; until then the same call would add it twice. */
static enum err_code written(struct store *s, size_t want, struct err *e)
{
    enum err_code rc = ERR_OK;
    size_t n = 0;
    for (int tries = 0; !rc && n < want; tries++) {
        struct rerun_row *row = NULL;
        rc = store_reruns(s, &row, &n, e);
        free(row);
        if (!rc && n < want && tries == WRITTEN_TRIES) {
            rc = err_set(e, ERR_BUSY, "the engine has not written %zu of %zu repetitions yet; look again later", want - n, want);
        }
        (void)poll(NULL, 0, rc || n >= want ? 0 : 50);
    }
    return rc;
}

/* The table as the study stands; *added: repetitions that were missing and wait now. */
static enum err_code rerun(const struct options *o, int top, int seeds, int *added, bool print, struct err *e)
{
    struct study s;
    struct rerun_row *row = NULL;
    size_t n = 0;
    enum err_code rc = study_open(&s, o, o->arg[0], e);
    if (rc) {
        return rc;
    }
    struct finalist *f = xcalloc((size_t)top, sizeof *f);
    rc = store_reruns(s.store, &row, &n, e);
    const int found = rc ? 0 : finalists(f, top, &s, row, n);
    if (!rc && found == 0) {
        rc = err_set(e, ERR_NOTFOUND, "%s: no trial is done yet: nothing to repeat", s.name);
    }
    for (int i = 0; i < found; i++) {
        count(&f[i], &s, row, n);
    }
    for (int i = 0; i < found && !print && !rc; i++) {
        const int missing = seeds - f[i].there;
        rc = missing > 0 ? rerun_add(o, f[i].trial->number, missing, e) : ERR_OK;
        *added += missing > 0 ? missing : 0;
    }
    rc = rc || print ? rc : written(s.store, n + (size_t)*added, e);
    if (!rc && print && o->json) {
        rc = write_table(&s, f, found, o->output, e);
    } else if (!rc && print) {
        print_table(&s, f, found);
    }
    free(f);
    free(row);
    study_close(&s);
    return rc;
}

enum err_code rerun_command(const struct options *o, struct err *e)
{
    int top = 5, seeds = 3, added = 0;
    enum err_code rc = o->top ? number(&top, "top", o->top, TOP_MOST, e) : ERR_OK;
    rc = rc || !o->seeds ? rc : number(&seeds, "seeds", o->seeds, SEEDS_MOST, e);
    rc = rc ? rc : rerun(o, top, seeds, &added, false, e);
    rc = rc ? rc : rerun(o, top, seeds, &added, true, e);
    if (!rc && added > 0 && !o->quiet && !o->json) {
        (void)printf("%d new trials wait; vaetop resume %s goes on, then the same command shows what they came to\n", added,
                     o->arg[0]);
    }
    return rc;
}
