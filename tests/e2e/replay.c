/* replay STUDY_DIR: makes every suggestion of a study again from what its store says (seed, the trials that had ended,
 * those that were running) with a new sampler each time, and compares point and record to the bit. Prints how many. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/conf/objective.h"
#include "vaetop/store/store.h"
#include "vaetop/tune/blas.h"
#include "vaetop/tune/sampler.h"

struct study {
    struct store *store;
    struct preset preset;
    struct trial_row *row; /* by number */
    size_t n;
    struct telling *order;
    size_t n_order;
    struct suggestion *made;
    size_t n_made;
};

static void must(enum err_code rc, const struct err *e)
{
    if (rc) {
        (void)fprintf(stderr, "replay: %s\n", e->text);
        exit(1);
    }
}

static void open_study(struct study *s, const char *dir)
{
    struct err e;
    must(store_open(&s->store, dir, false, &e), &e);
    must(store_preset(s->store, &s->preset, &e), &e);
    must(store_trials(s->store, &s->preset, 0, &s->row, &s->n, &e), &e);
    must(store_order(s->store, &s->order, &s->n_order, &e), &e);
    must(store_suggestions(s->store, 0, INT32_MAX, &s->made, &s->n_made, &e), &e);
}

static enum seen_state state_of(const struct trial_row *t)
{
    if (t->edited) {
        return trial_phase_state(t->phase) == TRIAL_FAIL ? SEEN_FORGOTTEN : SEEN_LEFT_OUT;
    }
    switch (trial_phase_state(t->phase)) {
    case TRIAL_COMPLETE:
        return SEEN_COMPLETE;
    case TRIAL_PRUNED:
        return SEEN_PRUNED;
    default:
        return SEEN_FAILED;
    }
}

/* What the advisor knew when it was asked. */
static void tell(struct sampler *s, const struct study *study, const struct suggestion *m)
{
    for (int64_t k = 0; k < m->told; k++) {
        const struct trial_row *t = &study->row[study->order[k].number];
        int epoch = study->order[k].epoch;
        if (epoch > 0) { /* held at a rung */
            struct epoch_row *row = NULL;
            size_t n = 0;
            struct err e;
            must(store_epochs(study->store, t->number, epoch - 1, &row, &n, &e), &e);
            struct seen held = {t->number, SEEN_PRUNED, {0, 0}, epoch, require_violation(&study->preset.base, &row[0]), NAN};
            objective_values(held.value, objective_of(&study->preset.base), &row[0]);
            sampler_observe(s, &held, &t->point);
            free(row);
            continue;
        }
        struct seen seen = {t->number, state_of(t), {t->value, (double)NAN}, t->has_epoch ? t->last.epoch : 0, 0, NAN};
        if (t->has_epoch) {
            const struct epoch_row *row = trial_scored(t, &study->preset.base);
            double v[2];
            objective_values(v, objective_of(&study->preset.base), row);
            seen.value[0] = isnan(v[1]) ? t->value : v[0];
            seen.value[1] = v[1];
            seen.violation = require_violation(&study->preset.base, row);
        }
        if (point_in_space(&study->preset, &t->point)) {
            sampler_observe(s, &seen, &t->point);
        }
    }
    for (char *at = m->running, *end; *at; at = end + strspn(end, " ")) {
        long number = strtol(at, &end, 10);
        sampler_observe(s, &(struct seen){.number = (int)number, .state = SEEN_RUNNING}, &study->row[number].point);
    }
}

static bool same(const struct point *a, const struct point *b)
{
    for (size_t r = 0; r < a->n; r++) {
        if (a->present[r] != b->present[r] || (a->present[r] && memcmp(&a->value[r], &b->value[r], sizeof a->value[r]))) {
            return false;
        }
    }
    return true;
}

static bool again(const struct study *study, const struct suggestion *m)
{
    struct sampler *s;
    struct point pt;
    struct err e;
    struct preset p;
    char seed[48];
    preset_copy(&p, &study->preset);
    (void)snprintf(seed, sizeof seed, "study.seed=%lld", (long long)m->seed);
    must(preset_set(&p, seed, &e), &e);
    must(preset_check(&p, &e), &e);
    must(sampler_new(&s, &p, &e), &e);
    sampler_set_objectives(s, objective_count(objective_of(&p.base)));
    point_init(&pt, &p);
    tell(s, study, m);
    must(sampler_suggest(s, (int)m->number, &pt, &e), &e);
    const struct suggestion_why *why = sampler_why(s);
    bool ok = same(&pt, &study->row[m->number].point) && why->fit == m->fit &&
              (why->expected == m->expected || (isnan(why->expected) && isnan(m->expected)));
    if (!ok) {
        (void)fprintf(stderr, "replay: trial %lld (%s; told %lld, running %s) came out differently: %s\n",
                      (long long)m->number, m->text, (long long)m->told, m->running, why->text);
    }
    point_release(&pt);
    sampler_free(s);
    preset_release(&p);
    return ok;
}

int main(int argc, char **argv)
{
    struct study s = {0};
    size_t differ = 0, together = 0, modelled = 0;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: replay STUDY_DIR\n");
        return 2;
    }
    blas_settle(argv);
    open_study(&s, argv[1]);
    for (size_t i = 0; i < s.n_made; i++) {
        differ += !again(&s, &s.made[i]);
        together += strchr(s.made[i].running, ' ') != NULL;
        modelled += s.made[i].fit > 0 || strcmp(s.made[i].sampler, "tpe") == 0;
    }
    (void)printf("%zu suggestions of %zu trials, %zu with several trials running, %zu by a model, %zu differ\n", s.n_made,
                 s.n, together, modelled, differ);
    store_suggestions_free(s.made, s.n_made);
    trial_rows_free(s.row, s.n);
    free(s.order);
    preset_release(&s.preset);
    store_close(s.store);
    return differ == 0 ? 0 : 1;
}
