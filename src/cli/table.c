/* The leaderboard as text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

#define VALUE_WIDTH 10
#define PAIR_WIDTH 9 /* of each of two */

struct scored study_scored(const struct study *s, const struct trial_row *t)
{
    struct scored x = {{(double)NAN, (double)NAN}, 0};
    if (trial_phase_state(t->phase) == TRIAL_FAIL || !isfinite(t->value)) {
        return x;
    }
    x.value[0] = t->value;
    if (t->has_epoch) {
        const struct epoch_row *row = trial_scored(t, &s->preset.base);
        x.violation = require_violation(&s->preset.base, row);
        if (objective_count(s->objective) == 2) {
            objective_values(x.value, s->objective, row);
        }
    }
    return x;
}

/* Of trials without a value. 0: running; 1: queued or waiting; 2: failed. */
static int waiting_place(const struct trial_row *t)
{
    if (trial_phase_state(t->phase) == TRIAL_FAIL) {
        return 2;
    }
    return t->phase == PHASE_ACTIVE || t->phase == PHASE_PAUSED || t->phase == PHASE_HELD ? 0 : 1;
}

size_t *study_ranking(const struct study *s)
{
    size_t *order = xcalloc(s->n_trials + 1, sizeof *order), *rest = xcalloc(s->n_trials + 1, sizeof *rest);
    struct scored *x = xcalloc(s->n_trials + 1, sizeof *x);
    size_t valued = 0, n = 0;
    for (size_t i = 0; i < s->n_trials; i++) {
        x[i] = study_scored(s, &s->trial[i]);
        valued += isfinite(x[i].value[0]);
    }
    ranking(order, x, s->n_trials, objective_count(s->objective));
    for (int place = 0; place < 3; place++) {
        for (size_t i = valued; i < s->n_trials; i++) {
            if (waiting_place(&s->trial[order[i]]) == place) {
                rest[n++] = order[i];
            }
        }
    }
    memcpy(order + valued, rest, n * sizeof *rest);
    free(rest);
    free(x);
    return order;
}

char *study_data_note(const struct dataset_header *h)
{
    char image[48] = "";
    if (h->height > 1) {
        (void)snprintf(image, sizeof image, " %zux%zu", h->height, h->width);
    }
    return xasprintf("%zu x %zu%s%s", h->n, h->dim, image, h->type == DATA_U8 ? " bytes" : "");
}

double study_bits(const struct study *s, const struct trial_row *t)
{
    if (s->image_dim == 0 || !t->has_epoch) {
        return (double)NAN;
    }
    const struct epoch_row *row = trial_scored(t, &s->preset.base);
    double nats = s->objective == OBJECTIVE_NLL ? row->value : row->val_rec + row->val_kl;
    return nats / ((double)s->image_dim * 0.69314718055994531) + s->bits_more;
}

const char *study_value_text(char *buf, size_t cap, const struct study *s, const struct trial_row *t)
{
    struct scored x = study_scored(s, t);
    char first[32], second[32];
    if (objective_count(s->objective) == 2) {
        (void)snprintf(buf, cap, "%s %s %s %s nats", objective_name(s->objective, 0),
                       str_fit(first, sizeof first, x.value[0], VALUE_WIDTH, 2), objective_name(s->objective, 1),
                       str_fit(second, sizeof second, x.value[1], VALUE_WIDTH, 2));
    } else if (s->objective == OBJECTIVE_KNN) {
        (void)snprintf(buf, cap, "%.2f %%", 100 * objective_shown(s->objective, x.value[0]));
    } else {
        (void)snprintf(buf, cap, "%s nats", str_fit(first, sizeof first, x.value[0], VALUE_WIDTH, 2));
    }
    return buf;
}

const char *study_best_text(char *buf, size_t cap, const struct study *s)
{
    if (!s->best) {
        (void)str_copy(buf, cap, "-");
        return buf;
    }
    struct scored x = study_scored(s, s->best);
    char first[32], second[32];
    if (objective_count(s->objective) == 2) {
        (void)snprintf(buf, cap, "%s/%s", str_fit(first, sizeof first, x.value[0], PAIR_WIDTH, 1),
                       str_fit(second, sizeof second, x.value[1], PAIR_WIDTH, 1));
    } else {
        (void)str_fit(buf, cap, objective_shown(s->objective, x.value[0]), VALUE_WIDTH,
                      s->objective == OBJECTIVE_KNN ? 4 : 2);
    }
    return buf;
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

static void cell(struct sbuf *line, int width, int decimals, double v)
{
    char text[32];
    sbuf_addf(line, " %*s", width, isfinite(v) ? str_fit(text, sizeof text, v, width, decimals) : "-");
}

static void print_row(const struct study *s, size_t rank, const struct trial_row *t)
{
    struct sbuf line = {0};
    char clean[192];
    const struct epoch_row *row = trial_scored(t, &s->preset.base);
    bool knn = s->objective == OBJECTIVE_KNN;
    sbuf_addf(&line, "%4zu %5d  %-9s %3d/%-3d", rank, t->number, trial_phase_word(t->phase),
              t->has_epoch ? t->last.epoch : 0, t->epochs);
    cell(&line, 8, 2, knn ? 100 * objective_shown(s->objective, t->value) : t->value);
    cell(&line, 8, 2, t->has_epoch ? row->val_rec : (double)NAN);
    cell(&line, 7, 2, t->has_epoch ? row->val_kl : (double)NAN);
    if (s->image_dim > 0) {
        cell(&line, 8, 4, study_bits(s, t));
    }
    sbuf_add(&line, "  ");
    study_point_text(&line, s, t, " ");
    if (study_scored(s, t).violation > 0) {
        sbuf_addf(&line, "  (breaks %s)", config_text(&s->preset.base, KNOB_STUDY_REQUIRE));
    }
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
    (void)printf("rank trial  state     epoch   %8s      rec      kl%s  parameters\n",
                 s->objective == OBJECTIVE_KNN ? "knn %" : objective_count(s->objective) == 2 ? "-ELBO" : "value",
                 s->image_dim > 0 ? " bits/dim" : "");
    for (size_t i = 0; i < n; i++) {
        print_row(s, i + 1, &s->trial[order[i]]);
    }
    if (n < s->n_trials) {
        (void)printf("and %zu more: vaetop show %s\n", s->n_trials - n, s->name);
    }
    free(order);
}
