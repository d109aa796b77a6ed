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

struct actor {
    enum trial_phase phase;
    double end, slow, lr, beta; /* where its loss goes, how slowly */
    int latent, epoch, epochs, beat, speed; /* beats to an epoch */
    bool stop_epoch, stop_later_epoch;
    int64_t stop_due_ns; /* 0: no stop waits */
    struct epoch_row best;
};

struct script {
    char *dir;
    struct store *store;
    struct preset preset;
    struct actor actor[TRIALS_MAX];
    int n, planned, slots;
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

static enum err_code new_trial(struct script *s, struct err *e)
{
    struct rng r = dice(s->n, 0);
    struct point pt;
    struct actor *a = &s->actor[s->n];
    int number = -1;
    *a = (struct actor){.phase = PHASE_ACTIVE, .epochs = 40, .beta = 1, .latent = 16, .lr = 1e-3};
    point_init(&pt, &s->preset);
    double distance = 0;
    for (size_t i = 0; i < s->preset.n_ranges; i++) {
        const struct range *g = &s->preset.range[i];
        double u = rng_uniform(&r);
        double x = g->kind == RANGE_CHOICE ? floor(u * (double)g->n_choices)
                   : g->log                ? exp(log(g->lo) + u * (log(g->hi) - log(g->lo)))
                                           : g->lo + u * (g->hi - g->lo);
        x = g->kind == RANGE_INT ? floor(x) : x;
        pt.present[i] = true;
        pt.value[i] = x;
        a->latent = g->knob == KNOB_MODEL_LATENT ? (int)x : a->latent;
        a->lr = g->knob == KNOB_OPTIMIZER_LR ? x : a->lr;
        distance += g->knob == KNOB_OPTIMIZER_LR ? fabs(log10(x) + 2.8) * 5 : 0;
        distance += g->knob == KNOB_MODEL_LATENT ? fabs(log2(x) - 4) * 2.5 : 0;
    }
    a->end = 92 + distance + between(&r, 0, 3);
    a->slow = between(&r, 5, 12);
    a->speed = 2 + (int)between(&r, 0, 4);
    a->beat = 0;
    enum err_code rc = store_trial_new(s->store, &number, &s->preset, &pt, PHASE_QUEUED, e);
    rc = rc ? rc : store_trial_phase(s->store, number, PHASE_ACTIVE, NAN, "", e);
    rc = rc ? rc : store_trial_device(s->store, number, s->n % 3 == 2 ? "cpu:0" : "gpu:0", 1, e);
    point_release(&pt);
    s->n += rc == ERR_OK;
    return rc;
}

/* Ten clusters that drift apart with the epochs. */
static void put_snapshot(struct script *s, int number)
{
    const struct actor *a = &s->actor[number];
    struct err e;
    const int n = 600;
    struct snapshot snap = {.trial = number, .epoch = a->epoch, .latent = a->latent, .n_points = n, .xy_scale = 0.001f,
                            .explained = a->latent > 2 ? 0.61f : 1.0f};
    struct rng r = dice(number, 1000);
    double apart = 1 - 0.8 * exp(-a->epoch / 6.0);
    snap.kl = xcalloc((size_t)a->latent, sizeof *snap.kl);
    snap.xy = xcalloc((size_t)n * 2, sizeof *snap.xy);
    snap.label = xcalloc((size_t)n, 1);
    for (int i = 0; i < a->latent; i++) {
        snap.kl[i] = (float)(fmax(3.2 - 0.22 * i, 0.001) * (1 - exp(-a->epoch / 3.0)));
    }
    for (int i = 0; i < n; i++) {
        int k = i % 10;
        double angle = k * 0.628, x = cos(angle) * (k % 2 ? 2.1 : 1.2), y = sin(angle) * (k % 2 ? 1.7 : 1.0);
        snap.xy[2 * i] = (int16_t)lrint((x * apart + rng_normal(&r) * 0.32) * 1000);
        snap.xy[2 * i + 1] = (int16_t)lrint((y * apart + rng_normal(&r) * 0.27) * 1000);
        snap.label[i] = (uint8_t)k;
    }
    script_images(&snap);
    (void)!store_snapshot(s->store, &snap, &e); /* losing a picture is no harm */
    snapshot_release(&snap);
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

static int running(const struct script *s)
{
    int n = 0;
    for (int i = 0; i < s->n; i++) {
        n += s->actor[i].phase == PHASE_ACTIVE;
    }
    return n;
}

static enum err_code put_devices(struct script *s, struct err *e)
{
    static const char *const name[] = {"Scripted GPU (nothing computes)", "Scripted CPU"};
    enum err_code rc = ERR_OK;
    for (int i = 0; i < 2 && !rc; i++) {
        struct device_row d = {.index = i, .slots = i == 0 ? s->slots - s->slots / 3 : s->slots / 3,
                               .bytes_total = UINT64_C(16) << 30};
        for (int k = 0; k < s->n; k++) {
            d.slots_used += s->actor[k].phase == PHASE_ACTIVE && (k % 3 == 2) == (i == 1);
        }
        d.busy = d.slots_used == 0 ? 0 : fmin(0.35 + 0.2 * d.slots_used, 0.97);
        d.bytes_used = (uint64_t)(40 + 90 * d.slots_used) << 20;
        (void)str_copy(d.name, sizeof d.name, name[i]);
        (void)str_copy(d.type, sizeof d.type, i == 0 ? "gpu" : "cpu");
        (void)str_copy(d.state, sizeof d.state, "ready");
        rc = store_device(s->store, &d, e);
    }
    return rc;
}

/* One beat of a quarter second; fresh: the trials that finished an epoch. */
static enum err_code advance(struct script *s, int *fresh, int *n_fresh, struct err *e)
{
    enum err_code rc = ERR_OK;
    *n_fresh = 0;
    while (!rc && s->n < s->planned && running(s) < s->slots) {
        rc = new_trial(s, e);
    }
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
    bool on = running(s) > 0 || s->n < s->planned;
    return rc ? rc : store_fact_set(s->store, "phase", on ? "running" : "finished", e);
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

static bool goes_on(const struct script *s)
{
    return running(s) > 0 || s->n < s->planned;
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

static bool put_number(struct script *s, const char *key, int n)
{
    char text[16];
    struct err e;
    (void)snprintf(text, sizeof text, "%d", n);
    return store_fact_set(s->store, key, text, &e) == ERR_OK;
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

bool script_command(struct script *s, enum command c, int trial, const char *arg, char *reply, size_t cap)
{
    struct err e;
    struct actor *a = trial >= 0 && trial < s->n ? &s->actor[trial] : NULL;
    int64_t n = 0;
    bool ok = a != NULL;
    reply[0] = 0;
    if (a && c == COMMAND_PAUSE) {
        a->phase = PHASE_PAUSED;
        ok = store_trial_phase(s->store, trial, PHASE_PAUSED, NAN, "", &e) == ERR_OK;
    } else if (a && c == COMMAND_RESUME) {
        a->phase = PHASE_ACTIVE;
        ok = store_trial_phase(s->store, trial, PHASE_ACTIVE, NAN, "", &e) == ERR_OK;
    } else if (a && (c == COMMAND_STOP_NOW || c == COMMAND_STOP_EPOCH) && str_to_i64(&n, arg) && n > 0) {
        a->stop_due_ns = clock_mono_ns() + n * INT64_C(1000000000);
        a->stop_later_epoch = c == COMMAND_STOP_EPOCH;
    } else if (a && (c == COMMAND_STOP_NOW || c == COMMAND_STOP_EPOCH)) {
        ok = stop(s, a, trial, c == COMMAND_STOP_EPOCH);
    } else if (a && c == COMMAND_UNDO) {
        a->stop_due_ns = 0;
        (void)snprintf(reply, cap, "trial %d is not stopped", trial);
    } else if (a && c == COMMAND_EDIT) {
        ok = edit(s, a, trial, arg);
    } else if (c == COMMAND_TRIALS && str_to_i64(&n, arg)) {
        s->planned = n > TRIALS_MAX ? TRIALS_MAX : n < s->n ? s->n : (int)n;
        ok = put_number(s, "trials", s->planned);
    } else if (c == COMMAND_SLOTS && str_to_i64(&n, arg)) {
        s->slots = n > 16 ? 16 : (int)n;
        ok = put_number(s, "slots", s->slots);
    }
    if (!ok) {
        (void)snprintf(reply, cap, "%s: the scripted study cannot do that", command_word(c));
    }
    return ok;
}
