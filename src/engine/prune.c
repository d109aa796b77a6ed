/* Who goes on. The rules are score/pruner.h's; here is what they are asked about and what follows.
 *
 * Stopping kinds decide when an epoch's row comes: the verdict is stored with that row, later rows of the trial are not
 * believed, and the trial ends once its worker has let go of it, or in the next engine. The promotion kind (asha) gives
 * a trial to its worker up to the next rung only; there it is checkpointed and held, and a free slot takes the best held
 * trial that its rung lets go on before a new one. All of this follows from the stored epochs and phases, so that an
 * engine that dies takes nothing with it: a trial that stands at a rung when it is loaded is held, whether it had been
 * promoted a moment before or not, and is promoted again. */
#include "engine_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/log.h"

#define REASON_CAP 160

static enum pruner_kind kind_of(const struct engine *en)
{
    return (enum pruner_kind)config_choice(&en->preset.base, KNOB_STUDY_PRUNER);
}

static double violation_at_end(const struct engine *en, const struct run *r)
{
    return r->phase == PHASE_DONE ? run_scored(en, r)->violation : 0;
}

static struct curve curve_of(const struct engine *en, const struct run *r)
{
    bool required = *config_text(&en->preset.base, KNOB_STUDY_REQUIRE) != '\0';
    return (struct curve){.trial = r->number, .complete = r->phase == PHASE_DONE, .value = r->curve[0],
                          .n = (size_t)r->n_curve, .second = en->objectives == 2 ? r->curve[1] : NULL,
                          .violation = required ? r->curve[2] : NULL, .at_end = violation_at_end(en, r)};
}

/* --- curves */

/* Values inside the KL warm-up are left unknown: beta is not yet what it will be. */
static void note_epoch(const struct engine *en, struct run *r, const struct epoch_row *row)
{
    const struct outcome w = outcome_of(en, row);
    const double value[3] = {w.of[0], w.of[1], w.violation};
    if (row->epoch < 1) {
        return;
    }
    for (int k = 0; k < 3; k++) {
        if (row->epoch > r->n_curve) {
            r->curve[k] = xreallocarray(r->curve[k], (size_t)row->epoch, sizeof *r->curve[k]);
        }
        for (int i = r->n_curve; i < row->epoch; i++) {
            r->curve[k][i] = (double)NAN;
        }
        r->curve[k][row->epoch - 1] = row->epoch >= r->first_best ? value[k] : (double)NAN;
    }
    r->n_curve = row->epoch > r->n_curve ? row->epoch : r->n_curve;
}

void prune_load_curve(struct engine *en, struct run *r)
{
    struct epoch_row *row = NULL;
    struct err e;
    size_t n = 0;
    if (kind_of(en) == PRUNER_NONE) {
        return;
    }
    if (store_epochs(en->store, r->number, 0, &row, &n, &e)) {
        log_warn("trial %d is not compared with: %s", r->number, e.text);
    }
    for (size_t i = 0; i < n; i++) {
        note_epoch(en, r, &row[i]);
    }
    free(row);
}

/* --- stopping kinds */

static struct verdict decide(struct engine *en, const struct run *r)
{
    const struct config *c = &en->preset.base;
    int least = (int)config_i64(c, KNOB_STUDY_PRUNER_MIN_EPOCHS);
    struct percentile_rule rule = median_rule;
    struct curve own = curve_of(en, r), *other = xcalloc(en->n_runs + 1, sizeof *other);
    struct verdict v;
    for (size_t i = 0; i < en->n_runs; i++) {
        other[i] = curve_of(en, &en->run[i]);
    }
    least = r->first_best > least ? r->first_best : least;
    rule.warmup = least - 1;
    rule.startup = (int)config_i64(c, KNOB_STUDY_PRUNER_STARTUP);
    switch (kind_of(en)) {
    case PRUNER_PERCENTILE:
        rule.percentile = config_f64(c, KNOB_STUDY_PRUNER_PERCENTILE);
        v = percentile_verdict(&rule, &own, other, en->n_runs);
        break;
    case PRUNER_MEDIAN:
        v = percentile_verdict(&rule, &own, other, en->n_runs);
        break;
    case PRUNER_ASHA_STOP:
        v = asha_stop(&en->rungs, &own, other, en->n_runs);
        break;
    default:
        v = patience_verdict(&own, (size_t)config_i64(c, KNOB_STUDY_PRUNER_PATIENCE));
        v.prune = v.prune && r->n_curve >= least;
        break;
    }
    free(other);
    return v;
}

void prune_epoch(struct engine *en, struct run *r, const struct epoch_row *row)
{
    enum pruner_kind kind = kind_of(en);
    char text[REASON_CAP];
    if (kind == PRUNER_NONE) {
        return;
    }
    note_epoch(en, r, row);
    if (kind == PRUNER_ASHA || r->wish == WISH_STOP || (r->epochs > 0 && row->epoch >= r->epochs)) {
        return;
    }
    struct verdict v = decide(en, r);
    if (v.prune) {
        r->verdict = xstrdup(verdict_format(text, sizeof text, &v));
        write_phase(en, r, (double)NAN, r->verdict); /* with the row it follows from: see prune_load() */
        (void)send_stop(en->slice[r->slice].conn, &(struct m_stop){r->number, 0});
    }
}

/* --- rungs */

/* Epochs of the first rung after the trial's last epoch; 0: none. */
static int next_rung(const struct engine *en, const struct run *r)
{
    int rung = asha_rung_at(&en->rungs, (size_t)r->stored_epoch) + 1;
    return rung < asha_rungs(&en->rungs) ? asha_epochs(&en->rungs, rung) : 0;
}

int prune_until(const struct engine *en, const struct run *r)
{
    return kind_of(en) == PRUNER_ASHA ? next_rung(en, r) : 0;
}

/* It has come to where it was sent, or stands where one is held. */
static bool reached(const struct engine *en, const struct run *r)
{
    int rung = asha_rung_at(&en->rungs, (size_t)r->stored_epoch);
    if (kind_of(en) != PRUNER_ASHA || rung < 0 || (r->epochs > 0 && r->stored_epoch >= r->epochs)) {
        return false;
    }
    return r->until > 0 ? r->stored_epoch >= r->until : r->stored_epoch == asha_epochs(&en->rungs, rung);
}

void prune_requeue(struct engine *en, struct run *r)
{
    if (r->verdict) {
        run_end(en, r, PHASE_PRUNED, r->last_value, r->verdict);
    } else if (reached(en, r)) {
        int rung = asha_rung_at(&en->rungs, (size_t)r->stored_epoch);
        run_phase(en, r, PHASE_HELD, (double)NAN, NULL);
        run_ended(en, r->number, r->stored_epoch);
        advisor_tell(en, r, (double)NAN);
        engine_log(en, r->number, "held at rung %d (%d epochs): %.6g", rung, r->stored_epoch, r->last_value);
    } else {
        run_phase(en, r, PHASE_QUEUED, (double)NAN, NULL);
    }
}

void prune_load(struct engine *en, struct run *r, const char *reason)
{
    if (r->phase == PHASE_ACTIVE || (r->phase == PHASE_QUEUED && reached(en, r))) { /* the last engine died with it */
        r->verdict = r->phase == PHASE_ACTIVE && *reason ? xstrdup(reason) : NULL;
        prune_requeue(en, r);
        if (!run_final(r)) {
            write_device(en, r, "");
        }
    }
}

/* Every trial at every rung it has reached. Owns: caller frees. */
static struct asha_entry *entries(const struct engine *en, size_t *n)
{
    int rungs = asha_rungs(&en->rungs);
    struct asha_entry *e = xcalloc(en->n_runs * (size_t)rungs + 1, sizeof *e);
    *n = 0;
    for (size_t i = 0; i < en->n_runs; i++) {
        const struct run *r = &en->run[i];
        int top = asha_rung_at(&en->rungs, (size_t)r->n_curve);
        for (int k = 0; k <= top; k++) {
            int at = asha_epochs(&en->rungs, k) - 1;
            e[(*n)++] = (struct asha_entry){.trial = r->number, .rung = k, .value = {r->curve[0][at], r->curve[1][at]},
                                            .violation = fmax(r->curve[2][at], violation_at_end(en, r)),
                                            .promoted = k < top, .gone = k == top && r->phase != PHASE_HELD};
        }
    }
    return e;
}

static void go_on(struct engine *en, struct run *r, const char *why)
{
    r->until = next_rung(en, r);
    if (r->until > 0) {
        engine_log(en, r->number, "goes on to %d epochs; %s", r->until, why);
    } else {
        engine_log(en, r->number, "goes on to its end; %s", why);
    }
    run_phase(en, r, PHASE_QUEUED, (double)NAN, NULL);
}

void prune_promote(struct engine *en, size_t room)
{
    bool more = kind_of(en) == PRUNER_ASHA;
    while (more && room > 0) {
        size_t n;
        char text[REASON_CAP];
        struct asha_entry *e = entries(en, &n);
        size_t i = asha_promote(&en->rungs, e, n, en->objectives);
        more = i < n;
        if (more) {
            struct verdict v = asha_standing(&en->rungs, e, n, i, en->objectives);
            go_on(en, &en->run[e[i].trial], verdict_format(text, sizeof text, &v));
            room--;
        }
        free(e);
    }
}

static bool any(const struct engine *en, enum trial_phase phase)
{
    for (size_t i = 0; i < en->n_runs; i++) {
        if (en->run[i].phase == phase) {
            return true;
        }
    }
    return false;
}

void prune_rest(struct engine *en)
{
    size_t n;
    char text[REASON_CAP];
    if (kind_of(en) != PRUNER_ASHA || !any(en, PHASE_HELD) || any(en, PHASE_PAUSED)) {
        return; /* a paused trial may yet change who goes on */
    }
    struct asha_entry *e = entries(en, &n);
    size_t leader = any(en, PHASE_DONE) ? n : asha_leader(&en->rungs, e, n, en->objectives);
    if (leader < n) {
        go_on(en, &en->run[e[leader].trial], "the best of the highest rung, for no trial has all its epochs yet");
    }
    for (size_t i = 0; i < n && leader == n; i++) {
        struct run *r = &en->run[e[i].trial];
        if (r->phase == PHASE_HELD && !e[i].promoted) {
            struct verdict v = asha_standing(&en->rungs, e, n, i, en->objectives);
            run_end(en, r, PHASE_PRUNED, r->last_value, verdict_format(text, sizeof text, &v));
        }
    }
    free(e);
}
