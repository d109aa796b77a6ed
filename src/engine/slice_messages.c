/* What workers say. A word about a trial counts only from the worker that holds it. */
#include "engine_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/base/str.h"

/* The trial this worker holds, or NULL: it was taken from it before. */
static struct run *held(struct slice *s, int64_t trial)
{
    struct run *r = run_find(s->en, trial);
    if (!r || r->slice != s->index) {
        return NULL;
    }
    s->heard = true;
    return r;
}

static void on_ready(struct slice *s, const struct m_ready *m)
{
    s->state = SLICE_READY;
    s->was_ready = s->worked = true;
    s->bytes_total = (uint64_t)m->bytes_total;
    log_info("worker %d ready on %s", s->index, s->name);
    if (writer_holds(s->en)) {
        (void)send_hold(s->conn, &(struct m_hold){1});
    }
    slice_row(s);
}

static void on_epoch(struct slice *s, const struct epoch_row *row)
{
    struct run *r = held(s, row->trial);
    if (r && !r->verdict) { /* what it trains until it hears of its end does not count */
        run_epoch(s->en, r, row);
        s->progressed = true;
        s->en->failed_in_row = 0;
        write_epoch(s->en, row);
        prune_epoch(s->en, r, row);
    }
}

static void on_progress(struct slice *s, const struct m_progress *m)
{
    struct run *r = held(s, m->trial);
    if (r) {
        r->step = m->step;
        r->steps = m->steps;
        r->epochs = (int)m->epochs;
        r->images_per_s = m->images_per_s;
        r->progress_new = true;
        write_progress(s->en);
    }
}

static void on_checkpointed(struct slice *s, const struct m_checkpointed *m)
{
    struct run *r = held(s, m->trial);
    if (r) {
        r->checkpoint_step = m->step;
        run_unsaved(s->en, r, ERR_OK, "");
        r->deaths = 0; /* it came further than where its worker died */
        r->alone = false;
        s->progressed = true;
    }
}

static void on_unsaved(struct slice *s, const struct m_unsaved *m)
{
    struct run *r = held(s, m->trial);
    if (r) {
        run_unsaved(s->en, r, m->code > 0 && m->code <= ERR_CANCELLED ? (enum err_code)m->code : ERR_IO, m->text);
    }
}

static void on_left(struct slice *s, const struct m_left *m)
{
    struct run *r = held(s, m->trial);
    if (!r) {
        return;
    }
    struct engine *en = s->en;
    enum wish wish = r->wish;
    bool resume = r->resume_after;
    if (*m->text) {
        engine_log(en, r->number, "%s", m->text);
    }
    r->resume_after = false;
    if (wish == WISH_STOP && !r->verdict) {
        run_end(en, r, PHASE_STOPPED, r->last_value, "");
        return;
    }
    take_back(en, r);
    if (wish == WISH_PAUSE && !resume && !r->verdict) {
        run_phase(en, r, PHASE_PAUSED, (double)NAN, NULL);
    } else {
        prune_requeue(en, r);
    }
}

static void on_done(struct slice *s, const struct m_done *m)
{
    struct run *r = held(s, m->trial);
    if (r && r->verdict) { /* it got to its end before it heard */
        take_back(s->en, r);
        prune_requeue(s->en, r);
    } else if (r && isfinite(m->value)) {
        run_end(s->en, r, PHASE_DONE, m->value, "");
    } else if (r) {
        run_end(s->en, r, PHASE_DIVERGED, (double)NAN, "no epoch has a finite value");
    }
}

static void on_diverged(struct slice *s, const struct m_diverged *m)
{
    struct run *r = held(s, m->trial);
    if (r && r->verdict) {
        take_back(s->en, r);
        prune_requeue(s->en, r);
    } else if (r) {
        run_end(s->en, r, PHASE_DIVERGED, (double)NAN, m->text);
    }
}

/* It cannot start on this worker: not enough memory next to others is tried alone, all else is final. */
static void on_refused(struct slice *s, const struct m_refused *m)
{
    struct run *r = held(s, m->trial);
    if (!r) {
        return;
    }
    bool alone = s->n_runs == 1;
    char reason[160];
    (void)snprintf(reason, sizeof reason, "%.158s", m->text);
    if (m->code == ERR_DEVICE_MEM || m->code == ERR_NOMEM) {
        if (alone) {
            run_end(s->en, r, PHASE_NOMEM, (double)NAN, reason);
            return;
        }
        engine_log(s->en, r->number, "does not fit beside the others, tried again alone: %s", reason);
        take_back(s->en, r);
        r->alone = true;
        run_phase(s->en, r, PHASE_QUEUED, (double)NAN, NULL);
        return;
    }
    run_end(s->en, r, PHASE_FAILED, (double)NAN, reason);
}

static void on_note(struct slice *s, const struct m_note *m)
{
    const struct run *r = held(s, m->trial);
    struct trial_note note = {.trial = (int)m->trial, .epoch = (int)m->epoch};
    if (!r) {
        return;
    }
    (void)str_clean(note.kind, sizeof note.kind, m->kind);
    (void)str_clean(note.text, sizeof note.text, m->text);
    write_note(s->en, &note);
    engine_log(s->en, r->number, "epoch %d: %s", note.epoch, note.text);
}

static void on_edited(struct slice *s, const struct m_edited *m)
{
    struct run *r = held(s, m->trial);
    if (!r || m->knob < 0 || m->knob >= KNOB_COUNT) {
        return;
    }
    const char *name = knob_info((enum knob)m->knob)->full;
    if (m->ok) {
        r->edited = true;
        write_edit(s->en, r->number, (enum knob)m->knob, m->value, m->at_step);
        engine_log(s->en, r->number, "%s=%s from step %lld", name, m->value, (long long)m->at_step);
    } else {
        engine_log(s->en, r->number, "%s=%s refused: %s", name, m->value, m->text);
    }
}

static void on_status(struct slice *s, const struct m_status *m)
{
    s->bytes_used = (uint64_t)m->bytes_used;
    s->busy = m->busy;
    slice_row(s);
    card_readings(&s->en->card[s->card], m->temperature_c, m->power_w, m->load);
}

static void on_fault(struct slice *s, const struct m_fault *m)
{
    s->fault_code = m->code > 0 && m->code <= ERR_CANCELLED ? (enum err_code)m->code : ERR_CL;
    (void)str_copy(s->fault, sizeof s->fault, m->text);
}

/* One `case`: read, act, release. False when the payload is not the message. */
#define ON(ID, name, action)              \
    case MESSAGE_##ID: {                  \
        struct m_##name m;                \
        if (!read_##name(&m, reader)) {   \
            return false;                 \
        }                                 \
        action;                           \
        free_##name(&m);                  \
        return true;                      \
    }

bool slice_message(struct slice *s, uint16_t type, struct msg_reader *reader)
{
    struct epoch_row row;
    struct snapshot snap;
    switch (type) {
    case MESSAGE_EPOCH:
        if (!read_epoch(&row, reader)) {
            return false;
        }
        on_epoch(s, &row);
        return true;
    case MESSAGE_SNAPSHOT:
        if (!read_snapshot(&snap, reader)) {
            return false;
        }
        if (held(s, snap.trial)) {
            write_snapshot(s->en, &snap);
        } else {
            snapshot_release(&snap);
        }
        return true;
    ON(READY, ready, on_ready(s, &m))
    ON(FAULT, fault, on_fault(s, &m))
    ON(PROGRESS, progress, on_progress(s, &m))
    ON(CHECKPOINTED, checkpointed, on_checkpointed(s, &m))
    ON(UNSAVED, unsaved, on_unsaved(s, &m))
    ON(LEFT, left, on_left(s, &m))
    ON(DONE, done, on_done(s, &m))
    ON(DIVERGED, diverged, on_diverged(s, &m))
    ON(REFUSED, refused, on_refused(s, &m))
    ON(EDITED, edited, on_edited(s, &m))
    ON(STATUS, status, on_status(s, &m))
    ON(NOTE, note, on_note(s, &m))
    ON(LOGLINE, logline, engine_log(s->en, m.trial >= 0 && run_find(s->en, m.trial) ? (int)m.trial : -1, "%s", m.text))
    default:
        return false;
    }
}
