#include "lanes.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"

#define QUEUE_SMALL ((size_t)1 << 20)
#define RETRY_NS 5000000000
#define TRIES_MOST 12 /* a minute of a disk that fails; then an ended trial is reported without its weights */

void lanes_flush(struct lanes *l)
{
    if (conn_queued(l->conn) > QUEUE_SMALL && !conn_drain(l->conn, -1)) {
        _exit(0); /* the engine is gone, and with it every reason to go on */
    }
}

void lanes_log(struct lanes *l, int trial, const char *fmt, ...)
{
    char text[240];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    log_info("%s", text);
    (void)send_logline(l->conn, &(struct m_logline){trial, text});
}

static struct lane *find_lane(struct lanes *l, int trial, struct pack **pack)
{
    for (size_t i = 0; i < l->n_packs; i++) {
        for (size_t j = 0; j < l->pack[i]->n; j++) {
            if (l->pack[i]->lane[j].trial == trial) {
                *pack = l->pack[i];
                return &l->pack[i]->lane[j];
            }
        }
    }
    return NULL;
}

static void lane_release(struct lane *lane)
{
    for (size_t i = 0; i < lane->n_edits; i++) {
        free(lane->edit[i].value);
    }
    free(lane->edit);
    free(lane->checkpoint);
}

static void pack_free(struct pack *p)
{
    if (p) {
        for (size_t i = 0; i < p->n; i++) {
            lane_release(&p->lane[i]);
        }
        trainer_free(p->trainer);
        free(p->lane);
        free(p);
    }
}

static void remove_lane(struct pack *p, struct lane *lane)
{
    size_t i = (size_t)(lane - p->lane);
    trainer_remove(p->trainer, lane->handle);
    lane_release(lane);
    p->n--;
    memmove(lane, lane + 1, (p->n - i) * sizeof *lane);
}

static void drop_empty_packs(struct lanes *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->n_packs; i++) {
        if (l->pack[i]->n == 0) {
            pack_free(l->pack[i]);
        } else {
            l->pack[kept++] = l->pack[i];
        }
    }
    l->n_packs = kept;
}

/* --- assigning */

static void refuse(struct lanes *l, int trial, const struct err *e)
{
    log_warn("trial %d refused: %s", trial, e->text);
    char text[sizeof e->text];
    (void)str_copy(text, sizeof text, e->text);
    (void)send_refused(l->conn, &(struct m_refused){trial, e->code, text});
}

/* The pack a plan belongs to, made when there is none. */
static enum err_code pack_for(struct pack **out, struct lanes *l, const struct plan *plan, struct err *e)
{
    uint64_t key = plan_pack_key(plan, l->data.hash);
    for (size_t i = 0; i < l->n_packs; i++) {
        if (l->pack[i]->key == key) {
            *out = l->pack[i];
            return ERR_OK;
        }
    }
    struct pack *p = xcalloc(1, sizeof *p);
    p->key = key;
    p->plan = *plan;
    enum err_code rc = trainer_new(&p->trainer, l->dev, l->shared, &p->plan, e);
    if (rc) {
        pack_free(p);
        return rc;
    }
    l->pack = xreallocarray(l->pack, l->n_packs + 1, sizeof(struct pack *));
    l->pack[l->n_packs++] = p;
    *out = p;
    return ERR_OK;
}

/* Continues from the checkpoint, else from the one before it, else from the beginning. */
static enum err_code add_resumed(struct lanes *l, struct pack *p, int *handle, struct lane_spec *s, struct err *e)
{
    const char *newest = s->resume;
    char *previous = newest ? xasprintf("%s.prev", newest) : NULL;
    enum err_code rc = trainer_add(p->trainer, handle, s, e);
    if (newest && (rc == ERR_DATA || rc == ERR_NOTFOUND)) {
        lanes_log(l, s->trial, "checkpoint not usable: %s", e->text);
        s->resume = fs_exists(previous) ? previous : NULL;
        rc = trainer_add(p->trainer, handle, s, e);
        if (s->resume && (rc == ERR_DATA || rc == ERR_NOTFOUND)) {
            lanes_log(l, s->trial, "previous checkpoint not usable: %s", e->text);
            s->resume = NULL;
            rc = trainer_add(p->trainer, handle, s, e);
        }
        if (rc == ERR_OK && !s->resume) {
            lanes_log(l, s->trial, "starts again from its beginning");
        }
    }
    s->resume = newest;
    free(previous);
    return rc;
}

static enum err_code assign(struct lanes *l, const struct m_assign *m, struct config *config, struct err *e)
{
    struct net net;
    struct plan plan;
    struct pack *p;
    struct pack *other;
    int handle;
    if (find_lane(l, (int)m->trial, &other)) {
        return err_set(e, ERR_PROTO, "trial %d runs here already", (int)m->trial);
    }
    enum err_code rc = config_parse(config, m->config, e);
    if (!rc) {
        rc = net_from_config(&net, config, l->data.dim, e);
    }
    if (!rc) {
        rc = trainer_plan(&plan, l->dev, &net, e);
        if (!rc && net_batch_stats(&net) && device_is_cpu(l->dev)) {
            log_info("trial %d: its loss needs sums over the batch, so it runs the plain plan and not the chain, slower",
                     (int)m->trial);
        }
    }
    if (!rc) {
        rc = pack_for(&p, l, &plan, e);
    }
    if (rc) {
        return rc;
    }
    struct lane_spec s = {.trial = (int)m->trial, .study_seed = (uint64_t)m->seed, .config = config,
                          .resume = *m->resume ? m->resume : NULL, .stored_epoch = (int)m->stored_epoch,
                          .until = (int)m->until};
    rc = add_resumed(l, p, &handle, &s, e);
    if (rc) {
        return rc;
    }
    struct lane_status at;
    trainer_status(p->trainer, handle, &at);
    if (at.inexact) {
        lanes_log(l, s.trial, "goes on from step %lld on another device or driver: no longer exact, its numbers differ "
                  "from those without the break", (long long)at.step);
    }
    p->lane = xreallocarray(p->lane, p->n + 1, sizeof *p->lane);
    p->lane[p->n++] = (struct lane){.trial = s.trial, .handle = handle, .checkpoint = xstrdup(m->checkpoint),
                                    .value = (double)NAN};
    return ERR_OK;
}

void lanes_assign(struct lanes *l, const struct m_assign *m)
{
    struct err e = {0};
    struct config config;
    config_init(&config);
    if (assign(l, m, &config, &e)) {
        refuse(l, (int)m->trial, &e);
        drop_empty_packs(l);
    }
    config_release(&config);
}

/* --- edits */

static void edit_now(struct lanes *l, struct pack *p, struct lane *lane, const struct m_edit *m)
{
    struct err e = {0};
    int64_t at = 0;
    enum err_code rc = trainer_edit(p->trainer, lane->handle, (enum knob)m->knob, m->value, &at, &e);
    char text[sizeof e.text];
    (void)str_copy(text, sizeof text, rc ? e.text : "");
    if (m->at_step == 0) {
        (void)send_edited(l->conn, &(struct m_edited){m->trial, m->knob, m->value, at, rc == ERR_OK, text});
    } else if (rc) {
        lanes_log(l, lane->trial, "earlier edit %s=%s not repeated: %s", knob_info((enum knob)m->knob)->full, m->value,
                  text);
    }
}

void lanes_edit(struct lanes *l, const struct m_edit *m)
{
    struct pack *p;
    struct lane *lane = find_lane(l, (int)m->trial, &p);
    if (!lane || m->knob < 0 || m->knob >= KNOB_COUNT) {
        char text[] = "the trial has just left the device";
        (void)send_edited(l->conn, &(struct m_edited){m->trial, m->knob, m->value, 0, 0, text});
        return;
    }
    struct lane_status st;
    trainer_status(p->trainer, lane->handle, &st);
    if (m->at_step <= st.step) {
        edit_now(l, p, lane, m);
        return;
    }
    lane->edit = xreallocarray(lane->edit, lane->n_edits + 1, sizeof *lane->edit);
    lane->edit[lane->n_edits++] = (struct late_edit){(enum knob)m->knob, xstrdup(m->value), m->at_step};
}

static void late_edits(struct lanes *l, struct pack *p, struct lane *lane)
{
    struct lane_status st;
    if (lane->n_edits == 0) {
        return;
    }
    trainer_status(p->trainer, lane->handle, &st);
    size_t kept = 0;
    for (size_t i = 0; i < lane->n_edits; i++) {
        struct late_edit *d = &lane->edit[i];
        if (d->at_step > st.step) {
            lane->edit[kept++] = *d;
            continue;
        }
        edit_now(l, p, lane, &(struct m_edit){lane->trial, d->knob, d->value, d->at_step});
        free(d->value);
    }
    lane->n_edits = kept;
}

/* --- leaving */

/* False when it could not be written: then the lane stays as it is and tries again later. */
static bool checkpoint(struct lanes *l, struct pack *p, struct lane *lane)
{
    struct err e = {0};
    if (clock_mono_ns() < lane->retry_ns) {
        return false;
    }
    if (trainer_checkpoint(p->trainer, lane->handle, lane->checkpoint, &e)) {
        if (lane->tries == 0) {
            lanes_log(l, lane->trial, "checkpoint not written, tried again every 5 s: %s", e.text);
            (void)send_unsaved(l->conn, &(struct m_unsaved){lane->trial, e.code, e.text});
        }
        lane->tries++;
        lane->disk_full = e.code == ERR_FULL;
        lane->retry_ns = clock_mono_ns() + RETRY_NS;
        return false;
    }
    struct lane_status st;
    trainer_status(p->trainer, lane->handle, &st);
    lane->tries = 0;
    lane->retry_ns = 0;
    (void)send_checkpointed(l->conn, &(struct m_checkpointed){lane->trial, st.epoch, st.step});
    return true;
}

static void say_left(struct lanes *l, int trial, enum left_why why, bool wanted, bool checkpointed)
{
    char text[80];
    (void)str_copy(text, sizeof text, wanted && !checkpointed ? "its checkpoint could not be written" : "");
    (void)send_left(l->conn, &(struct m_left){trial, why, checkpointed, text});
}

/* Removes the lane if it may go now. True: the lane is gone. */
static bool settle_lane(struct lanes *l, struct pack *p, struct lane *lane)
{
    bool stop = lane->leave == LEAVE_STOP || (lane->leave == LEAVE_STOP_EPOCH && (lane->epoch_ended || lane->held));
    if (lane->diverged) {
        (void)send_diverged(l->conn, &(struct m_diverged){lane->trial, lane->text});
    } else if (lane->done || stop) {
        bool kept = checkpoint(l, p, lane);
        bool wait = lane->tries < TRIES_MOST || (lane->done && lane->disk_full); /* room comes back; EIO stays */
        if (!kept && wait) {
            return false;
        }
        if (lane->done) {
            (void)send_done(l->conn, &(struct m_done){lane->trial, lane->value});
        } else {
            say_left(l, lane->trial, LEFT_STOPPED, true, kept);
        }
    } else if (lane->leave == LEAVE_PAUSE && checkpoint(l, p, lane)) {
        say_left(l, lane->trial, LEFT_PAUSED, true, true);
    } else {
        return false;
    }
    remove_lane(p, lane);
    return true;
}

void lanes_settle(struct lanes *l)
{
    for (size_t i = 0; i < l->n_packs; i++) {
        struct pack *p = l->pack[i];
        for (size_t j = 0; j < p->n;) {
            j += settle_lane(l, p, &p->lane[j]) ? 0 : 1;
        }
    }
    drop_empty_packs(l);
    lanes_flush(l);
}

void lanes_leave(struct lanes *l, int trial, enum leave how)
{
    struct pack *p;
    struct lane *lane = find_lane(l, trial, &p);
    if (lane) { /* else it left by itself a moment ago, and the engine is about to read so */
        lane->leave = how;
    }
}

void lanes_quit(struct lanes *l, bool with_checkpoint)
{
    lanes_settle(l);
    for (size_t i = 0; i < l->n_packs; i++) {
        struct pack *p = l->pack[i];
        while (p->n > 0) {
            struct lane *lane = &p->lane[0];
            lane->retry_ns = 0;
            bool kept = with_checkpoint && checkpoint(l, p, lane);
            say_left(l, lane->trial, LEFT_QUIT, with_checkpoint, kept);
            remove_lane(p, lane);
        }
    }
    drop_empty_packs(l);
}

/* --- chunks */

struct chunk {
    struct lanes *l;
    struct pack *p;
};

static void on_event(void *arg, struct trainer_event *ev)
{
    struct chunk *c = arg;
    struct lane *lane = NULL;
    for (size_t i = 0; i < c->p->n && !lane; i++) {
        lane = c->p->lane[i].handle == ev->lane ? &c->p->lane[i] : NULL;
    }
    assert(lane);
    switch (ev->kind) {
    case EVENT_EPOCH:
        lane->epoch_ended = true;
        (void)send_epoch(c->l->conn, &ev->row);
        break;
    case EVENT_SNAPSHOT:
        (void)send_snapshot(c->l->conn, &ev->snapshot);
        snapshot_release(&ev->snapshot);
        break;
    case EVENT_HELD:
        lane->held = true;
        lane->leave = lane->leave == LEAVE_NOT ? LEAVE_PAUSE : lane->leave;
        break;
    case EVENT_NOTE:
        log_info("trial %d, epoch %d: %s", ev->trial, ev->note.epoch, ev->note.text);
        (void)send_note(c->l->conn, &(struct m_note){ev->trial, ev->note.epoch, ev->note.kind, ev->note.text});
        break;
    case EVENT_DONE:
        lane->done = true;
        lane->value = ev->value;
        break;
    case EVENT_DIVERGED:
        lane->diverged = true;
        (void)str_copy(lane->text, sizeof lane->text, ev->text);
        break;
    }
    lanes_flush(c->l);
}

static void send_lane_progress(struct lanes *l, struct pack *p, struct lane *lane)
{
    struct lane_status st;
    trainer_status(p->trainer, lane->handle, &st);
    (void)send_progress(l->conn, &(struct m_progress){lane->trial, st.step, st.steps, st.epochs, st.images_per_s});
}

enum err_code lanes_chunk(struct lanes *l, size_t pack, struct err *e)
{
    struct pack *p = l->pack[pack];
    struct chunk c = {l, p};
    for (size_t i = 0; i < p->n; i++) {
        p->lane[i].epoch_ended = false;
        if (!p->lane[i].started) {
            p->lane[i].started = true;
            send_lane_progress(l, p, &p->lane[i]);
        }
    }
    enum err_code rc = trainer_chunk(p->trainer, on_event, &c, e);
    if (rc) {
        return rc;
    }
    int sharing = 0;
    for (size_t i = 0; i < l->n_packs; i++) {
        sharing += (int)l->pack[i]->n;
    }
    for (size_t i = 0; i < p->n; i++) {
        struct lane *lane = &p->lane[i];
        if (!lane->done && !lane->diverged) {
            late_edits(l, p, lane);
            if (lane->leave == LEAVE_NOT && trainer_checkpoint_due(p->trainer, lane->handle, sharing)) {
                (void)checkpoint(l, p, lane);
            }
        }
    }
    return ERR_OK;
}

void lanes_progress(struct lanes *l)
{
    for (size_t i = 0; i < l->n_packs; i++) {
        for (size_t j = 0; j < l->pack[i]->n; j++) {
            send_lane_progress(l, l->pack[i], &l->pack[i]->lane[j]);
        }
    }
    lanes_flush(l);
}

bool lanes_runnable(const struct pack *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!p->lane[i].done && !p->lane[i].diverged && !p->lane[i].held) {
            return true;
        }
    }
    return false;
}

void lanes_release(struct lanes *l)
{
    for (size_t i = 0; i < l->n_packs; i++) {
        pack_free(l->pack[i]);
    }
    free(l->pack);
    trainer_data_free(l->shared);
    split_release(&l->split);
    dataset_release(&l->data);
    device_close(l->dev);
    conn_free(l->conn);
}
