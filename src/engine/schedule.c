/* Which trial runs where, and when more are asked for. A trial is never held back to fill a pack; the only thing that
 * waits is a trial that has killed its worker, which gets a worker to itself. */
#include "engine_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/conf/paths.h"

static bool has_loner(const struct engine *en, const struct slice *s)
{
    for (size_t i = en->first_open; i < en->n_runs; i++) {
        if (en->run[i].slice == s->index && en->run[i].alone) {
            return true;
        }
    }
    return false;
}

/* The least loaded worker; NULL when all are full. alone: an empty one. */
static struct slice *pick_slice(struct engine *en, bool alone, const struct slice *reserved)
{
    struct slice *best = NULL;
    for (size_t i = 0; i < en->n_slices; i++) {
        struct slice *s = &en->slice[i];
        bool runs = card_runs(&en->card[s->card]);
        bool full = !runs || s->n_runs >= (alone ? 1 : s->most) || has_loner(en, s);
        if (s->state != SLICE_READY || s->quitting || s == reserved || full) {
            continue;
        }
        best = !best || s->n_runs < best->n_runs ? s : best;
    }
    return best;
}

static bool waiting(const struct run *r)
{
    return r->stored && !r->foreign && r->slice < 0 && (r->phase == PHASE_QUEUED || r->phase == PHASE_ENQUEUED);
}

/* A worker that gets nothing new until a trial that must be alone can have it. */
static struct slice *reserve(struct engine *en)
{
    bool wanted = false;
    for (size_t i = en->first_open; i < en->n_runs && !wanted; i++) {
        wanted = waiting(&en->run[i]) && en->run[i].alone;
    }
    struct slice *s = NULL;
    for (size_t i = 0; wanted && i < en->n_slices; i++) {
        struct slice *c = &en->slice[i];
        if (c->state == SLICE_READY && card_runs(&en->card[c->card]) && !has_loner(en, c)) {
            s = !s || c->n_runs < s->n_runs ? c : s;
        }
    }
    return s;
}

/* Edits of its earlier life, each again at its step. */
static void repeat_edits(struct engine *en, struct slice *s, struct run *r)
{
    struct edit_row *edit = NULL;
    size_t n = 0;
    struct err e;
    if (!writer_flush(en) || store_edits(en->store, r->number, &edit, &n, &e)) {
        log_warn("trial %d: its edits could not be read", r->number);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t at = edit[i].step > 0 ? edit[i].step : 1; /* 0 would be a new edit */
        (void)send_edit(s->conn, &(struct m_edit){r->number, edit[i].knob, edit[i].value, at});
    }
    free(edit);
}

static void assign(struct engine *en, struct slice *s, struct run *r)
{
    struct config config;
    struct err e = {0};
    if (preset_apply(&config, &en->preset, &r->point, &e)) {
        run_phase(en, r, PHASE_FAILED, NAN, e.text);
        return;
    }
    struct sbuf text = {0};
    config_format(&text, &config);
    char *lines = sbuf_take(&text);
    char *path = path_checkpoint(en->dir, r->number);
    char none[] = "";
    bool again = r->attempts > 0 && fs_exists(path);
    if (!again && fs_exists(path)) {
        forget_weights(en, r); /* of another study's trial of this number */
    }
    r->attempts++;
    r->slice = s->index;
    r->wish = WISH_NONE;
    r->checkpoint_step = 0;
    r->until = prune_until(en, r);
    s->n_runs++;
    s->silent_s = 0;
    s->heard = false;
    (void)send_assign(s->conn, &(struct m_assign){r->number, config_i64(&config, KNOB_STUDY_SEED), lines,
                                                  again ? path : none, r->stored_epoch, path, r->until});
    run_phase(en, r, PHASE_ACTIVE, NAN, NULL);
    write_device(en, r, s->label);
    if (r->edited) {
        repeat_edits(en, s, r);
    }
    free(path);
    free(lines);
    config_release(&config);
    slice_row(s);
}

void take_back(struct engine *en, struct run *r)
{
    if (r->slice >= 0) {
        struct slice *s = &en->slice[r->slice];
        s->n_runs--;
        r->slice = -1;
        r->wish = WISH_NONE;
        r->images_per_s = NAN;
        run_unsaved(en, r, ERR_OK, "");
        write_device(en, r, "");
        slice_row(s);
    }
}

void run_end(struct engine *en, struct run *r, enum trial_phase phase, double value, const char *reason)
{
    char number[32];
    take_back(en, r);
    run_phase(en, r, phase, value, reason);
    if (isfinite(value)) {
        (void)snprintf(number, sizeof number, ": %.4f", value);
    }
    engine_log(en, r->number, "%s%s%s%s", trial_phase_word(phase), isfinite(value) ? number : "", *reason ? ": " : "",
               reason);
    retain(en, r);
}

static void ask_for_more(struct engine *en)
{
    int queued = (int)runs_queued(en) + en->advisor.asked;
    int room = runs_most(en) - (int)en->n_runs - en->advisor.asked;
    int wanted = advisor_ahead(en) - queued;
    int n = wanted < room ? wanted : room;
    if (n > 0 && !en->advisor.exhausted) {
        advisor_ask(en, n);
    }
}

static bool more_to_come(const struct engine *en)
{
    return !en->advisor.exhausted && (int64_t)en->n_runs < runs_most(en);
}

void schedule(struct engine *en)
{
    if (en->stage != STAGE_RUNNING) {
        return;
    }
    bool room = !writer_full(en) && !runs_lack_room(en); /* without, what a trial comes to could not be kept */
    struct slice *reserved = reserve(en);
    size_t active = runs_active(en), begun = active + runs_begun(en);
    if (room && begun < (size_t)en->slots) {
        prune_promote(en, (size_t)en->slots - begun);
    }
    if (room && en->n_waiting > 0) { /* what a person enqueued goes before what the advisor would suggest */
        foreign_adopt(en, advisor_ahead(en) - (int)runs_queued(en));
    }
    for (int pass = 0; room && pass < 2; pass++) { /* what the person asked for comes before suggestions */
        for (size_t i = en->first_open; i < en->n_runs && active < (size_t)en->slots; i++) {
            struct run *r = &en->run[i];
            bool turn = (r->phase == PHASE_ENQUEUED) == (pass == 0);
            struct slice *s = turn && waiting(r) ? pick_slice(en, r->alone, r->alone ? NULL : reserved) : NULL;
            if (s) {
                assign(en, s, r);
                active += r->slice >= 0;
            }
        }
    }
    if (room) {
        ask_for_more(en);
    }
    if (room && active == 0 && runs_queued(en) == 0 && en->advisor.asked == 0 && !more_to_come(en)) {
        prune_rest(en);
    }
    if (runs_all_final(en) && en->advisor.asked == 0) {
        engine_stage(en, STAGE_FINISHED);
    }
}
