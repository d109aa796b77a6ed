/* The leaderboard as text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study.h"
#include "vaetop/base/alloc.h"

/* qsort has no context argument: the rows being sorted. */
static const struct trial_row *sorting;

/* 0: has a value and did not fail; 1: running; 2: queued or waiting; 3: failed. */
static int rank_group(const struct trial_row *t)
{
    if (trial_phase_state(t->phase) == TRIAL_FAIL) {
        return 3;
    }
    if (isfinite(t->value)) {
        return 0;
    }
    return t->phase == PHASE_ACTIVE || t->phase == PHASE_PAUSED || t->phase == PHASE_HELD ? 1 : 2;
}

static int by_rank(const void *a, const void *b)
{
    const struct trial_row *x = &sorting[*(const size_t *)a];
    const struct trial_row *y = &sorting[*(const size_t *)b];
    int gx = rank_group(x);
    int gy = rank_group(y);
    if (gx != gy) {
        return gx < gy ? -1 : 1;
    }
    if (gx == 0 && x->value != y->value) {
        return x->value < y->value ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number);
}

size_t *study_ranking(const struct study *s)
{
    size_t *order = xcalloc(s->n_trials > 0 ? s->n_trials : 1, sizeof *order);
    for (size_t i = 0; i < s->n_trials; i++) {
        order[i] = i;
    }
    sorting = s->trial;
    if (s->n_trials > 0) {
        qsort(order, s->n_trials, sizeof *order, by_rank);
    }
    return order;
}

void study_point_text(struct sbuf *out, const struct study *s, const struct trial_row *t, const char *separator)
{
    bool first = true;
    for (size_t r = 0; r < s->preset.n_ranges; r++) {
        const struct range *range = &s->preset.range[r];
        const struct knob_info *info = knob_info(range->knob);
        char text[32];
        if (!t->point.present[r]) {
            continue;
        }
        sbuf_addf(out, "%s%s=", first ? "" : separator, knob_find(info->name) == range->knob ? info->name : info->full);
        first = false;
        if (range->kind == RANGE_CHOICE) {
            sbuf_add(out, range->choice[(size_t)t->point.value[r]]);
        } else if (range->kind == RANGE_INT) {
            sbuf_addf(out, "%.0f", t->point.value[r]);
        } else {
            (void)snprintf(text, sizeof text, "%.3g", t->point.value[r]);
            sbuf_add(out, text);
        }
    }
}

static void cell(struct sbuf *line, int width, double v)
{
    if (isfinite(v)) {
        sbuf_addf(line, " %*.2f", width, v);
    } else {
        sbuf_addf(line, " %*s", width, "-");
    }
}

static void print_row(const struct study *s, size_t rank, const struct trial_row *t)
{
    struct sbuf line = {0};
    char clean[192];
    const struct epoch_row *row = t->value == t->best.value ? &t->best : &t->last;
    sbuf_addf(&line, "%4zu %5d  %-9s %3d/%-3d", rank, t->number, trial_phase_word(t->phase),
              t->has_epoch ? t->last.epoch : 0, t->epochs);
    cell(&line, 8, t->value);
    cell(&line, 8, t->has_epoch ? row->val_rec : (double)NAN);
    cell(&line, 7, t->has_epoch ? row->val_kl : (double)NAN);
    sbuf_add(&line, "  ");
    study_point_text(&line, s, t, " ");
    if (t->edited) {
        sbuf_add(&line, "  (edited)");
    }
    if (t->reason[0]) {
        sbuf_addf(&line, "  (%s)", str_clean(clean, sizeof clean, t->reason));
    }
    (void)printf("%s\n", line.text);
    sbuf_release(&line);
}

void study_print_table(const struct study *s, size_t most)
{
    size_t *order = study_ranking(s);
    size_t n = most > 0 && most < s->n_trials ? most : s->n_trials;
    (void)printf("rank trial  state     epoch      value      rec      kl  parameters\n");
    for (size_t i = 0; i < n; i++) {
        print_row(s, i + 1, &s->trial[order[i]]);
    }
    if (n < s->n_trials) {
        (void)printf("and %zu more: vaetop show %s\n", s->n_trials - n, s->name);
    }
    free(order);
}
