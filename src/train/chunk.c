/* The loop: steps for every lane, losses, epochs, events. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "train_private.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/conf/objective.h"

/* A chunk's aim, and the steps tried before anything was measured. Lengths never change results. */
#define CHUNK_SECONDS 0.035
#define FIRST_CHUNK 4
/* Steps in a row without a finite loss after which skipping them is no use. */
#define SKIPS_MOST 100
/* Chunks a slot may stay unused before its memory goes back: a new trial usually comes at once. */
#define IDLE_CHUNKS 20

/* --- memory of lanes that left */

static enum err_code move_lane(struct trainer *t, struct train_lane *l, int slot, struct err *e)
{
    float *arena = try_calloc(t->plan.params, sizeof *arena);
    if (!arena) return err_set(e, ERR_NOMEM, "%zu weights", t->plan.params);
    enum err_code rc = ERR_OK;
    for (int a = ARENA_WEIGHTS; a < ARENA_COUNT && !rc; a++) {
        if (!pack_has_arena(t->pack, (enum arena)a)) continue;
        rc = pack_read_arena(t->pack, l->slot, (enum arena)a, arena, e);
        if (!rc) rc = pack_write_arena(t->pack, slot, (enum arena)a, arena, e);
    }
    free(arena);
    if (rc) return rc;
    l->slot = slot;
    pack_set_lane(t->pack, slot, &l->constants);
    return ERR_OK;
}

/* Lanes move into the lowest slots and the rest is freed. */
static enum err_code release_idle(struct trainer *t, struct err *e)
{
    const int n = trainer_lanes(t);
    if (n == pack_slots(t->pack)) t->idle_chunks = 0;
    else t->idle_chunks++;
    if (t->idle_chunks < IDLE_CHUNKS) return ERR_OK;
    t->idle_chunks = 0;
    enum err_code rc = ERR_OK;
    bool *used = xcalloc((size_t)n + 1, sizeof *used);
    for (int i = 0; i < t->n_lanes; i++) {
        if (t->lane[i].state != LANE_FREE && t->lane[i].slot < n) used[t->lane[i].slot] = true;
    }
    for (int i = 0, slot = 0; i < t->n_lanes && !rc; i++) {
        struct train_lane *l = &t->lane[i];
        if (l->state == LANE_FREE || l->slot < n) continue;
        while (used[slot]) slot++;
        used[slot] = true;
        rc = move_lane(t, l, slot, e);
    }
    free(used);
    if (rc) return rc;
    if (pack_resize(t->pack, n, NULL)) return ERR_OK; /* no room to move: keep what we have */
    return ERR_OK;
}

/* --- training */

static int64_t steps_left(const struct trainer *t, const struct train_lane *l)
{
    if (l->step % steps_per_epoch(t) == 0 && schedule_stops(l)) return 0;
    return config_i64(&l->config, KNOB_TRAIN_EPOCHS) * steps_per_epoch(t) - l->step;
}

/* It stands where it was to wait. */
static bool at_rest(const struct trainer *t, const struct train_lane *l)
{
    return l->until > 0 && l->step >= l->until * steps_per_epoch(t);
}

static bool trains(const struct trainer *t, const struct train_lane *l)
{
    return l->state == LANE_ACTIVE && steps_left(t, l) > 0 && !at_rest(t, l);
}

static int by_trial(const void *a, const void *b)
{
    const struct train_lane *x = *(struct train_lane *const *)a, *y = *(struct train_lane *const *)b;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

/* Handles of the lanes in trial-number order, in which results of a chunk are told. Owns: caller frees. */
static int *in_order(struct trainer *t, int *n)
{
    struct train_lane **l = xcalloc((size_t)t->n_lanes + 1, sizeof *l);
    int *lane = xcalloc((size_t)t->n_lanes + 1, sizeof *lane);
    *n = 0;
    for (int i = 0; i < t->n_lanes; i++) {
        if (t->lane[i].state != LANE_FREE) l[(*n)++] = &t->lane[i];
    }
    qsort(l, (size_t)*n, sizeof *l, by_trial);
    for (int i = 0; i < *n; i++) lane[i] = (int)(l[i] - t->lane);
    free(l);
    return lane;
}

static int chunk_steps(const struct trainer *t, const int *lane, int n)
{
    const int64_t per_epoch = steps_per_epoch(t);
    const double each = t->timed_lanes > 0 ? t->step_seconds / t->timed_lanes * n : 0;
    int64_t steps = each > 0 ? (int64_t)fmin(1e6, CHUNK_SECONDS / each) : FIRST_CHUNK;
    if (steps < 1) steps = 1;
    if (steps > t->plan.ring_steps) steps = t->plan.ring_steps;
    for (int i = 0; i < n; i++) {
        const struct train_lane *l = &t->lane[lane[i]];
        int64_t left = per_epoch - l->step % per_epoch;
        if (left > 1 && motion_looks(t, l)) left--;
        if (left < steps) steps = left;
    }
    return (int)steps;
}

static void diverge(struct train_lane *l, const char *where, double lr)
{
    l->state = LANE_DIVERGED;
    char finite[48] = "there was none";
    if (isfinite(l->last_loss)) snprintf(finite, sizeof finite, "last finite loss %.6g", l->last_loss);
    snprintf(l->reason, sizeof l->reason, "%s not finite at step %lld, learning rate %.4g, %s; lower it or set optimizer.clip",
             where, (long long)l->step, lr, finite);
}

/* Losses of a lane's n_steps new steps into its epoch's sums. */
static void account(struct trainer *t, struct train_lane *l, int i, int n_steps, double seconds)
{
    const int64_t per_epoch = steps_per_epoch(t), n = (int64_t)t->data->split->n_train, batch = t->plan.net.batch;
    double loss_sum = 0;
    int64_t rows_sum = 0;
    l->seconds += seconds;
    l->sums.seconds += seconds;
    for (int k = 0; k < n_steps; k++, l->step++) {
        const int64_t first = l->step % per_epoch * batch, rows = n - first < batch ? n - first : batch;
        struct pack_loss loss;
        pack_loss(t->pack, i, k, &loss);
        const double longest = config_f64(&l->config, KNOB_OPTIMIZER_SKIP);
        if (t->plan.net.norm) motion_norm(&l->motion, loss.norm);
        const bool skipped = longest > 0 && !(loss.norm <= (double)(float)longest);
        l->skipped += skipped;
        l->skipped_in_a_row = skipped ? l->skipped_in_a_row + 1 : 0;
        if (skipped && loss.not_finite && l->skipped_in_a_row < SKIPS_MOST) continue;
        if (loss.not_finite) {
            diverge(l, "training loss", schedule_lr(l, l->step, per_epoch));
            return;
        }
        const double beta = schedule_beta(&l->config, l->step, per_epoch);
        const double value = loss.rec + (l->net.kl_control ? loss.kl_term * (double)rows : beta * loss.kl);
        l->sums.loss += value;
        l->sums.rec += loss.rec;
        l->sums.kl += loss.kl;
        l->sums.rows += rows;
        loss_sum += value;
        rows_sum += rows;
        l->last_loss = value / (double)rows;
        l->chunk_loss = loss_sum / (double)rows_sum;
    }
}

static enum err_code train(struct trainer *t, const int *lane, int n, int n_steps, struct err *e)
{
    const int64_t start = clock_mono_ns(), per_epoch = steps_per_epoch(t);
    struct pack_step *steps = xcalloc((size_t)n * (size_t)n_steps, sizeof *steps);
    int *slot = xcalloc((size_t)n, sizeof *slot);
    for (int i = 0; i < n; i++) {
        const struct train_lane *l = &t->lane[lane[i]];
        slot[i] = l->slot;
        for (int k = 0; k < n_steps; k++) {
            const int64_t step = l->step + k;
            const struct step_rates rates = {schedule_lr(l, step, per_epoch), schedule_beta(&l->config, step, per_epoch),
                                             schedule_capacity(&l->config, step, per_epoch)};
            pack_step_train(&steps[i * n_steps + k], &l->constants, step, t->data->split->n_train, t->plan.net.batch, rates);
        }
    }
    bool looked = false;
    enum err_code rc = ERR_OK;
    for (int i = 0; i < n && !rc; i++) {
        rc = motion_before(t, &t->lane[lane[i]], e);
        looked = looked || t->lane[lane[i]].before;
    }
    if (!rc) rc = pack_steps(t->pack, slot, n, steps, n_steps, e);
    if (!rc) rc = pack_train_all(t->pack, e);
    if (!rc) rc = pack_fetch_ring(t->pack, e);
    const double seconds = (double)(clock_mono_ns() - start) * 1e-9;
    for (int i = 0; i < n && !rc; i++) account(t, &t->lane[lane[i]], i, n_steps, seconds);
    for (int i = 0; i < n && !rc; i++) rc = motion_after(t, &t->lane[lane[i]], e);
    if (!looked || t->timed_lanes == 0) { /* a step that is looked at takes longer than others */
        t->step_seconds = seconds / n_steps;
        t->timed_lanes = n;
    }
    free(steps);
    free(slot);
    return rc;
}

/* --- epochs */

static struct epoch_row *new_row(struct train_lane *l)
{
    if (l->n_rows == l->rows_cap) {
        l->rows_cap = l->rows_cap ? 2 * l->rows_cap : 32;
        l->row = xreallocarray(l->row, (size_t)l->rows_cap, sizeof *l->row);
    }
    memset(&l->row[l->n_rows], 0, sizeof *l->row);
    return &l->row[l->n_rows++];
}

static void fill_row(struct trainer *t, struct train_lane *l, const struct evaluation *ev)
{
    const int64_t per_epoch = steps_per_epoch(t);
    const double rows = (double)l->sums.rows;
    struct epoch_row *r = new_row(l);
    r->trial = l->trial;
    r->epoch = l->epochs_done;
    r->step = l->step;
    r->value = ev->value;
    r->val_rec = ev->rec;
    r->val_kl = ev->kl;
    r->train_loss = l->sums.loss / rows;
    r->train_rec = l->sums.rec / rows;
    r->train_kl = l->sums.kl / rows;
    r->lr = schedule_lr(l, l->step - 1, per_epoch);
    r->beta = schedule_beta(&l->config, l->step - 1, per_epoch);
    r->active_units = ev->active_units;
    r->images_per_s = l->sums.seconds > 0 ? rows / l->sums.seconds : 0;
    r->seconds = l->seconds;
    l->resend_from = l->n_rows;
    memset(&l->sums, 0, sizeof l->sums);
}

static void send(trainer_event_fn *fn, void *arg, int lane, const struct train_lane *l, struct trainer_event *ev)
{
    ev->lane = lane;
    ev->trial = l->trial;
    fn(arg, ev);
}

static void say(int lane, const struct train_lane *l, const char *kind, const char *text, trainer_event_fn *fn, void *arg)
{
    struct trainer_event ev = {.kind = EVENT_NOTE, .note = {.trial = l->trial, .epoch = l->epochs_done}};
    snprintf(ev.note.kind, sizeof ev.note.kind, "%s", kind);
    snprintf(ev.note.text, sizeof ev.note.text, "%s", text);
    send(fn, arg, lane, l, &ev);
}

static void say_skipped(int lane, struct train_lane *l, trainer_event_fn *fn, void *arg)
{
    if (l->skipped <= l->skipped_said) return;
    struct trainer_event ev = {.kind = EVENT_NOTE, .note = {.trial = l->trial, .epoch = l->epochs_done}};
    trial_note_skipped(&ev.note, l->skipped);
    send(fn, arg, lane, l, &ev);
    l->skipped_said = l->skipped;
}

/* Says once what looks wrong. */
static enum err_code watch(struct trainer *t, int lane, const struct evaluation *ev, trainer_event_fn *fn, void *arg,
                           struct err *e)
{
    struct train_lane *l = &t->lane[lane];
    struct symptoms s = {.row = l->row, .n = l->n_rows, .dim_kl = ev->dim_kl, .latent = l->net.latent,
                         .active_units = ev->active_units, .baseline = trainer_baseline(t),
                         .warm_from = config_first_best(&l->config),
                         .bernoulli = l->net.likelihood == LIKE_BERNOULLI};
    char text[TRIAL_NOTE_CAP];
    const enum err_code rc = units_look(t, l, &s, e);
    if (rc) return rc;
    trainer_data_size(t, &s.data_most, &s.data_deviation);
    motion_tell(&l->motion, &s);
    motion_turn(&l->motion);
    for (int i = 0; i < DIAGNOSIS_COUNT; i++) {
        if (l->diagnosed >> i & 1 || !diagnose((enum diagnosis)i, text, &s)) continue;
        l->diagnosed |= 1u << i;
        say(lane, l, diagnosis_word((enum diagnosis)i), text, fn, arg);
    }
    say_skipped(lane, l, fn, arg);
    return ERR_OK;
}

/* A lane's finished epoch: row, best weights, events. */
static enum err_code finish_epoch(struct trainer *t, int lane, const struct evaluation *ev, trainer_event_fn *fn,
                                  void *arg, struct err *e)
{
    struct train_lane *l = &t->lane[lane];
    l->epochs_done = (int)(l->step / steps_per_epoch(t));
    const double value = ev->value;
    if (!isfinite(ev->rec + ev->kl) || !isfinite(value)) {
        diverge(l, "validation loss", schedule_lr(l, l->step - 1, steps_per_epoch(t)));
        return ERR_OK;
    }
    enum err_code rc = ERR_OK;
    if (l->epochs_done >= config_first_best(&l->config) && (!l->has_best || value < l->best)) {
        rc = pack_keep_best(t->pack, l->slot, e);
        l->has_best = true;
        l->best = value;
    }
    if (rc) return rc;
    if (l->epochs_done > 0 && l->sums.rows == 0) { /* every step of the epoch was skipped */
        diverge(l, "training loss", schedule_lr(l, l->step - 1, steps_per_epoch(t)));
        return ERR_OK;
    }
    if (l->epochs_done == 0) return ERR_OK; /* a trial of no epochs: its value is that of the initialisation */
    fill_row(t, l, ev);
    struct trainer_event event = {.kind = EVENT_SNAPSHOT};
    rc = snapshot_make(t, l, ev, &event.snapshot, e);
    if (rc) return rc;
    struct trainer_event row = {.kind = EVENT_EPOCH, .row = l->row[l->n_rows - 1]};
    row.value = value;
    send(fn, arg, lane, l, &row);
    send(fn, arg, lane, l, &event);
    return watch(t, lane, ev, fn, arg, e);
}

/* Before evaluate(), whose means the picture needs. */
static enum err_code measure(struct trainer *t, const int *lane, int n, double *measured, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (int i = 0; i < n && !rc; i++) rc = objective_measure(t, lane[i], &measured[i], e);
    return rc;
}

static enum err_code evaluate_lanes(struct trainer *t, const int *lane, int n, trainer_event_fn *fn, void *arg,
                                    struct err *e)
{
    if (n == 0) return ERR_OK;
    const int64_t start = clock_mono_ns();
    struct evaluation *ev = xcalloc((size_t)n, sizeof *ev);
    double *measured = xcalloc((size_t)n, sizeof *measured);
    enum err_code rc = measure(t, lane, n, measured, e);
    if (!rc) rc = evaluate(t, lane, n, ev, e);
    for (int i = 0; i < n && !rc; i++) {
        ev[i].value = objective_epoch_value(objective_of(&t->lane[lane[i]].config), ev[i].rec, ev[i].kl, measured[i]);
    }
    free(measured);
    const double seconds = (double)(clock_mono_ns() - start) * 1e-9;
    for (int i = 0; i < n && !rc; i++) {
        t->lane[lane[i]].seconds += seconds;
        rc = finish_epoch(t, lane[i], &ev[i], fn, arg, e);
    }
    for (int i = 0; i < n; i++) free(ev[i].dim_kl);
    free(ev);
    return rc;
}

/* Rows the store lacks after a resume, and the last word on a lane. */
static void announce(struct trainer *t, int lane, trainer_event_fn *fn, void *arg)
{
    struct train_lane *l = &t->lane[lane];
    for (; l->resend_from < l->n_rows; l->resend_from++) {
        struct trainer_event ev = {.kind = EVENT_EPOCH, .row = l->row[l->resend_from]};
        ev.value = ev.row.value;
        send(fn, arg, lane, l, &ev);
    }
    if (l->state == LANE_ACTIVE && steps_left(t, l) <= 0 && (l->n_rows > 0 || l->has_best)) l->state = LANE_DONE;
    const bool held = l->state == LANE_ACTIVE && at_rest(t, l);
    if (l->announced || (l->state == LANE_ACTIVE && !held)) return;
    say_skipped(lane, l, fn, arg); /* also those of an epoch that did not end */
    struct trainer_event ev = {.kind = held ? EVENT_HELD : l->state == LANE_DONE ? EVENT_DONE : EVENT_DIVERGED};
    ev.value = NAN;
    if (l->state == LANE_DONE) {
        const bool best = config_choice(&l->config, KNOB_STUDY_VALUE) == VALUE_BEST && l->has_best;
        ev.value = best || l->n_rows == 0 ? l->best : l->row[l->n_rows - 1].value;
    }
    snprintf(ev.text, sizeof ev.text, "%s", l->reason);
    l->announced = true;
    send(fn, arg, lane, l, &ev);
}

enum err_code trainer_chunk(struct trainer *t, trainer_event_fn *fn, void *arg, struct err *e)
{
    const int64_t per_epoch = steps_per_epoch(t);
    enum err_code rc = release_idle(t, e);
    if (rc || t->n_lanes == 0) return rc;
    int all, n = 0;
    int *order = in_order(t, &all), *lane = xcalloc((size_t)all + 1, sizeof *lane);
    for (int i = 0; i < all; i++) {
        announce(t, order[i], fn, arg);
        if (trains(t, &t->lane[order[i]])) lane[n++] = order[i];
    }
    if (n > 0) rc = train(t, lane, n, chunk_steps(t, lane, n), e);
    n = 0;
    for (int i = 0; i < all; i++) {
        const struct train_lane *l = &t->lane[order[i]];
        const bool ended = l->state == LANE_ACTIVE && l->step % per_epoch == 0 && l->step / per_epoch > l->epochs_done;
        if (ended || (l->state == LANE_ACTIVE && l->step == 0 && steps_left(t, l) == 0)) lane[n++] = order[i];
    }
    if (!rc) rc = evaluate_lanes(t, lane, n, fn, arg, e);
    for (int i = 0; i < all && !rc; i++) announce(t, order[i], fn, arg);
    free(lane);
    free(order);
    return rc;
}
