#include "view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "number.h"
#include "vaetop/base/alloc.h"

void view_init(struct view *v)
{
    *v = (struct view){.best = -1, .loss_of = -1, .snapshot_of = -1};
    v->latent.trial = -1;
    v->elapsed_s = v->eta_s = NAN;
    for (int i = 0; i < VIEW_SERIES; i++) {
        v->series[i].number = -1;
    }
}

static void series_release(struct view_series *s)
{
    free(s->epoch);
    for (int m = 0; m < SERIES_METRICS; m++) {
        free(s->y[m]);
    }
    *s = (struct view_series){.number = -1};
}

void view_release(struct view *v)
{
    for (size_t i = 0; i < v->n; i++) {
        free(v->trial[i].device);
        free(v->trial[i].reason);
    }
    for (int i = 0; i < VIEW_SERIES; i++) {
        series_release(&v->series[i]);
    }
    free(v->trial);
    free(v->param_value);
    free(v->order);
    free(v->ranked);
    free(v->done_x);
    free(v->done_best);
    free(v->log);
    free(v->latent.xy);
    free(v->latent.label);
    free(v->latent.dim);
    free(v->latent.pixels);
    if (v->has_preset) {
        preset_release(&v->preset);
        overview_release(&v->all);
    }
    view_init(v);
}

/* Which searched knobs get a column first when there is little room. */
static int knob_weight(enum knob k)
{
    static const enum knob first[] = {KNOB_OPTIMIZER_LR, KNOB_MODEL_LATENT, KNOB_MODEL_WIDTH, KNOB_OPTIMIZER_KIND,
                                      KNOB_LOSS_BETA, KNOB_MODEL_DEPTH, KNOB_TRAIN_BATCH, KNOB_MODEL_ENCODER};
    int n = (int)(sizeof first / sizeof *first);
    for (int i = 0; i < n; i++) {
        if (first[i] == k) {
            return i;
        }
    }
    return n + (int)k;
}

static void add_param(struct view *v, const struct range *r)
{
    int at = 0;
    for (int i = 0; i < v->n_params; i++) {
        if (v->param[i].knob == r->knob) {
            return; /* the second of several ranges */
        }
    }
    if (v->n_params == VIEW_PARAMS) {
        return;
    }
    while (at < v->n_params && knob_weight(v->param[at].knob) <= knob_weight(r->knob)) {
        at++;
    }
    memmove(&v->param[at + 1], &v->param[at], (size_t)(v->n_params - at) * sizeof v->param[0]);
    struct view_param *p = &v->param[at];
    *p = (struct view_param){.knob = r->knob, .is_choice = r->kind == RANGE_CHOICE,
                              .is_log = r->kind == RANGE_FLOAT && r->log, .width = 6};
    (void)str_copy(p->title, sizeof p->title, r->knob == KNOB_OPTIMIZER_KIND ? "optim" : knob_info(r->knob)->name);
    if (r->kind == RANGE_INT) {
        p->width = 3;
        for (double x = 1000; x <= r->hi && p->width < 7; x *= 10) {
            p->width++;
        }
    }
    for (size_t i = 0; i < r->n_choices; i++) {
        int n = text_columns(r->choice[i]);
        p->width = n > p->width ? n : p->width;
    }
    int title = (int)strlen(p->title);
    p->width = p->width < title ? title : p->width;
    p->width = p->width > 9 ? 9 : p->width;
    v->n_params++;
}

void view_set_preset(struct view *v, const struct preset *p)
{
    if (v->has_preset) {
        preset_release(&v->preset);
    }
    preset_copy(&v->preset, p);
    if (!v->has_preset) {
        overview_init(&v->all, p);
    }
    v->has_preset = true;
    v->planned = (int)config_i64(&p->base, KNOB_STUDY_TRIALS);
    v->slots = (int)config_i64(&p->base, KNOB_STUDY_SLOTS);
    v->batch = config_i64(&p->base, KNOB_TRAIN_BATCH);
    if (v->n == 0) {
        v->n_params = 0;
        for (size_t i = 0; i < p->n_ranges; i++) {
            add_param(v, &p->range[i]);
        }
    }
}

static struct view_trial *trial_slot(struct view *v, int number)
{
    size_t want = (size_t)number + 1, params = (size_t)(v->n_params > 0 ? v->n_params : 1);
    if (want > v->cap) {
        size_t cap = v->cap ? v->cap : 64;
        while (cap < want) {
            cap *= 2;
        }
        v->trial = xreallocarray(v->trial, cap, sizeof *v->trial);
        v->param_value = xreallocarray(v->param_value, cap * params, sizeof *v->param_value);
        v->order = xreallocarray(v->order, cap, sizeof *v->order);
        v->ranked = xreallocarray(v->ranked, cap, sizeof *v->ranked);
        v->cap = cap;
    }
    for (; v->n < want; v->n++) {
        v->trial[v->n] = (struct view_trial){.number = (int)v->n, .phase = PHASE_QUEUED};
        struct view_trial *t = &v->trial[v->n];
        t->value = t->rec = t->kl = t->active = t->rate = t->eta_s = t->train = t->value_was = NAN;
        t->place = NAN;
        for (size_t i = 0; i < params; i++) {
            v->param_value[v->n * params + i] = NAN;
        }
    }
    return &v->trial[number];
}

static void replace(char **to, const char *text)
{
    char clean[256];
    free(*to);
    *to = text[0] ? xstrdup(str_clean(clean, sizeof clean, text)) : NULL;
}

/* Value of a knob for one trial: from the space where it is searched, else the preset's. */
static double knob_value(const struct view *v, const struct view_trial *t, enum knob k)
{
    for (int i = 0; i < v->n_params; i++) {
        double x = view_param(v, t, i);
        if (v->param[i].knob == k && !isnan(x)) {
            return v->param[i].is_choice ? (double)NAN : x;
        }
    }
    return v->has_preset ? config_f64(&v->preset.base, k) : (double)NAN;
}

static void put_params(struct view *v, const struct view_trial *t, const struct point *pt)
{
    size_t n = v->has_preset && pt->present && pt->n == v->preset.n_ranges ? pt->n : 0;
    for (size_t r = 0; r < n; r++) {
        for (int i = 0; pt->present[r] && i < v->n_params; i++) {
            if (v->param[i].knob == v->preset.range[r].knob) {
                const struct range *range = &v->preset.range[r];
                double x = pt->value[r];
                /* Choices of several ranges of one knob are told apart by (range, index). */
                if (range->kind == RANGE_CHOICE) {
                    x += (double)r * 1024;
                }
                v->param_value[(size_t)t->number * (size_t)v->n_params + (size_t)i] = (float)x;
            }
        }
    }
}

static void put_progress(struct view *v, struct view_trial *t, const struct trial_row *r)
{
    const struct epoch_row *at = trial_scored(r, &v->preset.base);
    double batch = knob_value(v, t, KNOB_TRAIN_BATCH), latent = knob_value(v, t, KNOB_MODEL_LATENT);
    t->latent = latent > 0 && latent < 1e6 ? (int)latent : 0;
    t->epochs = r->epochs;
    t->epoch = r->has_epoch ? r->last.epoch : 0;
    t->value = r->value;
    t->rec = r->has_epoch ? at->val_rec : (double)NAN;
    t->kl = r->has_epoch ? at->val_kl : (double)NAN;
    t->violation = v->has_preset && r->has_epoch ? require_violation(&v->preset.base, at) : 0;
    t->place = t->value; /* until all are ranked */
    t->active = r->has_epoch ? at->active_units : (double)NAN;
    t->train = r->has_epoch ? r->last.train_loss : (double)NAN;
    t->rate = r->phase == PHASE_ACTIVE ? r->images_per_s : r->has_epoch ? r->last.images_per_s : (double)NAN;
    t->share = r->steps > 0 ? (double)r->step / (double)r->steps : 0;
    t->eta_s = NAN;
    if (r->phase == PHASE_ACTIVE && r->steps > r->step) {
        if (t->rate > 0 && batch > 0) {
            t->eta_s = (double)(r->steps - r->step) * batch / t->rate;
        } else if (r->has_epoch && r->last.step > 0 && r->last.seconds > 0) {
            t->eta_s = (double)(r->steps - r->step) * r->last.seconds / (double)r->last.step;
        }
    }
}

void view_put_trial(struct view *v, const struct trial_row *r)
{
    if (r->number < 0 || r->number > 10000000) {
        return; /* no study of ours has it; a damaged row must not cost the memory */
    }
    struct view_trial *t = trial_slot(v, r->number);
    t->phase = r->phase;
    t->edited = r->edited;
    t->attempts = r->attempts;
    t->start_us = r->start_us;
    t->complete_us = r->complete_us;
    t->changed = r->changed;
    replace(&t->device, r->device);
    replace(&t->reason, r->reason);
    put_params(v, t, &r->point);
    put_progress(v, t, r);
    if (v->has_preset) {
        overview_put(&v->all, r);
        v->all_due = true;
    }
}

void view_overview(struct view *v)
{
    if (v->all_due) {
        overview_total(&v->all);
        v->all_due = false;
    }
}

const struct view_trial *view_trial(const struct view *v, int number)
{
    return number >= 0 && (size_t)number < v->n ? &v->trial[number] : NULL;
}

const struct view_series *view_series(const struct view *v, int number)
{
    for (int i = 0; i < VIEW_SERIES && number >= 0; i++) {
        if (v->series[i].number == number) {
            return &v->series[i];
        }
    }
    return NULL;
}

struct view_series *view_series_slot(struct view *v, int number)
{
    struct view_series *old = &v->series[0];
    for (int i = 0; i < VIEW_SERIES; i++) {
        struct view_series *s = &v->series[i];
        if (s->number == number) {
            s->used = ++v->series_clock;
            return s;
        }
        if (s->number < 0 ? old->number >= 0 : old->number >= 0 && s->used < old->used) {
            old = s;
        }
    }
    series_release(old);
    old->number = number;
    old->used = ++v->series_clock;
    old->changed = -1;
    return old;
}

void view_put_epochs(struct view *v, int number, const struct epoch_row *row, size_t n)
{
    struct view_series *s = view_series_slot(v, number);
    for (size_t i = 0; i < n; i++) {
        if (row[i].epoch <= s->last_epoch) {
            continue;
        }
        if (s->n == s->cap) {
            s->cap = s->cap ? s->cap * 2 : 32;
            s->epoch = xreallocarray(s->epoch, s->cap, sizeof *s->epoch);
            for (int m = 0; m < SERIES_METRICS; m++) {
                s->y[m] = xreallocarray(s->y[m], s->cap, sizeof *s->y[m]);
            }
        }
        s->epoch[s->n] = (float)row[i].epoch;
        const double y[SERIES_METRICS] = {view_shown(v, row[i].value), row[i].train_loss, row[i].val_rec, row[i].val_kl,
                                          row[i].lr,    row[i].beta,       row[i].images_per_s};
        for (int m = 0; m < SERIES_METRICS; m++) {
            s->y[m][s->n] = (float)y[m];
        }
        s->n++;
        s->last_epoch = row[i].epoch;
    }
}

double view_shown(const struct view *v, double value)
{
    return v->has_preset ? objective_shown(objective_of(&v->preset.base), value) : value;
}

bool view_maximised(const struct view *v)
{
    return v->has_preset && objective_maximised(objective_of(&v->preset.base));
}

double view_param(const struct view *v, const struct view_trial *t, int param)
{
    return (double)v->param_value[(size_t)t->number * (size_t)v->n_params + (size_t)param];
}

const char *view_param_text(char *buf, size_t cap, const struct view *v, const struct view_trial *t, int param)
{
    double x = view_param(v, t, param);
    buf[0] = 0;
    if (isnan(x)) {
        return buf;
    }
    if (!v->param[param].is_choice) {
        return v->param[param].is_log ? num_power(buf, cap, x) : num_short(buf, cap, x);
    }
    size_t r = (size_t)x / 1024, index = (size_t)x % 1024;
    if (r < v->preset.n_ranges && index < v->preset.range[r].n_choices) {
        (void)str_copy(buf, cap, v->preset.range[r].choice[index]);
    }
    return buf;
}

bool view_running(const struct view *v)
{
    return v->counts[PHASE_ACTIVE] > 0;
}

bool view_ended(const struct view *v)
{
    return strcmp(v->study_phase, "finished") == 0 || strcmp(v->study_phase, "stopped") == 0;
}

void view_put_log(struct view *v, const struct log_row *r)
{
    int most = v->whole_log ? VIEW_LOGS_MOST : VIEW_LOGS, drop = v->n_logs == most ? most / 16 : 0;
    if (v->n_logs == v->cap_logs && v->cap_logs < most) {
        v->cap_logs = v->cap_logs * 2 < VIEW_LOGS ? VIEW_LOGS : v->cap_logs * 2 > most ? most : v->cap_logs * 2;
        v->log = xreallocarray(v->log, (size_t)v->cap_logs, sizeof *v->log);
    }
    if (drop > 0) { /* some at once: a full log is moved seldom */
        memmove(v->log, v->log + drop, (size_t)(v->n_logs - drop) * sizeof *v->log);
        v->n_logs -= drop;
    }
    struct view_log *l = &v->log[v->n_logs++];
    time_t seconds = (time_t)(r->utc_us / 1000000);
    struct tm tm;
    l->time[0] = 0;
    if (localtime_r(&seconds, &tm)) {
        (void)strftime(l->time, sizeof l->time, "%H:%M:%S", &tm);
    }
    l->trial = r->trial;
    int n = r->trial >= 0 && r->text[0] != '#' ? snprintf(l->text, sizeof l->text, "#%d ", r->trial) : 0;
    (void)str_clean(l->text + n, sizeof l->text - (size_t)n, r->text);
}
