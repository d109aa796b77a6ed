/* A worker and an advisor without OpenCL and without samplers: losses by formula, behaviour by files in the folder
 * FAKE_CONTROL (T trial, E epoch):
 *   hold-T-E     trial T does not go past epoch E        nosave-T  trial T writes no checkpoint by itself
 *   die-T-E      aborts after epoch E of trial T         nan-T     trial T diverges after its first epoch
 *   big-T        trial T does not fit beside others      huge-T    trial T does not fit at all
 *   bad-T        trial T cannot be built                 broken    the worker cannot open its device
 *   two          there are two devices                   broken-D  the worker of device D cannot open it
 *   unfit        the self-test fails                     deaf-T    trial T does not hear pause and stop
 *   gone         the probe for devices is killed         kl-T-K    K nats of the loss of trial T are KL, else 10
 *   flat-T-E     its losses stand still after epoch E  slain-N    one more worker is killed before it is ready
 *   mute-T       the advisor keeps its suggestion for trial T, and makes asked-T */
#include "rig.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/ipc/messages.h"

#define STEPS 10 /* of an epoch */
#define LANES 64

struct fake_lane {
    int trial, epoch, epochs, until, leave; /* leave: 1 pause, 2 stop, 3 stop after epoch */
    double lr;
    char *checkpoint;
    bool gone;
};
struct fake {
    struct conn *conn;
    struct fake_lane lane[LANES];
    size_t n;
    bool quit, held;
};

double rig_value(int trial, int epoch)
{
    return 100.0 + trial + 10.0 / epoch;
}

/* WORD, WORD-T (epoch -1) or WORD-T-E. */
static bool is_set(const char *word, int trial, int epoch)
{
    char name[64];
    if (epoch >= 0) {
        (void)snprintf(name, sizeof name, "%s-%d-%d", word, trial, epoch);
    } else if (trial >= 0) {
        (void)snprintf(name, sizeof name, "%s-%d", word, trial);
    } else {
        (void)snprintf(name, sizeof name, "%s", word);
    }
    char *path = fs_join(getenv("FAKE_CONTROL"), name);
    bool yes = fs_exists(path);
    free(path);
    return yes;
}

/* The least number of the files WORD-T-NUMBER; otherwise: there is none. */
static int number_of(const char *word, int trial, int otherwise)
{
    DIR *d = opendir(getenv("FAKE_CONTROL"));
    char start[32];
    size_t n = (size_t)snprintf(start, sizeof start, "%s-%d-", word, trial);
    int least = INT_MAX;
    for (const struct dirent *f = d ? readdir(d) : NULL; f; f = readdir(d)) {
        int at = strncmp(f->d_name, start, n) == 0 ? atoi(f->d_name + n) : INT_MAX;
        least = at < least ? at : least;
    }
    if (d) {
        (void)closedir(d);
    }
    return least < INT_MAX ? least : otherwise;
}

static bool held(const struct fake_lane *l)
{
    return number_of("hold", l->trial, INT_MAX) <= l->epoch;
}

static double loss_of(const struct fake_lane *l, int epoch)
{
    int flat = number_of("flat", l->trial, INT_MAX);
    return rig_value(l->trial, epoch < flat ? epoch : flat);
}

static void save(struct fake *f, struct fake_lane *l)
{
    char text[64];
    struct err e;
    (void)snprintf(text, sizeof text, "%d\n", l->epoch);
    if (!fs_write(l->checkpoint, text, strlen(text), &e)) {
        (void)send_checkpointed(f->conn, &(struct m_checkpointed){l->trial, l->epoch, (int64_t)l->epoch * STEPS});
    }
}

static void send_row(struct fake *f, const struct fake_lane *l, int epoch)
{
    struct epoch_row row = {.trial = l->trial, .epoch = epoch, .step = (int64_t)epoch * STEPS,
                            .value = loss_of(l, epoch), .val_kl = number_of("kl", l->trial, 10), .lr = l->lr, .beta = 1};
    row.val_rec = row.value - row.val_kl;
    (void)send_epoch(f->conn, &row);
}

static void refuse(struct fake *f, int trial, enum err_code code, const char *why)
{
    char text[80];
    (void)str_copy(text, sizeof text, why);
    (void)send_refused(f->conn, &(struct m_refused){trial, code, text});
}

static void on_assign(struct fake *f, const struct m_assign *m)
{
    struct config c;
    struct err e;
    int trial = (int)m->trial;
    size_t others = 0;
    for (size_t i = 0; i < f->n; i++) {
        others += !f->lane[i].gone;
    }
    if (is_set("huge", trial, -1) || (is_set("big", trial, -1) && others > 0)) {
        refuse(f, trial, ERR_DEVICE_MEM, "asked 2 GiB, limit 1 GiB");
        return;
    }
    if (is_set("bad", trial, -1)) {
        refuse(f, trial, ERR_CL_BUILD, "does not build");
        return;
    }
    config_init(&c);
    if (config_parse(&c, m->config, &e)) {
        refuse(f, trial, ERR_USAGE, e.text);
    } else if (f->n < LANES) {
        struct fake_lane *l = &f->lane[f->n++];
        char *text = NULL;
        size_t len;
        *l = (struct fake_lane){.trial = trial, .epochs = (int)config_i64(&c, KNOB_TRAIN_EPOCHS),
                                .until = (int)m->until,
                                .lr = config_f64(&c, KNOB_OPTIMIZER_LR), .checkpoint = xstrdup(m->checkpoint)};
        if (*m->resume && !fs_read(&text, &len, m->resume, 64, &e)) {
            l->epoch = atoi(text);
            free(text);
        }
        for (int i = (int)m->stored_epoch + 1; i <= l->epoch; i++) {
            send_row(f, l, i); /* what the store lacks */
        }
    }
    config_release(&c);
}

static void on_edit(struct fake *f, const struct m_edit *m)
{
    char ok[] = "";
    for (size_t i = 0; i < f->n; i++) {
        struct fake_lane *l = &f->lane[i];
        if (l->gone || l->trial != m->trial) {
            continue;
        }
        if (m->knob == KNOB_OPTIMIZER_LR) {
            l->lr = atof(m->value);
        } else if (m->knob == KNOB_TRAIN_EPOCHS) {
            l->epochs = atoi(m->value);
        }
        if (m->at_step == 0) {
            (void)send_edited(f->conn, &(struct m_edited){m->trial, m->knob, m->value, (int64_t)l->epoch * STEPS, 1, ok});
        }
    }
}

static void leave(struct fake *f, int64_t trial, int how)
{
    for (size_t i = 0; i < f->n; i++) {
        if (!f->lane[i].gone && f->lane[i].trial == trial && !is_set("deaf", (int)trial, -1)) {
            f->lane[i].leave = how;
        }
    }
}

static void go(struct fake *f, struct fake_lane *l, enum left_why why)
{
    char none[] = "";
    save(f, l);
    (void)send_left(f->conn, &(struct m_left){l->trial, why, 1, none});
    l->gone = true;
}

/* Dies as by another's hand where the control folder says so, once for each file. */
static void be_slain(void)
{
    for (int n = 9; n > 0; n--) {
        char file[16];
        (void)snprintf(file, sizeof file, "slain-%d", n);
        char *path = fs_join(getenv("FAKE_CONTROL"), file);
        if (unlink(path) == 0) {
            (void)kill(getpid(), SIGKILL);
        }
        free(path);
    }
}

static void obey(struct fake *f, uint16_t type, struct msg_reader *r)
{
    struct m_open open;
    struct m_assign assign;
    struct m_edit edit;
    struct m_pause pause;
    struct m_stop stop;
    struct m_quit quit;
    struct m_hold hold;
    if (type == MESSAGE_OPEN && read_open(&open, r)) {
        char name[] = "Fake device";
        char kind[] = "cpu";
        be_slain();
        bool broken = is_set("broken", -1, -1) || is_set("broken", (int)open.device, -1);
        free_open(&open);
        if (broken) {
            char text[] = "the device is not there";
            (void)send_fault(f->conn, &(struct m_fault){ERR_NODEVICE, text});
            (void)conn_drain(f->conn, 5000);
            exit(1);
        }
        (void)send_ready(f->conn, &(struct m_ready){name, kind, 1 << 30});
    } else if (type == MESSAGE_ASSIGN && read_assign(&assign, r)) {
        on_assign(f, &assign);
        free_assign(&assign);
    } else if (type == MESSAGE_EDIT && read_edit(&edit, r)) {
        on_edit(f, &edit);
        free_edit(&edit);
    } else if (type == MESSAGE_PAUSE && read_pause(&pause, r)) {
        leave(f, pause.trial, 1);
    } else if (type == MESSAGE_STOP && read_stop(&stop, r)) {
        leave(f, stop.trial, stop.after_epoch ? 3 : 2);
    } else if (type == MESSAGE_HOLD && read_hold(&hold, r)) {
        f->held = hold.hold != 0;
    } else if (type == MESSAGE_QUIT && read_quit(&quit, r)) {
        for (size_t i = 0; i < f->n; i++) {
            if (!f->lane[i].gone) {
                go(f, &f->lane[i], LEFT_QUIT);
            }
        }
        f->quit = true;
    } else {
        abort();
    }
}

/* True when something happened. */
static bool epoch(struct fake *f, struct fake_lane *l)
{
    if (l->leave == 1 || l->leave == 2) {
        go(f, l, l->leave == 1 ? LEFT_PAUSED : LEFT_STOPPED);
        return true;
    }
    if (l->until > 0 && l->epoch >= l->until && l->epoch < l->epochs) {
        go(f, l, LEFT_PAUSED);
        return true;
    }
    if (held(l)) {
        return false;
    }
    if (l->epoch < l->epochs) {
        l->epoch++;
        send_row(f, l, l->epoch);
        (void)send_progress(f->conn, &(struct m_progress){l->trial, (int64_t)l->epoch * STEPS, (int64_t)l->epochs * STEPS,
                                                           l->epochs, 1000});
        if (!is_set("nosave", l->trial, -1)) {
            save(f, l);
        }
        if (is_set("die", l->trial, l->epoch)) {
            (void)conn_drain(f->conn, 5000);
            abort();
        }
        if (is_set("nan", l->trial, -1)) {
            char text[] = "loss is nan at step 10", kind[] = "exploding KL", what[] = "looked bad before";
            (void)send_note(f->conn, &(struct m_note){l->trial, l->epoch, kind, what});
            (void)send_diverged(f->conn, &(struct m_diverged){l->trial, text});
            l->gone = true;
            return true;
        }
        if (l->leave == 3) {
            go(f, l, LEFT_STOPPED);
            return true;
        }
    }
    if (l->epoch >= l->epochs) {
        save(f, l);
        (void)send_done(f->conn, &(struct m_done){l->trial, loss_of(l, l->epoch)});
        l->gone = true;
    }
    return true;
}

static void fake_probe(void)
{
    if (is_set("gone", -1, -1)) {
        (void)raise(SIGKILL);
    }
    struct conn *c = conn_new(STDOUT_FILENO);
    char platform[] = "Fake platform";
    char name[] = "Fake device";
    char type[] = "cpu";
    char version[] = "OpenCL 1.2";
    char driver[] = "1";
    char none[] = "";
    (void)send_found(c, &(struct m_found){0, 0, platform, name, type, version, driver, 2, 1 << 30, 1 << 28, 32768, 1, none});
    if (is_set("two", -1, -1)) {
        char other[] = "Other device";
        (void)send_found(c, &(struct m_found){0, 1, platform, other, type, version, driver, 2, 1 << 30, 1 << 28, 32768, 1,
                                              none});
    }
    (void)send_probed(c, &(struct m_probed){none});
    (void)conn_drain(c, 5000);
    conn_free(c);
}

static void fake_self_test(void)
{
    struct conn *c = conn_new(STDOUT_FILENO);
    char bad[] = "wrong sums";
    (void)send_probed(c, &(struct m_probed){is_set("unfit", -1, -1) ? bad : bad + strlen(bad)});
    (void)conn_drain(c, 5000);
    conn_free(c);
}

int fake_worker(int argc, char **argv)
{
    struct fake f = {0};
    uint16_t type;
    struct msg_reader r;
    if (argc > 1 && strcmp(argv[1], "probe") == 0) {
        fake_probe();
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "self-test") == 0) {
        fake_self_test();
        return 0;
    }
    f.conn = conn_new(3);
    int wait_ms = -1;
    while (!f.quit) {
        enum conn_result got = conn_wait(f.conn, &type, &r, wait_ms);
        if (got == CONN_FRAME) {
            obey(&f, type, &r);
            wait_ms = 0;
            continue;
        }
        if (got != CONN_NOTHING) {
            _exit(0);
        }
        bool moved = false;
        size_t left = 0;
        for (size_t i = 0; i < f.n; i++) {
            moved |= !f.lane[i].gone && !f.held && epoch(&f, &f.lane[i]);
            left += !f.lane[i].gone;
        }
        wait_ms = left == 0 ? -1 : moved ? 0 : 5;
    }
    (void)conn_drain(f.conn, 5000);
    for (size_t i = 0; i < f.n; i++) {
        free(f.lane[i].checkpoint);
    }
    conn_free(f.conn);
    return 0;
}

static bool running[64]; /* by the advisor's lights */
static int cell_of[64];  /* of a space with choices; 0: none */

/* Failed and edited says that a number is nobody's. */
static void mind(const struct m_observe *m)
{
    if (m->number >= 0 && m->number < 64) {
        running[m->number] = m->phase == PHASE_QUEUED || m->phase == PHASE_ENQUEUED || m->phase == PHASE_ACTIVE;
        cell_of[m->number] = m->phase == PHASE_FAILED && m->edited ? 0 : cell_of[m->number];
    }
}

/* The first that nobody has. */
static int take_cell(int64_t number)
{
    int cell = 1;
    for (int i = 0; i < 64; i++) {
        if (cell_of[i] == cell) {
            cell++;
            i = -1;
        }
    }
    if (number < 64) {
        cell_of[number] = cell;
    }
    return cell;
}

/* Its suggestion for a trial counts as running from then on. Owns: caller frees. */
static char *running_beside(int64_t number)
{
    struct sbuf s = {0};
    for (int i = 0; i < 64; i++) {
        if (running[i]) {
            sbuf_addf(&s, "%s%d", s.len > 0 ? " " : "", i);
        }
    }
    if (number < 64) {
        running[number] = true;
    }
    return sbuf_take(&s);
}

static void keep_quiet(int trial)
{
    while (is_set("mute", trial, -1)) {
        char name[32];
        (void)snprintf(name, sizeof name, "asked-%d", trial);
        rig_set(name);
        (void)poll(NULL, 0, 5);
    }
}

/* Lower ends; a space with choices ends when each has been taken, as a grid does. */
int fake_advisor(void)
{
    struct conn *conn = conn_new(3);
    struct preset p;
    struct err e;
    uint16_t type;
    struct msg_reader r;
    bool open = false;
    char none[] = "";
    while (conn_wait(conn, &type, &r, -1) == CONN_FRAME) {
        struct m_advise advise;
        struct m_suggest suggest;
        struct m_review review;
        struct m_observe seen;
        if (type == MESSAGE_ADVISE && read_advise(&advise, &r)) {
            open = !preset_parse(&p, advise.preset, strlen(advise.preset), "preset", &e) && !preset_check(&p, &e);
            free_advise(&advise);
            (void)send_advising(conn, &(struct m_advising){open ? 0 : ERR_USAGE, open ? none : e.text, 0});
        } else if (type == MESSAGE_SUGGEST && open && read_suggest(&suggest, &r)) {
            struct point pt;
            point_init(&pt, &p);
            enum err_code code = ERR_OK;
            keep_quiet((int)suggest.number);
            char *beside = running_beside(suggest.number);
            const size_t cell = (size_t)take_cell(suggest.number) - 1;
            for (size_t i = 0; i < p.n_ranges; i++) {
                const struct range *g = &p.range[i];
                pt.present[i] = true;
                pt.value[i] = g->kind == RANGE_CHOICE ? (double)cell : g->lo;
                if (g->kind == RANGE_CHOICE && cell >= g->n_choices) {
                    code = ERR_NOTFOUND;
                    cell_of[suggest.number] = 0;
                }
            }
            struct m_suggested made = {code, {.number = suggest.number, .mean = NAN, .sd = NAN, .expected = NAN,
                                              .sampler = none, .running = beside, .text = none}};
            (void)send_suggested(conn, &made, &pt);
            free(beside);
            point_release(&pt);
        } else if (type == MESSAGE_OBSERVE && open) {
            struct point pt;
            point_init(&pt, &p);
            if (read_observe(&seen, &pt, &r)) {
                mind(&seen);
            }
            point_release(&pt);
        } else if (type == MESSAGE_REVIEW && read_review(&review, &r)) {
            char *text = xasprintf("%d 0 0 0 1 0 -", (int)review.told);
            (void)send_reviewed(conn, &(struct m_reviewed){text});
            free(text);
        }
    }
    if (open) {
        preset_release(&p);
    }
    conn_free(conn);
    return 0;
}
