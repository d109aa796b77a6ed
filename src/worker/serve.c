#include "vaetop/worker/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include "lanes.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/log.h"
#include "vaetop/device/readings.h"
#include "vaetop/model/selftest.h"

#define PROGRESS_NS 500000000
#define STATUS_NS 1000000000
#define RETRY_MS 1000

struct serve {
    struct lanes lanes;
    bool quitting, checkpoint;
    bool held; /* trials wait in memory */
    int64_t progress_ns, status_ns; /* when the last one went out */
    struct meter *meter;
    struct readings readings;
    int64_t readings_ns; /* when they were taken: asking a driver takes its time */
};

/* The data set, read by a thread of its own while the driver opens and builds: each takes about as long as the other. */
struct reading {
    struct lanes *lanes;
    const char *settings;
    struct err e;
};

static int read_data(void *what)
{
    struct reading *r = what;
    struct lanes *l = r->lanes;
    struct config config;
    config_init(&config);
    enum err_code rc = config_parse(&config, r->settings, &r->e);
    rc = rc ? rc : dataset_load(&l->data, &config, &r->e);
    rc = rc ? rc : split_make(&l->split, &config, l->data.n, &r->e);
    config_release(&config);
    return (int)rc;
}

static enum err_code open_device(struct lanes *l, const struct m_open *m, struct err *e)
{
    struct reading reading = {.lanes = l, .settings = m->data};
    thrd_t reader;
    int read = ERR_OK;
    device_environment();
    const bool apart = thrd_create(&reader, read_data, &reading) == thrd_success;
    enum err_code rc = device_open(&l->dev, (int)m->platform, (int)m->device, *m->log_dir ? m->log_dir : NULL, e);
    if (!rc) {
        device_share_memory(l->dev, (int)m->among);
        rc = selftest_start(l->dev, false, NULL, e);
    }
    if (apart) {
        (void)thrd_join(reader, &read);
    } else {
        read = read_data(&reading);
    }
    if (!rc && read) {
        *e = reading.e;
        rc = (enum err_code)read;
    }
    return rc ? rc : trainer_data_new(&l->shared, l->dev, &l->data, &l->split, e);
}

/* The first message must be OPEN. */
static enum err_code start(struct serve *s, struct err *e)
{
    uint16_t type;
    struct msg_reader r;
    struct m_open m;
    enum conn_result got = conn_wait(s->lanes.conn, &type, &r, -1);
    if (got == CONN_CLOSED) {
        _exit(0);
    }
    if (got != CONN_FRAME || type != MESSAGE_OPEN || !read_open(&m, &r)) {
        return err_set(e, ERR_PROTO, "the engine's first message is not OPEN");
    }
    enum err_code rc = open_device(&s->lanes, &m, e);
    free_open(&m);
    if (rc) {
        return rc;
    }
    const struct device_info *info = device_info(s->lanes.dev);
    char name[sizeof info->name];
    char kind[sizeof info->type];
    char pci[32];
    s->meter = meter_new(device_pci_address(pci, sizeof pci, s->lanes.dev), NULL);
    memcpy(name, info->name, sizeof name);
    memcpy(kind, info->type, sizeof kind);
    (void)send_ready(s->lanes.conn, &(struct m_ready){name, kind, (int64_t)device_budget(s->lanes.dev)});
    return ERR_OK;
}

static bool obey(struct serve *s, uint16_t type, struct msg_reader *r)
{
    struct m_assign assign;
    struct m_pause pause;
    struct m_stop stop;
    struct m_edit edit;
    struct m_quit quit;
    struct m_hold hold;
    switch (type) {
    case MESSAGE_ASSIGN:
        if (!read_assign(&assign, r)) {
            return false;
        }
        lanes_assign(&s->lanes, &assign);
        free_assign(&assign);
        return true;
    case MESSAGE_PAUSE:
        if (!read_pause(&pause, r)) {
            return false;
        }
        lanes_leave(&s->lanes, (int)pause.trial, LEAVE_PAUSE);
        return true;
    case MESSAGE_STOP:
        if (!read_stop(&stop, r)) {
            return false;
        }
        lanes_leave(&s->lanes, (int)stop.trial, stop.after_epoch ? LEAVE_STOP_EPOCH : LEAVE_STOP);
        return true;
    case MESSAGE_EDIT:
        if (!read_edit(&edit, r)) {
            return false;
        }
        lanes_edit(&s->lanes, &edit);
        free_edit(&edit);
        return true;
    case MESSAGE_QUIT:
        if (!read_quit(&quit, r)) {
            return false;
        }
        s->quitting = true;
        s->checkpoint = quit.checkpoint != 0;
        return true;
    case MESSAGE_HOLD:
        if (!read_hold(&hold, r)) {
            return false;
        }
        s->held = hold.hold != 0;
        return true;
    default:
        return false;
    }
}

/* All commands that wait; with timeout_ms the first may take that long (-1: for ever). */
static enum err_code read_commands(struct serve *s, int timeout_ms, struct err *e)
{
    uint16_t type;
    struct msg_reader r;
    enum conn_result got = conn_wait(s->lanes.conn, &type, &r, timeout_ms);
    for (; got == CONN_FRAME; got = conn_next(s->lanes.conn, &type, &r)) {
        if (!obey(s, type, &r)) {
            return err_set(e, ERR_PROTO, "message %d from the engine is not one a worker knows", type);
        }
    }
    if (got == CONN_CLOSED) {
        /* At once and without tidying up: trials continue from their checkpoints under the next engine, which waits
         * for this process to be gone. */
        _exit(0);
    }
    return got == CONN_BAD ? err_set(e, ERR_PROTO, "the engine broke the protocol") : ERR_OK;
}

static void report(struct serve *s)
{
    int64_t now = clock_mono_ns();
    if (now - s->progress_ns >= PROGRESS_NS) {
        s->progress_ns = now;
        lanes_progress(&s->lanes);
    }
    if (now - s->status_ns >= STATUS_NS || s->lanes.n_packs == 0) {
        s->status_ns = now;
        if (s->readings_ns == 0 || now - s->readings_ns >= STATUS_NS) {
            s->readings_ns = now;
            s->readings = meter_read(s->meter);
        }
        (void)send_status(s->lanes.conn, &(struct m_status){(int64_t)device_bytes_in_use(s->lanes.dev),
                                                             device_busy(s->lanes.dev), s->readings.temperature_c,
                                                             s->readings.power_w, s->readings.load});
    }
}

/* -1: nothing will happen before a command; 0: there is work; else when a full disk is tried again. */
static int patience(const struct serve *s)
{
    const struct lanes *l = &s->lanes;
    for (size_t i = 0; !s->held && i < l->n_packs; i++) {
        if (lanes_runnable(l->pack[i])) {
            return 0;
        }
    }
    return l->n_packs > 0 ? RETRY_MS : -1;
}

/* One chunk for each pack in turn, commands in between. */
static enum err_code run(struct serve *s, struct err *e)
{
    struct lanes *l = &s->lanes;
    while (!s->quitting) {
        enum err_code rc = read_commands(s, patience(s), e);
        for (size_t i = 0; !rc && !s->quitting && !s->held && i < l->n_packs; i++) {
            size_t packs = l->n_packs;
            if (lanes_runnable(l->pack[i])) {
                rc = lanes_chunk(l, i, e);
            }
            if (!rc) {
                lanes_settle(l);
                rc = read_commands(s, 0, e);
            }
            if (l->n_packs < packs) {
                i--; /* that pack emptied: another took its place */
            }
        }
        if (rc) {
            return rc;
        }
        lanes_settle(l);
        report(s);
    }
    lanes_quit(l, s->checkpoint);
    return ERR_OK;
}

int worker_serve(int fd)
{
    struct serve s = {0};
    struct err e = {0};
    /* A terminal's signals are for the screens; the engine decides about workers. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on files is a full disk */
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    log_open(STDERR_FILENO, "worker", LOG_INFO);
    s.lanes.conn = conn_new(fd);
    enum err_code rc = start(&s, &e);
    if (!rc) {
        rc = run(&s, &e);
    }
    if (rc) {
        char text[sizeof e.text];
        (void)str_copy(text, sizeof text, e.text);
        log_error("%s", text);
        (void)send_fault(s.lanes.conn, &(struct m_fault){rc, text});
        (void)conn_drain(s.lanes.conn, 5000);
        _exit(1); /* a driver that has failed is not asked to tidy up */
    }
    (void)conn_drain(s.lanes.conn, 5000);
    lanes_release(&s.lanes);
    meter_free(s.meter);
    return 0;
}
