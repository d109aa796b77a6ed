#include "script.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/rng.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/search_space.h"
#include "vaetop/store/store.h"

#define BEAT_NS INT64_C(250000000)
#define STEPS 375 /* a trial's steps in an epoch */
#define TRIALS_MAX 64

static const char preset_text[] = "# What you see here: a scripted study; no device computes.\n"
                                  "study:\n"
                                  "  trials: 24\n"
                                  "  slots: 4\n"
                                  "model:\n"
                                  "  width: 64 .. 512 log\n"
                                  "  latent: 2 .. 32 log\n"
                                  "loss:\n"
                                  "  beta_schedule: linear\n"
                                  "  beta_warmup: 6\n"
                                  "optimizer:\n"
                                  "  kind: adam | rmsprop | sgd\n"
                                  "  lr: 1e-5 .. 1e-1 log\n"
                                  "  lr_schedule: cosine\n"
                                  "train:\n"
                                  "  epochs: 40\n";

enum { GPU, CPU, DEVICES };
enum use { ON, DRAINING, OFF };
static const char *const device_name[] = {"Scripted GPU (nothing computes)", "Scripted CPU"};
static const char *const use_word[] = {"on", "draining", "off"};

struct actor {
    enum trial_phase phase;
    int device;
    double end, slow, lr, beta; /* where its loss goes, how slowly */
    int latent, epoch, epochs, beat, speed; /* beats to an epoch */
    bool stop_epoch, stop_later_epoch;
    int64_t stop_due_ns; /* 0: no stop waits */
    struct epoch_row best;
};

struct script {
    char *dir;
    struct store *store;
    struct preset preset, space; /* space: what is suggested, within the preset's ranges */
    struct actor actor[TRIALS_MAX];
    int n, planned, slots;
    enum use use[DEVICES];
    char note[DEVICES][64]; /* of the self-test */
    int64_t next_ns;
};

static struct rng dice(int trial, int epoch)
{
    return rng_start(rng_key(2026, trial), RNG_SAMPLE, (uint64_t)epoch);
}

static double between(struct rng *r, double lo, double hi)
{
    return lo + (hi - lo) * rng_uniform(r);
}

/* A trial with these values, queued or by hand. */
static enum err_code add_trial(struct script *s, const struct point *pt, enum trial_phase phase, struct err *e)
{
    if (s->n == TRIALS_MAX) {
        return err_set(e, ERR_USAGE, "the scripted study has %d trials: it takes no more", s->n);
    }
    struct rng r = dice(s->n, 0);
    struct actor *a = &s->actor[s->n];
    int number = -1;
    *a = (struct actor){.phase = phase, .epochs = 40, .beta = 1, .latent = 16, .lr = 1e-3};
    double distance = 0;
    for (size_t i = 0; i < s->preset.n_ranges; i++) {
        const enum knob k = s->preset.range[i].knob;
        const double x = pt->value[i];
        a->latent = k == KNOB_MODEL_LATENT ? (int)x : a->latent;
        a->lr = k == KNOB_OPTIMIZER_LR ? x : a->lr;
        distance += k == KNOB_OPTIMIZER_LR ? fabs(log10(x) + 2.8) * 5 : 0;
        distance += k == KNOB_MODEL_LATENT ? fabs(log2(x) - 4) * 2.5 : 0;
    }
    a->end = 92 + distance + between(&r, 0, 3);
    a->slow = between(&r, 5, 12);
    a->speed = 2 + (int)between(&r, 0, 4);
    enum err_code rc = store_trial_new(s->store, &number, &s->preset, pt, phase, e);
    s->n += rc == ERR_OK;
    s->planned = s->n > s->planned ? s->n : s->planned;
    return rc;
}

static enum err_code suggest(struct script *s, struct err *e)
{
    struct point narrow, pt;
    struct sbuf drawn = {0};
    enum err_code rc = point_compose(&narrow, &drawn, &s->space, NULL, "", s->n, e);
    sbuf_release(&drawn);
    if (rc) {
        return rc;
    }
    point_init(&pt, &s->preset);
    rc = point_move(&pt, &s->preset, &narrow, &s->space) ? add_trial(s, &pt, PHASE_QUEUED, e)
                                                         : err_set(e, ERR_USAGE, "the scripted space is broken");
    point_release(&pt);
    point_release(&narrow);
    return rc;
}

/* A new trial by hand, with another's values (like -1: none) and these instead. */
static enum err_code by_hand(struct script *s, int like, const char *assignments, char *reply, size_t cap, struct err *e)
{
    struct point from = {0}, pt;
    struct sbuf drawn = {0};
    enum err_code rc = like >= 0 ? store_trial_point(s->store, like, &s->preset, &from, e) : ERR_OK;
    rc = rc ? rc : point_compose(&pt, &drawn, &s->preset, like >= 0 ? &from : NULL, assignments, s->n, e);
    point_release(&from);
    sbuf_release(&drawn);
    if (!rc) {
        rc = add_trial(s, &pt, PHASE_ENQUEUED, e);
        point_release(&pt);
        (void)snprintf(reply, cap, "trial %d waits for a slot", s->n - 1);
    }
    return rc;
}

static enum err_code change_space(struct script *s, const char *assignment, char *reply, size_t cap, struct err *e)
{
    struct preset wide, narrow;
    enum knob k = KNOB_NONE;
    int rows = 0;
    preset_copy(&wide, &s->preset);
    preset_copy(&narrow, &s->space);
    enum err_code rc = space_change(&wide, &narrow, &k, assignment, e);
    rc = rc ? rc : store_space(s->store, &wide, &narrow, k, &rows, e);
    preset_release(rc ? &wide : &s->preset);
    preset_release(rc ? &narrow : &s->space);
    if (!rc) {
        s->preset = wide;
        s->space = narrow;
        (void)snprintf(reply, cap, "suggested from now on: %.100s", assignment);
    }
    return rc;
}

static void put_snapshot(struct script *s, int number)
{
    const struct actor *a = &s->actor[number];
    struct rng r = dice(number, 1000);
    script_snapshot(s->store, number, a->epoch, a->latent, &r);
}

static enum err_code end_trial(struct script *s, int number, enum trial_phase phase, const char *why, struct err *e)
{
    struct actor *a = &s->actor[number];
    char text[160];
    a->phase = phase;
    (void)snprintf(text, sizeof text, "%s%s%s", trial_phase_word(phase), why[0] ? ": " : "", why);
    enum err_code rc = store_trial_phase(s->store, number, phase,
                                         trial_phase_state(phase) == TRIAL_FAIL ? (double)NAN : a->best.value,
                                         why, e);
    return rc ? rc : store_log(s->store, number, text, e);
}

static enum err_code one_epoch(struct script *s, int number, struct err *e)
{
    struct actor *a = &s->actor[number];
    struct rng r = dice(number, ++a->epoch);
    double t = a->epoch, warm = fmin(t / 6, 1), far = 120 * exp(-t / 1.8) + 24 * exp(-t / a->slow);
    struct epoch_row row = {.trial = number, .epoch = a->epoch, .step = (int64_t)a->epoch * STEPS};
    row.val_kl = 25 * (1 - exp(-t / 2.5)) + between(&r, -0.1, 0.1);
    row.value = a->end + far + between(&r, -0.7, 0.7);
    row.val_rec = row.value - row.val_kl;
    row.train_loss = a->end - 4 + far * 1.05 - 0.05 * t + between(&r, -0.3, 0.3) - (1 - warm) * row.val_kl;
    row.train_rec = row.train_loss - row.val_kl;
    row.train_kl = row.val_kl;
    row.lr = a->lr * 0.5 * (1 + cos(3.14159265358979 * t / a->epochs));
    row.beta = a->beta * warm;
    row.active_units = fmin(14, a->latent);
    row.images_per_s = 61200 / a->speed;
    row.seconds = t * 0.25 * a->speed;
    a->best = a->best.epoch == 0 || row.value < a->best.value ? row : a->best;
    bool diverges = a->lr > 0.05 && a->epoch == 3;
    if (diverges) {
        row.value = row.val_rec = row.train_loss = (double)NAN;
    }
    enum err_code rc = store_epoch(s->store, &row, e);
    if (!rc && diverges) {
        char why[120];
        (void)snprintf(why, sizeof why, "the loss became NaN at step %d (lr %.2g)", 2 * STEPS + 191, a->lr);
        return end_trial(s, number, PHASE_DIVERGED, why, e);
    }
    if (!rc && (a->epoch >= a->epochs || a->stop_epoch)) {
        return end_trial(s, number, a->stop_epoch ? PHASE_STOPPED : PHASE_DONE, a->stop_epoch ? "by the user" : "", e);
    }
    return rc;
}

/* --- devices */

static int in_phase(const struct script *s, enum trial_phase phase)
{
    int n = 0;
    for (int i = 0; i < s->n; i++) {
        n += s->actor[i].phase == phase;
    }
    return n;
}

static int used(const struct script *s, int device)
{
    int n = 0;
    for (int i = 0; i < s->n; i++) {
        n += s->actor[i].phase == PHASE_ACTIVE && s->actor[i].device == device;
    }
    return n;
}

/* A third of the slots is the CPU's, while both are on. */
static int slots_of(const struct script *s, int device)
{
    if (s->use[device] != ON) {
        return 0;
    }
    return s->use[!device] != ON ? s->slots : device == CPU ? s->slots / 3 : s->slots - s->slots / 3;
}

/* Where the next trial would run; -1: every slot is taken. */
static int free_device(const struct script *s)
{
    for (int d = 0; d < DEVICES; d++) {
        if (used(s, d) < slots_of(s, d) && in_phase(s, PHASE_ACTIVE) < s->slots) {
            return d;
        }
    }
    return -1;
}

static enum err_code put_devices(struct script *s, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (int i = 0; i < DEVICES && !rc; i++) {
        const int n = used(s, i);
        const int slots = slots_of(s, i) > n ? slots_of(s, i) : n; /* what runs ends there */
        struct device_row d = {.index = i, .slots_used = n, .slots = slots, .bytes_total = UINT64_C(16) << 30,
                               .busy = n == 0 ? 0 : fmin(0.35 + 0.2 * n, 0.97)};
        struct card_row c = {.index = i, .first = i, .slices = 1, .temperature_c = i == GPU ? 41 + 9 * n : (double)NAN,
                             .power_w = i == GPU ? 60 + 70 * n : (double)NAN, .load = i == GPU ? d.busy : (double)NAN};
        d.bytes_used = (uint64_t)(40 + 90 * n) << 20;
        (void)str_copy(d.name, sizeof d.name, device_name[i]);
        (void)str_copy(c.name, sizeof c.name, device_name[i]);
        (void)str_copy(d.type, sizeof d.type, i == GPU ? "gpu" : "cpu");
        (void)str_copy(c.type, sizeof c.type, d.type);
        (void)str_copy(d.state, sizeof d.state, s->use[i] == OFF ? "off" : "ready");
        (void)str_copy(c.use, sizeof c.use, use_word[s->use[i]]);
        (void)str_copy(c.note, sizeof c.note, s->note[i]);
        (void)snprintf(c.key, sizeof c.key, "script-%d", i);
        rc = store_device(s->store, &d, e);
        rc = rc ? rc : store_card(s->store, &c, e);
    }
    return rc;
}

static enum err_code set_phase(struct script *s, int trial, enum trial_phase phase, struct err *e)
{
    s->actor[trial].phase = phase;
    return store_trial_phase(s->store, trial, phase, NAN, "", e);
}

/* Its trials wait for another slot; a draining device is off with its last one. */
static enum err_code settle_devices(struct script *s, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (int i = 0; i < s->n && !rc; i++) {
        if (s->actor[i].phase == PHASE_ACTIVE && s->use[s->actor[i].device] == OFF) {
            rc = set_phase(s, i, PHASE_QUEUED, e);
        }
    }
    for (int d = 0; d < DEVICES; d++) {
        s->use[d] = s->use[d] == DRAINING && used(s, d) == 0 ? OFF : s->use[d];
    }
    return rc;
}

static enum err_code switch_device(struct script *s, enum command c, const char *arg, char *reply, size_t cap,
                                   struct err *e)
{
    int64_t d;
    if (!str_to_i64(&d, arg) || d < 0 || d >= DEVICES) {
        return err_set(e, ERR_USAGE, "%.20s: the scripted devices are 0 and 1", arg);
    }
    if (c == COMMAND_DEVICE_TEST) {
        (void)str_copy(s->note[d], sizeof s->note[d], "self-test: scripted, there is nothing to test");
        (void)snprintf(reply, cap, "device %d: %s", (int)d, s->note[d]);
    } else {
        s->use[d] = c == COMMAND_DEVICE_ON ? ON : c == COMMAND_DEVICE_DRAIN ? DRAINING : OFF;
        (void)snprintf(reply, cap, "device %d: %s", (int)d, use_word[s->use[d]]);
    }
    enum err_code rc = settle_devices(s, e);
    return rc ? rc : put_devices(s, e);
}

/* --- time */

/* The trials that wait, by hand first, then new ones. */
static enum err_code fill_slots(struct script *s, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (int d = free_device(s); d >= 0 && !rc; d = free_device(s)) {
        int next = -1;
        for (int i = s->n - 1; i >= 0; i--) {
            const enum trial_phase p = s->actor[i].phase;
            const bool before = next < 0 || p == PHASE_ENQUEUED || s->actor[next].phase == PHASE_QUEUED;
            next = (p == PHASE_ENQUEUED || p == PHASE_QUEUED) && before ? i : next;
        }
        if (next < 0 && s->n >= s->planned) {
            break;
        }
        if (next < 0) {
            rc = suggest(s, e);
            next = s->n - 1;
        }
        if (!rc) {
            s->actor[next].device = d;
            rc = set_phase(s, next, PHASE_ACTIVE, e);
        }
        rc = rc ? rc : store_trial_device(s->store, next, d == GPU ? "gpu:0" : "cpu:0", 1, e);
    }
    return rc;
}

static bool goes_on(const struct script *s)
{
    return in_phase(s, PHASE_ACTIVE) + in_phase(s, PHASE_QUEUED) + in_phase(s, PHASE_ENQUEUED) > 0 || s->n < s->planned;
}

/* One beat of a quarter second; fresh: the trials that finished an epoch. */
static enum err_code advance(struct script *s, int *fresh, int *n_fresh, struct err *e)
{
    *n_fresh = 0;
    enum err_code rc = settle_devices(s, e);
    rc = rc ? rc : fill_slots(s, e);
    for (int i = 0; i < s->n && !rc; i++) {
        struct actor *a = &s->actor[i];
        if (a->phase != PHASE_ACTIVE) {
            continue;
        }
        if (++a->beat >= a->speed) {
            a->beat = 0;
            rc = one_epoch(s, i, e);
            fresh[(*n_fresh)++] = i;
        }
        if (!rc && a->phase == PHASE_ACTIVE) {
            rc = store_progress(s->store, i, (int64_t)a->epoch * STEPS + (int64_t)a->beat * STEPS / a->speed,
                                (int64_t)a->epochs * STEPS, a->epochs, 61200.0 / a->speed, e);
        }
    }
    rc = rc ? rc : put_devices(s, e);
    return rc ? rc : store_fact_set(s->store, "phase", goes_on(s) ? "running" : "finished", e);
}

static enum err_code beat(struct script *s, struct err *e)
{
    int fresh[TRIALS_MAX], n_fresh = 0;
    enum err_code rc = store_begin(s->store, e);
    rc = rc ? rc : advance(s, fresh, &n_fresh, e);
    if (rc) {
        store_rollback(s->store);
        return rc;
    }
    rc = store_commit(s->store, e);
    for (int i = 0; i < n_fresh && !rc; i++) {
        put_snapshot(s, fresh[i]);
    }
    return rc;
}

/* Three quarters of a minute have passed when the screen opens: one transaction, a picture now and then. */
static enum err_code past(struct script *s, struct err *e)
{
    int fresh[TRIALS_MAX], n_fresh = 0;
    enum err_code rc = store_begin(s->store, e);
    for (int i = 0; i < 180 && !rc; i++) {
        rc = advance(s, fresh, &n_fresh, e);
        for (int k = 0; k < n_fresh && !rc && i % 16 == 0; k++) {
            put_snapshot(s, fresh[k]);
        }
    }
    rc = rc ? rc : store_commit(s->store, e);
    for (int i = 0; i < s->n && !rc; i++) {
        if (s->actor[i].epoch > 0) {
            put_snapshot(s, i);
        }
    }
    return rc;
}

enum err_code script_open(struct script **out, struct err *e)
{
    struct script *s = xcalloc(1, sizeof *s);
    const char *tmp = getenv("TMPDIR");
    *out = s;
    s->planned = 24;
    s->slots = 4;
    enum err_code rc = preset_parse(&s->preset, preset_text, sizeof preset_text - 1, "demo", e);
    rc = rc ? rc : preset_check(&s->preset, e);
    preset_copy(&s->space, &s->preset);
    s->dir = xasprintf("%s/vaetop-demo-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
    if (!rc && !mkdtemp(s->dir)) {
        rc = err_set(e, ERR_IO, "%s: cannot make a temporary folder", s->dir);
        s->dir[0] = 0;
    }
    rc = rc ? rc : store_create(s->dir, "demo", &s->preset, "scripted", e);
    rc = rc ? rc : store_open(&s->store, s->dir, true, e);
    rc = rc ? rc : store_log(s->store, -1, "scripted study started: nothing is computed here", e);
    rc = rc ? rc : past(s, e);
    if (rc) {
        script_close(s);
        *out = NULL;
    }
    return rc;
}

void script_close(struct script *s)
{
    struct err e;
    if (!s) {
        return;
    }
    store_close(s->store);
    if (s->dir && s->dir[0]) {
        (void)!fs_remove_tree(s->dir, &e);
    }
    preset_release(&s->preset);
    preset_release(&s->space);
    free(s->dir);
    free(s);
}

const char *script_dir(const struct script *s)
{
    return s->dir;
}

static bool stop(struct script *s, struct actor *a, int trial, bool after_epoch)
{
    struct err e;
    a->stop_due_ns = 0;
    a->stop_epoch = after_epoch;
    return after_epoch || end_trial(s, trial, PHASE_STOPPED, "by the user", &e) == ERR_OK;
}

/* Stops that nobody took back in time. */
static bool stop_due(struct script *s, int64_t now_ns)
{
    bool any = false;
    for (int i = 0; i < s->n; i++) {
        struct actor *a = &s->actor[i];
        if (a->stop_due_ns > 0 && a->stop_due_ns <= now_ns) {
            any |= stop(s, a, i, a->stop_later_epoch);
        }
    }
    return any;
}

bool script_step(struct script *s, int64_t now_ns)
{
    struct err e;
    bool stopped = stop_due(s, now_ns);
    if (now_ns < s->next_ns || !goes_on(s)) {
        return stopped;
    }
    s->next_ns = now_ns + BEAT_NS;
    return beat(s, &e) == ERR_OK;
}

int64_t script_next_ns(const struct script *s)
{
    int64_t at = goes_on(s) ? s->next_ns : -1;
    for (int i = 0; i < s->n; i++) {
        int64_t due = s->actor[i].stop_due_ns;
        at = due > 0 && (at < 0 || due < at) ? due : at;
    }
    return at;
}

static enum err_code put_number(struct script *s, const char *key, int n, struct err *e)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", n);
    return store_fact_set(s->store, key, text, e);
}

static bool edit(struct script *s, struct actor *a, int trial, const char *arg)
{
    struct err e;
    const char *equals = strchr(arg, '=');
    double x;
    char name[40];
    if (!equals || !str_to_f64(&x, equals + 1)) {
        return false;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - arg), arg);
    enum knob k = knob_find(name);
    a->lr = k == KNOB_OPTIMIZER_LR ? x : a->lr;
    a->beta = k == KNOB_LOSS_BETA ? x : a->beta;
    a->epochs = k == KNOB_TRAIN_EPOCHS ? (int)x : a->epochs;
    return store_edit(s->store, trial, k, equals + 1, (int64_t)a->epoch * STEPS, &e) == ERR_OK;
}

/* What is done to one trial. */
static bool command_trial(struct script *s, enum command c, int trial, const char *arg, char *reply, size_t cap)
{
    struct err e;
    struct actor *a = &s->actor[trial];
    int64_t n = 0;
    switch (c) {
    case COMMAND_PAUSE:
        return set_phase(s, trial, PHASE_PAUSED, &e) == ERR_OK;
    case COMMAND_RESUME:
        return set_phase(s, trial, PHASE_QUEUED, &e) == ERR_OK;
    case COMMAND_STOP_NOW:
    case COMMAND_STOP_EPOCH:
        if (!str_to_i64(&n, arg) || n <= 0) {
            return stop(s, a, trial, c == COMMAND_STOP_EPOCH);
        }
        a->stop_due_ns = clock_mono_ns() + n * INT64_C(1000000000);
        a->stop_later_epoch = c == COMMAND_STOP_EPOCH;
        return true;
    case COMMAND_UNDO:
        a->stop_due_ns = 0;
        (void)snprintf(reply, cap, "trial %d is not stopped", trial);
        return true;
    case COMMAND_EDIT:
        return edit(s, a, trial, arg);
    default:
        return false;
    }
}

/* What is done to the study, or asks for a new trial. */
static enum err_code command_study(struct script *s, enum command c, int trial, const char *arg, char *reply, size_t cap,
                                   struct err *e)
{
    int64_t n = 0;
    switch (c) {
    case COMMAND_CLONE:
        return by_hand(s, trial, arg, reply, cap, e);
    case COMMAND_ENQUEUE:
        return by_hand(s, -1, arg, reply, cap, e);
    case COMMAND_SPACE:
        return change_space(s, arg, reply, cap, e);
    case COMMAND_DEVICE_ON:
    case COMMAND_DEVICE_OFF:
    case COMMAND_DEVICE_DRAIN:
    case COMMAND_DEVICE_TEST:
        return switch_device(s, c, arg, reply, cap, e);
    case COMMAND_TRIALS:
    case COMMAND_SLOTS:
        if (!str_to_i64(&n, arg)) {
            break;
        }
        if (c == COMMAND_TRIALS) {
            s->planned = n > TRIALS_MAX ? TRIALS_MAX : n < s->n ? s->n : (int)n;
        } else {
            s->slots = n > 16 ? 16 : (int)n;
        }
        return put_number(s, c == COMMAND_TRIALS ? "trials" : "slots", c == COMMAND_TRIALS ? s->planned : s->slots, e);
    default:
        break;
    }
    return err_set(e, ERR_USAGE, "%s: the scripted study cannot do that", command_word(c));
}

bool script_command(struct script *s, enum command c, int trial, const char *arg, char *reply, size_t cap)
{
    struct err e;
    reply[0] = 0;
    if (trial >= 0 && trial < s->n && command_trial(s, c, trial, arg, reply, cap)) {
        return true;
    }
    const enum err_code rc = command_study(s, c, trial, arg, reply, cap, &e);
    if (rc) {
        (void)str_copy(reply, cap, e.text);
    }
    return rc == ERR_OK;
}
