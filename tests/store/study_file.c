/* Not a test: `test_store write-study DIR` makes a study for another program to read and prints what is in it, one JSON
 * object a trial; `test_store read-study DIR` prints what our reader sees. tests/e2e/optuna_reads.sh holds the three
 * views together. */
#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/fs.h"

int study_file_main(const char *what, const char *dir);

static void print_number(double v)
{
    if (isfinite(v)) {
        (void)printf("%.17g", v);
    } else {
        (void)printf("%s", isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity"); /* as Python's json reads them */
    }
}

static void print_point(const struct preset *p, const struct point *pt)
{
    const char *comma = "";
    (void)printf("\"params\": {");
    for (size_t r = 0; r < p->n_ranges; r++) {
        const struct range *g = &p->range[r];
        if (pt->present[r]) {
            (void)printf("%s\"%s\": ", comma, knob_info(g->knob)->full);
            if (g->kind == RANGE_CHOICE) {
                (void)printf("\"%s\"", g->choice[(size_t)pt->value[r]]);
            } else {
                print_number(pt->value[r]);
            }
            comma = ", ";
        }
    }
    (void)printf("}");
}

static void print_trial(int number, enum trial_phase phase, const struct preset *p, const struct point *pt,
                        double value)
{
    (void)printf("{\"number\": %d, \"phase\": \"%s\", \"state\": \"%s\", \"value\": ", number, trial_phase_word(phase),
                 trial_state_name(trial_phase_state(phase)));
    print_number(value);
    (void)printf(", ");
    print_point(p, pt);
}

/* One trial in the given phase, with epochs if it has been running; two of the values are not finite. */
static bool write_trial(struct store *s, const struct preset *p, int seed, enum trial_phase phase)
{
    struct point pt;
    struct err e;
    int number = -1, epochs = phase == PHASE_QUEUED || phase == PHASE_ENQUEUED ? 0 : 3 + seed % 4;
    bool final = trial_phase_state(phase) != TRIAL_RUNNING && trial_phase_state(phase) != TRIAL_WAITING;
    double value = (double)NAN;
    make_point(&pt, p, seed);
    bool ok = !store_trial_new(s, &number, p, &pt, phase == PHASE_ENQUEUED ? phase : PHASE_QUEUED, &e);
    if (ok && epochs > 0) {
        ok = !store_trial_phase(s, number, PHASE_ACTIVE, NAN, NULL, &e) &&
             !store_trial_device(s, number, "a \"quoted\" device", 1, &e);
    }
    for (int i = 1; ok && i <= epochs; i++) {
        double v = 100.0 / 3 + seed - i;
        v = phase == PHASE_DIVERGED && i >= epochs - 1 ? (i == epochs ? (double)NAN : (double)INFINITY) : v;
        struct epoch_row row = make_epoch(number, i, v);
        ok = !store_epoch(s, &row, &e);
        value = v;
    }
    if (ok && phase != PHASE_QUEUED && phase != PHASE_ENQUEUED && phase != PHASE_ACTIVE) {
        ok = !store_trial_phase(s, number, phase, final ? value : NAN, final ? "why it ended" : NULL, &e);
    }
    if (!ok) {
        (void)fprintf(stderr, "%s\n", e.text);
        point_release(&pt);
        return false;
    }
    enum trial_state state = trial_phase_state(phase);
    print_trial(number, phase, p, &pt, state == TRIAL_COMPLETE || state == TRIAL_PRUNED ? value : (double)NAN);
    (void)printf(", \"epochs\": {");
    for (int i = 1; i <= epochs; i++) {
        double v = 100.0 / 3 + seed - i;
        v = phase == PHASE_DIVERGED && i >= epochs - 1 ? (i == epochs ? (double)NAN : (double)INFINITY) : v;
        (void)printf("%s\"%d\": ", i > 1 ? ", " : "", i);
        print_number(v);
    }
    (void)printf("}}\n");
    point_release(&pt);
    return true;
}

static int write_study(const char *dir)
{
    struct preset p;
    struct store *s;
    struct err e;
    if (preset_parse(&p, space_yaml, strlen(space_yaml), "space", &e) || preset_check(&p, &e) || fs_mkdirs(dir, &e) ||
        store_create(dir, "from-vaetop", &p, "digits", &e) || store_open(&s, dir, true, &e)) {
        (void)fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    bool ok = true;
    int seed = 0;
    for (int round = 0; ok && round < 3; round++) {
        for (int phase = 0; ok && phase < PHASE_COUNT; phase++) {
            ok = (phase == PHASE_ENQUEUED && round > 0) || write_trial(s, &p, seed++, (enum trial_phase)phase);
        }
    }
    store_close(s);
    preset_release(&p);
    return ok ? 0 : 1;
}

static int read_study(const char *dir)
{
    struct preset p;
    struct store *s;
    struct trial_row *rows;
    struct err e;
    size_t n;
    if (store_open(&s, dir, false, &e) || store_preset(s, &p, &e) || store_trials(s, &p, 0, &rows, &n, &e)) {
        (void)fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        print_trial(rows[i].number, rows[i].phase, &p, &rows[i].point, rows[i].value);
        (void)printf(", \"foreign\": %s}\n", rows[i].foreign ? "true" : "false");
    }
    trial_rows_free(rows, n);
    preset_release(&p);
    store_close(s);
    return 0;
}

int study_file_main(const char *what, const char *dir)
{
    return strcmp(what, "write-study") == 0 ? write_study(dir) : strcmp(what, "read-study") == 0 ? read_study(dir) : 2;
}
