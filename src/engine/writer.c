/* Everything the store is told goes through one queue, in order, and is committed in groups: within 50 ms what a
 * person waits for or what ends a trial, within 500 ms metrics. A store that refuses (disk full, locked by a long
 * reader) keeps nothing from going on: the queue waits and is tried again with back-off; pictures are dropped when it
 * grows, and at ROWS_MOST the trials pause in memory until it is stored.
 *
 * When the disk is full the reserve, a file of our own, is removed, and in its room go the states of trials, with the
 * epochs of those that ended; the rest waits until the reserve can be made again. */
#include "engine_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/conf/paths.h"

#define SOON_NS ((int64_t)50000000)
#define LATER_NS ((int64_t)500000000)
#define BACKOFF_MOST_NS (30 * SECOND_NS)
#define PICTURES_MOST 2000 /* about 40 MB waiting */
#define ROWS_MOST 4000     /* an entry takes under a kilobyte */
#define RESERVE_BYTES ((size_t)4 << 20) /* what SQLite's WAL grows to before it is written back */

enum op_kind { OP_TRIAL, OP_PHASE, OP_DEVICE, OP_EPOCH, OP_SNAPSHOT, OP_EDIT, OP_KEPT, OP_FACT, OP_SLICE, OP_CARD,
               OP_CARDS_DROP, OP_LOG, OP_SUGGESTION, OP_ENDED, OP_NOTE, OP_RERUN };

struct op {
    enum op_kind kind;
    int trial, number; /* number: attempts, or a knob */
    enum trial_phase phase;
    double value;
    int64_t step;
    bool flag;
    char *text, *key;
    union {
        struct point point;
        struct epoch_row row;
        struct snapshot snapshot;
        struct device_row device;
        struct suggestion made;
        struct card_row card;
        struct trial_note note;
    } u;
};

struct writer {
    struct op *op;
    size_t n, cap, pictures;
    int timer;
    bool soon;
    int64_t backoff_ns; /* 0: the last commit succeeded */
    int64_t retry_ns;   /* full: not before */
    bool full;          /* only what cannot wait is committed */
    bool held;          /* the workers' trials wait in memory */
    bool clash;         /* another program took a number that was to be stored */
    char why[400];      /* of the last refusal */
};

static void op_release(struct op *o)
{
    free(o->text);
    free(o->key);
    if (o->kind == OP_TRIAL) {
        point_release(&o->u.point);
    } else if (o->kind == OP_SNAPSHOT) {
        snapshot_release(&o->u.snapshot);
    } else if (o->kind == OP_SUGGESTION) {
        suggestion_release(&o->u.made);
    }
}

struct writer *writer_new(struct engine *en)
{
    (void)en;
    return xcalloc(1, sizeof(struct writer));
}

void writer_free(struct writer *w)
{
    if (w) {
        for (size_t i = 0; i < w->n; i++) {
            op_release(&w->op[i]);
        }
        free(w->op);
        free(w);
    }
}

bool writer_idle(const struct engine *en)
{
    return en->writer->n == 0;
}

bool writer_full(const struct engine *en)
{
    return en->writer->full;
}

bool writer_holds(const struct engine *en)
{
    return en->writer->held;
}

static void say_refused(struct engine *en);

static void on_timer(void *arg)
{
    struct engine *en = arg;
    en->writer->timer = 0;
    if (writer_flush(en)) {
        schedule(en);
    }
}

static void arm(struct engine *en, enum urgency u)
{
    struct writer *w = en->writer;
    bool waits = w->backoff_ns > 0 && !w->full; /* then the timer is that of the next try */
    if (w->timer && (w->soon || u == WRITE_LATER || waits)) {
        return;
    }
    loop_timer_cancel(en->loop, w->timer);
    w->soon = u == WRITE_SOON;
    w->timer = loop_timer(en->loop, w->soon ? SOON_NS : LATER_NS, on_timer, en);
}

/* Too much waits for a store that refuses. */
static void hold(struct engine *en)
{
    en->writer->held = true;
    slices_hold(en);
    say_refused(en);
    engine_log(en, -1, "trials wait in memory until the study's data base can be written to");
}

/* A new last entry of the queue. */
static struct op *push(struct engine *en, enum op_kind kind, int trial, enum urgency u)
{
    struct writer *w = en->writer;
    if (w->backoff_ns > 0 && !w->held && w->n - w->pictures >= ROWS_MOST) {
        hold(en);
    }
    if (w->n == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 64;
        w->op = xreallocarray(w->op, w->cap, sizeof *w->op);
    }
    struct op *o = &w->op[w->n++];
    *o = (struct op){.kind = kind, .trial = trial};
    arm(en, u);
    return o;
}

void write_trial(struct engine *en, struct run *r)
{
    struct op *o = push(en, OP_TRIAL, r->number, WRITE_SOON);
    o->phase = r->phase;
    point_copy(&o->u.point, &r->point);
}

void write_phase(struct engine *en, const struct run *r, double value, const char *reason)
{
    struct op *o = push(en, OP_PHASE, r->number, WRITE_SOON);
    o->phase = r->phase;
    o->value = value;
    o->text = reason && *reason ? xstrdup(reason) : NULL;
}

void write_device(struct engine *en, const struct run *r, const char *device)
{
    struct op *o = push(en, OP_DEVICE, r->number, WRITE_SOON);
    o->number = r->attempts;
    o->text = xstrdup(device);
}

void write_epoch(struct engine *en, const struct epoch_row *row)
{
    push(en, OP_EPOCH, row->trial, WRITE_LATER)->u.row = *row;
}

void write_snapshot(struct engine *en, struct snapshot *s)
{
    if (en->writer->pictures >= PICTURES_MOST) {
        snapshot_release(s);
        return;
    }
    en->writer->pictures++;
    push(en, OP_SNAPSHOT, s->trial, WRITE_LATER)->u.snapshot = *s;
}

void write_edit(struct engine *en, int number, enum knob k, const char *value, int64_t step)
{
    struct op *o = push(en, OP_EDIT, number, WRITE_SOON);
    o->number = k;
    o->text = xstrdup(value);
    o->step = step;
}

void write_kept(struct engine *en, int number, bool kept)
{
    push(en, OP_KEPT, number, WRITE_SOON)->flag = kept;
}

void write_fact(struct engine *en, const char *key, const char *value)
{
    struct op *o = push(en, OP_FACT, -1, WRITE_SOON);
    o->key = xstrdup(key);
    o->text = xstrdup(value);
}

void write_slice(struct engine *en, const struct device_row *row)
{
    struct writer *w = en->writer;
    for (size_t i = w->n; i-- > 0;) { /* the newest state is enough */
        if (w->op[i].kind == OP_SLICE && w->op[i].u.device.index == row->index) {
            w->op[i].u.device = *row;
            return;
        }
    }
    push(en, OP_SLICE, -1, WRITE_LATER)->u.device = *row;
}

void write_suggestion(struct engine *en, struct suggestion *made)
{
    push(en, OP_SUGGESTION, (int)made->number, WRITE_SOON)->u.made = *made;
}

void write_ended(struct engine *en, int number)
{
    (void)push(en, OP_ENDED, number, WRITE_SOON);
}

void write_card(struct engine *en, const struct card_row *row)
{
    struct writer *w = en->writer;
    for (size_t i = w->n; i-- > 0;) {
        if (w->op[i].kind == OP_CARD && w->op[i].u.card.index == row->index) {
            w->op[i].u.card = *row;
            return;
        }
    }
    push(en, OP_CARD, -1, WRITE_LATER)->u.card = *row;
}

void write_cards_drop(struct engine *en, int from)
{
    push(en, OP_CARDS_DROP, -1, WRITE_LATER)->number = from;
}

void write_log(struct engine *en, int trial, const char *text)
{
    push(en, OP_LOG, trial, WRITE_LATER)->text = xstrdup(text);
}

void write_rerun(struct engine *en, int number, int of)
{
    push(en, OP_RERUN, number, WRITE_SOON)->number = of;
}

void write_note(struct engine *en, const struct trial_note *note)
{
    push(en, OP_NOTE, note->trial, WRITE_LATER)->u.note = *note;
}

void write_progress(struct engine *en)
{
    arm(en, WRITE_LATER);
}

/* --- committing */

static enum err_code apply(struct engine *en, const struct op *o, struct err *e)
{
    struct store *s = en->store;
    int number = o->trial;
    enum err_code rc;
    switch (o->kind) {
    case OP_TRIAL:
        rc = store_trial_new(s, &number, &en->preset, &o->u.point, o->phase, e);
        if (!rc && number != o->trial) {
            /* Another program was faster with that number: see commit(). */
            en->writer->clash = true;
            rc = err_set(e, ERR_BUSY, "trial %d would be number %d", o->trial, number);
        }
        return rc;
    case OP_PHASE:
        return store_trial_phase(s, number, o->phase, o->value, o->text ? o->text : "", e);
    case OP_DEVICE:
        return store_trial_device(s, number, o->text, o->number, e);
    case OP_EPOCH:
        return store_epoch(s, &o->u.row, e);
    case OP_SNAPSHOT:
        if (store_snapshot(s, &o->u.snapshot, e)) {
            log_warn("a picture is lost: %s", e->text); /* the rest must not wait for it */
        }
        return ERR_OK;
    case OP_EDIT:
        return store_edit(s, number, (enum knob)o->number, o->text, o->step, e);
    case OP_KEPT:
        return store_trial_kept(s, number, o->flag, e);
    case OP_FACT:
        return store_fact_set(s, o->key, o->text, e);
    case OP_SLICE:
        return store_device(s, &o->u.device, e);
    case OP_CARD:
        return store_card(s, &o->u.card, e);
    case OP_CARDS_DROP:
        return store_cards_drop(s, o->number, e);
    case OP_LOG:
        return store_log(s, number, o->text, e);
    case OP_SUGGESTION:
        return store_suggestion(s, &o->u.made, e);
    case OP_RERUN:
        return store_rerun(s, number, o->number, e);
    case OP_NOTE:
        return store_note(s, &o->u.note, e);
    case OP_ENDED:
        return store_ended(s, number, e);
    }
    return ERR_OK;
}

/* Only what the store cannot do now is an error: an entry it calls wrong in itself would be wrong for ever and is left
 * out, with a line in the log. */
static enum err_code harmless(enum err_code rc, const struct err *e)
{
    if (rc == ERR_USAGE || rc == ERR_NOTFOUND) {
        log_error("a write was refused: %s", e->text);
        return ERR_OK;
    }
    return rc;
}

static enum err_code apply_progress(struct engine *en, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (size_t i = en->first_open; !rc && i < en->n_runs; i++) {
        const struct run *r = &en->run[i];
        if (r->progress_new && r->stored && !run_final(r)) {
            rc = harmless(store_progress(en->store, r->number, r->step, r->steps, r->epochs, r->images_per_s, e), e);
        }
    }
    return rc;
}

void writer_forget(struct engine *en, int trial)
{
    struct writer *w = en->writer;
    size_t kept = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->op[i].trial == trial && trial >= 0) {
            w->pictures -= w->op[i].kind == OP_SNAPSHOT;
            op_release(&w->op[i]);
        } else {
            w->op[kept++] = w->op[i];
        }
    }
    w->n = kept;
}

/* While the disk is full: what no one was told yet, and what is trained again when it is lost. */
static bool can_wait(const struct engine *en, const struct op *o)
{
    switch (o->kind) {
    case OP_EPOCH:
        return !run_final(&en->run[o->trial]);
    case OP_SNAPSHOT:
    case OP_SLICE:
    case OP_LOG:
        return true;
    default:
        return false;
    }
}

static bool goes_now(const struct engine *en, const struct op *o)
{
    return !en->writer->full || !can_wait(en, o);
}

/* One transaction with all that goes now. */
static enum err_code commit_once(struct engine *en, struct err *e)
{
    struct writer *w = en->writer;
    enum err_code rc = store_begin(en->store, e);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; !rc && i < w->n; i++) {
        if (goes_now(en, &w->op[i])) {
            rc = harmless(apply(en, &w->op[i], e), e);
        }
    }
    if (!rc && !w->full) {
        rc = apply_progress(en, e);
    }
    if (!rc) {
        rc = store_commit(en->store, e);
    }
    if (rc) {
        store_rollback(en->store);
    }
    return rc;
}

/* A number that another program took meanwhile is given up, with what waits for it, and the rest goes. */
static enum err_code commit(struct engine *en, struct err *e)
{
    en->writer->clash = false;
    enum err_code rc = commit_once(en, e);
    if (rc && en->writer->clash) {
        foreign_take_in(en);
        en->writer->clash = false;
        rc = commit_once(en, e);
    }
    return rc;
}

static void applied(struct engine *en, struct op *o)
{
    if (o->kind == OP_TRIAL) {
        en->run[o->trial].stored = true;
    }
    if (o->kind == OP_KEPT && !o->flag) { /* not before: the store's word must never lack its file */
        forget_weights(en, &en->run[o->trial]);
    }
    if (o->kind == OP_SNAPSHOT) {
        en->writer->pictures--;
    }
    op_release(o);
}

static void committed(struct engine *en)
{
    struct writer *w = en->writer;
    size_t kept = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (goes_now(en, &w->op[i])) {
            applied(en, &w->op[i]);
        } else {
            w->op[kept++] = w->op[i];
        }
    }
    w->n = kept;
    for (size_t i = en->first_open; !w->full && i < en->n_runs; i++) {
        en->run[i].progress_new = false;
    }
    links_committed(en);
}

/* --- a store that refuses */

static char *reserve_path(const struct engine *en)
{
    return fs_join(en->dir, STUDY_RESERVE);
}

/* False: there is no room for it. */
static bool reserve_make(struct engine *en, struct err *e)
{
    char *path = reserve_path(en);
    enum err_code rc = fs_reserve(path, RESERVE_BYTES, e);
    free(path);
    if (rc && rc != ERR_FULL) {
        log_warn("%s", e->text); /* it does not keep the store from being tried */
    }
    return rc != ERR_FULL;
}

static void reserve_free(struct engine *en)
{
    char *path = reserve_path(en);
    (void)unlink(path);
    free(path);
}

static void say_refused(struct engine *en)
{
    const struct writer *w = en->writer;
    if (w->full) {
        (void)snprintf(en->store_banner, sizeof en->store_banner, "disk full: %s; free %d MiB and all goes on (%.300s)",
                       w->held ? "trials wait in memory" : "trials go on in memory, none starts",
                       (int)(2 * RESERVE_BYTES >> 20), en->dir);
    } else {
        (void)snprintf(en->store_banner, sizeof en->store_banner, "not saved yet, %stried again by itself: %.400s",
                       w->held ? "trials wait in memory, " : "", w->why);
    }
    engine_banner(en);
}

static void recovered(struct engine *en)
{
    struct writer *w = en->writer;
    bool held = w->held;
    w->backoff_ns = 0;
    w->held = false;
    en->store_banner[0] = '\0';
    engine_banner(en);
    engine_log(en, -1, "the study's data base is written to again%s", held ? "; the trials go on" : "");
    if (held) {
        slices_hold(en);
    }
}

/* Says so and comes back later. */
static void refused(struct engine *en, const struct err *e)
{
    struct writer *w = en->writer;
    int64_t now = clock_mono_ns();
    if (w->backoff_ns == 0) {
        log_error("store: %s", e->text);
    }
    if (now >= w->retry_ns) {
        w->backoff_ns = w->backoff_ns == 0 ? SECOND_NS : 2 * w->backoff_ns;
        if (w->backoff_ns > BACKOFF_MOST_NS) {
            w->backoff_ns = BACKOFF_MOST_NS;
        }
        w->retry_ns = now + w->backoff_ns;
    }
    (void)str_copy(w->why, sizeof w->why, e->text);
    if (!w->held && w->n - w->pictures >= ROWS_MOST) {
        hold(en);
    }
    say_refused(en);
}

/* The first time that there is no room: the reserve makes some for what cannot wait. */
static enum err_code use_reserve(struct engine *en)
{
    struct err e;
    en->writer->full = true;
    reserve_free(en);
    return commit(en, &e);
}

bool writer_flush(struct engine *en)
{
    struct writer *w = en->writer;
    struct err e = {0};
    bool again = w->full && clock_mono_ns() >= w->retry_ns;
    loop_timer_cancel(en->loop, w->timer);
    w->timer = 0;
    if (again) {
        w->full = !reserve_make(en, &e);
    }
    enum err_code rc = commit(en, &e);
    bool stored = !rc || (rc == ERR_FULL && !w->full && !use_reserve(en));
    if (stored) {
        committed(en);
    }
    if (!rc && !w->full) {
        w->soon = false;
        if (w->backoff_ns > 0) {
            recovered(en);
        }
        return true;
    }
    if (rc || again) {
        refused(en, &e);
    }
    loop_timer_cancel(en->loop, w->timer); /* a line in the log may have set it */
    w->timer = loop_timer(en->loop, w->retry_ns - clock_mono_ns(), on_timer, en);
    w->soon = !w->full; /* full: states still go at once */
    return stored;
}

void writer_start(struct engine *en)
{
    struct err e;
    en->writer->full = !reserve_make(en, &e);
}

void writer_end(struct engine *en)
{
    reserve_free(en);
}
