#include "demo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/ui/script.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"

static const char preset_text[] = "# What you learn here: the screen.\n"
                                  "study:\n"
                                  "  trials: 16\n"
                                  "model:\n"
                                  "  width: 64 .. 512 log\n"
                                  "  latent: 2 .. 32 log\n"
                                  "optimizer:\n"
                                  "  kind: adam | rmsprop | sgd\n"
                                  "  lr: 1e-5 .. 1e-1 log\n"
                                  "train:\n"
                                  "  epochs: 30\n";

/* A search that is nearly over: knobs of every kind, one of them conditional. */
static const char searched_text[] = "# What you learn here: the Study screen.\n"
                                    "study:\n"
                                    "  trials: 80\n"
                                    "  sampler: auto\n"
                                    "model:\n"
                                    "  depth: 1 .. 3\n"
                                    "  width: 64 .. 512 log\n"
                                    "  latent: 2 .. 32 log\n"
                                    "  activation: relu | tanh | gelu\n"
                                    "optimizer:\n"
                                    "  kind: adam | sgd\n"
                                    "  lr: 1e-5 .. 1e-1 log\n"
                                    "  momentum: 0 .. 0.95 if kind = sgd\n"
                                    "train:\n"
                                    "  epochs: 30\n";

static double noise(struct rng *r)
{
    return rng_uniform(r) - 0.5;
}

/* One epoch of a plausible training: a fast and a slow exponential on the way to `end`. */
static struct epoch_row make_epoch(int trial, int epoch, double end, struct rng *r)
{
    double far = 118 * exp(-epoch / 1.7) + 22 * exp(-epoch / 9.0);
    struct epoch_row row = {.trial = trial, .epoch = epoch, .step = epoch * 375};
    row.val_kl = 25.3 * (1 - exp(-epoch / 2.0)) + noise(r) * 0.2;
    row.value = end + far + noise(r) * 1.5;
    row.val_rec = row.value - row.val_kl;
    row.train_loss = end - 5 + far * 1.05 + noise(r) * 0.6 + (epoch < 4 ? 0 : -0.05 * epoch);
    row.train_rec = row.train_loss - row.val_kl;
    row.train_kl = row.val_kl;
    row.lr = 1e-3;
    row.beta = 1;
    row.active_units = 14;
    row.images_per_s = 61200 - trial * 731;
    row.seconds = epoch * 2.35;
    return row;
}

static const enum trial_phase phases[] = {PHASE_ACTIVE, PHASE_DONE,    PHASE_ACTIVE, PHASE_DONE,     PHASE_DONE,
                                          PHASE_ACTIVE, PHASE_PAUSED,  PHASE_PRUNED, PHASE_STOPPED,  PHASE_DIVERGED,
                                          PHASE_NOMEM,  PHASE_FAILED,  PHASE_QUEUED, PHASE_ENQUEUED, PHASE_QUEUED};
static const int epochs_done[] = {18, 30, 11, 30, 30, 4, 9, 12, 7, 3, 0, 1, 0, 0, 0};

static void make_point(struct trial_row *t, const struct preset *p, struct rng *r)
{
    point_init(&t->point, p);
    for (size_t i = 0; i < p->n_ranges; i++) {
        const struct range *g = &p->range[i];
        double u = rng_uniform(r);
        t->point.present[i] = true;
        t->point.value[i] = g->kind == RANGE_CHOICE ? floor(u * (double)g->n_choices)
                            : g->log                ? exp(log(g->lo) + u * (log(g->hi) - log(g->lo)))
                                                    : g->lo + u * (g->hi - g->lo);
        if (g->kind == RANGE_INT) {
            t->point.value[i] = floor(t->point.value[i]);
        }
    }
}

static void make_trial(struct demo *d, int number, enum demo_kind kind)
{
    struct trial_row *t = &d->trial[number];
    struct rng r = rng_start(rng_key(42, number), RNG_SUGGEST, 0);
    int k = number % 15, done = epochs_done[k];
    *t = (struct trial_row){.number = number, .phase = phases[k], .value = NAN, .epochs = 30, .steps = 30 * 375,
                            .images_per_s = NAN, .changed = number + 1, .attempts = 1};
    make_point(t, &d->preset, &r);
    d->epoch[number] = xcalloc(30, sizeof(struct epoch_row));
    double end = 94 + 7 * noise(&r) + k * 1.3;
    for (int e = 1; e <= done; e++) {
        struct epoch_row row = make_epoch(number, e, end, &r);
        if (t->phase == PHASE_DIVERGED && e == done) {
            row.value = row.val_rec = row.train_loss = NAN;
        }
        if (kind == DEMO_STRANGE && e == 3) {
            row.value = 1e30;
            row.train_loss = INFINITY;
        }
        double latent = 16;
        for (size_t i = 0; i < d->preset.n_ranges; i++) {
            latent = d->preset.range[i].knob == KNOB_MODEL_LATENT ? t->point.value[i] : latent;
        }
        row.active_units = fmin(14, latent);
        d->epoch[number][e - 1] = row;
        t->last = row;
        t->best = t->best.epoch == 0 || row.value < t->best.value ? row : t->best;
        t->has_epoch = true;
    }
    d->n_epochs[number] = (size_t)done;
    t->step = done * 375 + (t->phase == PHASE_ACTIVE ? 120 : 0);
    t->value = t->has_epoch && t->phase != PHASE_DIVERGED ? t->best.value : (double)NAN;
    t->images_per_s = t->has_epoch ? t->last.images_per_s : (double)NAN;
    t->start_us = t->has_epoch ? DEMO_NOW_US - (40 - number % 37) * INT64_C(60000000) : 0;
    if (trial_phase_state(t->phase) != TRIAL_RUNNING && trial_phase_state(t->phase) != TRIAL_WAITING) {
        t->complete_us = t->start_us + 75 * INT64_C(1000000);
    }
    t->edited = number == 5;
    (void)snprintf(t->device, sizeof t->device, t->has_epoch ? "cpu:%d" : "", number % 2);
    if (trial_phase_state(t->phase) == TRIAL_FAIL) {
        static const char *const why[] = {"the loss became NaN at step 941",
                                          "needs 3.1 GiB, the device has 2.0 GiB free",
                                          "its worker was killed by signal 11 three times"};
        (void)snprintf(t->reason, sizeof t->reason, "%s", why[t->phase - PHASE_DIVERGED]);
    }
}

static double value_of(const struct demo *d, const struct trial_row *t, enum knob k)
{
    for (size_t i = 0; i < d->preset.n_ranges; i++) {
        if (d->preset.range[i].knob == k && t->point.present[i]) {
            return t->point.value[i];
        }
    }
    return 0;
}

/* Learning rate decides most, the optimiser some, latents trade rec for kl. */
static void make_searched(struct demo *d, int number)
{
    struct trial_row *t = &d->trial[number];
    struct rng r = rng_start(rng_key(43, number), RNG_SUGGEST, 0);
    *t = (struct trial_row){.number = number, .epochs = 30, .steps = 30 * 375, .value = NAN, .images_per_s = NAN,
                            .changed = number + 1, .attempts = 1};
    make_point(t, &d->preset, &r);
    for (size_t i = 0; i < d->preset.n_ranges; i++) {
        t->point.present[i] = d->preset.range[i].knob != KNOB_OPTIMIZER_MOMENTUM || value_of(d, t, KNOB_OPTIMIZER_KIND) == 1;
    }
    t->phase = number >= 64 ? PHASE_QUEUED : number >= 60 ? PHASE_ACTIVE : number % 11 == 7 ? PHASE_DIVERGED : PHASE_DONE;
    d->epoch[number] = xcalloc(1, sizeof(struct epoch_row));
    if (t->phase == PHASE_DONE) {
        double lr = log10(value_of(d, t, KNOB_OPTIMIZER_LR)) + 3, latent = value_of(d, t, KNOB_MODEL_LATENT);
        t->last = make_epoch(number, 30, 94 + 6 * lr * lr + 4 * value_of(d, t, KNOB_OPTIMIZER_KIND) + 2 * noise(&r), &r);
        t->last.val_kl = 6 + 0.7 * latent + 2 * noise(&r);
        t->last.val_rec = t->last.value - t->last.val_kl;
        t->best = t->last;
        t->has_epoch = true;
        t->value = t->best.value;
    }
}

/* Accuracies, kept negative, in place of losses. */
static void make_knn(struct demo *d, size_t i)
{
    struct trial_row *t = &d->trial[i];
    t->value = -(0.97 - (t->value - 90) / 300);
    t->best.value = t->last.value = t->value;
    for (size_t k = 0; k < d->n_epochs[i]; k++) {
        d->epoch[i][k].value = -(0.97 - (d->epoch[i][k].value - 90) / 300);
    }
}

static void make_snapshot(struct demo *d)
{
    struct rng r = rng_start(rng_key(7, 0), RNG_SAMPLE, 0);
    struct snapshot *s = &d->snapshot;
    const int n = 600;
    *s =
        (struct snapshot){.trial = 0, .epoch = 18, .latent = 16, .n_points = n, .xy_scale = 0.001f, .explained = 0.61f};
    s->kl = xcalloc(16, sizeof *s->kl);
    for (int i = 0; i < 16; i++) { /* two of them are unused */
        s->kl[i] = i % 7 == 3 ? 0.001f : (float)(3.2 - 0.19 * ((i * 5) % 16));
    }
    s->xy = xcalloc((size_t)n * 2, sizeof *s->xy);
    s->label = xcalloc((size_t)n, 1);
    for (int i = 0; i < n; i++) {
        int k = i % 10;
        double angle = k * 0.628, x = cos(angle) * (k % 2 ? 2.1 : 1.2), y = sin(angle) * (k % 2 ? 1.7 : 1.0);
        s->xy[2 * i] = (int16_t)lrint((x + rng_normal(&r) * 0.32) * 1000);
        s->xy[2 * i + 1] = (int16_t)lrint((y + rng_normal(&r) * 0.27) * 1000);
        s->label[i] = (uint8_t)k;
    }
}

/* No image at all in the strange study: its data are rows. */
static void make_images(struct demo *d, enum demo_kind kind)
{
    if (kind != DEMO_STRANGE) {
        script_images(&d->snapshot);
    }
}

static struct card_row *make_card(struct demo *d, const char *type, const char *name, const char *use, int slices)
{
    struct card_row *c = &d->card[d->n_cards];
    *c = (struct card_row){.index = d->n_cards++, .slices = slices, .temperature_c = NAN, .power_w = NAN, .load = NAN};
    c->first = c->index > 0 ? c[-1].first + c[-1].slices : 0;
    (void)snprintf(c->type, sizeof c->type, "%s", type);
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    (void)snprintf(c->use, sizeof c->use, "%s", use);
    return c;
}

static void make_cards(struct demo *d)
{
    (void)make_card(d, "cpu", d->device[0].name, "on", 2);
    struct card_row *gpu = make_card(d, "gpu", d->device[2].name, "on", 1);
    gpu->temperature_c = 71;
    gpu->power_w = 318.2;
    gpu->load = 0.82;
    (void)snprintf(gpu->note, sizeof gpu->note, "self-test passed in 0.9 s");
    (void)make_card(d, "gpu", "Intel Arc A770", "off", 1);
    struct card_row *bad = make_card(d, "accelerator", "Xilinx U280", "unusable", 0);
    (void)snprintf(bad->note, sizeof bad->note, "its driver has no compiler for kernels");
}

static void make_devices(struct demo *d, enum demo_kind kind)
{
    for (int i = 0; i < 2; i++) {
        struct device_row *v = &d->device[d->n_devices++];
        *v = (struct device_row){.index = i, .slots_used = 2 - i, .slots = 2, .busy = 0.93 - 0.2 * i,
                                 .bytes_used = (uint64_t)(48 + i) << 20, .bytes_total = UINT64_C(8) << 30};
        (void)snprintf(v->name, sizeof v->name, "AMD EPYC 9654 96-Core Processor");
        (void)snprintf(v->type, sizeof v->type, "cpu");
        (void)snprintf(v->state, sizeof v->state, "ready");
    }
    struct device_row *v = &d->device[d->n_devices++];
    *v = (struct device_row){.index = 2, .slots_used = 0, .slots = 4, .busy = NAN, .bytes_total = UINT64_C(139) << 30};
    (void)snprintf(v->name, sizeof v->name, "%s",
                   kind == DEMO_STRANGE
                       ? "\xe6\xb7\xb1\xe5\xba\xa6\xe5\xad\xa6\xe4\xb9\xa0\xe5\x8a\xa0\xe9\x80\x9f\xe5\x99\xa8"
                         "\xe6\x97\xa0\xe9\x99\x90\xe9\x95\xbf\xe5\x90\x8d\xe5\xad\x97\xe8\xae\xbe\xe5\xa4\x87"
                       : "NVIDIA H200");
    (void)snprintf(v->type, sizeof v->type, "gpu");
    (void)snprintf(v->state, sizeof v->state, "starting");
    make_cards(d);
}

static void make_logs(struct demo *d)
{
    static const char *const text[] = {"study started: 16 trials, random",     "cpu:0 self-test ok",
                                       "#9 diverged: the loss became NaN at step 941", "#6 paused by user",
                                       "#8 stopped by user after epoch 7",     "#0 epoch 18: 94.21, best so far"};
    for (int i = 0; i < 6; i++) {
        struct log_row *l = &d->log[d->n_logs++];
        *l = (struct log_row){.id = i + 1,
                              .utc_us = DEMO_NOW_US - (6 - i) * INT64_C(11000000),
                              .trial = i < 2    ? -1
                                       : i == 5 ? 0
                                                : 9};
        (void)snprintf(l->text, sizeof l->text, "%s", text[i]);
    }
}

void demo_make(struct demo *d, enum demo_kind kind)
{
    struct err e;
    *d = (struct demo){0};
    const bool searched = kind == DEMO_SEARCHED || kind == DEMO_TWO;
    const char *text = searched ? searched_text : preset_text;
    if (preset_parse(&d->preset, text, strlen(text), "demo", &e) ||
        (kind == DEMO_TWO && preset_set(&d->preset, "study.objective=rec,kl", &e)) ||
        (kind == DEMO_KNN && preset_set(&d->preset, "study.objective=knn", &e)) || preset_check(&d->preset, &e)) {
        (void)fprintf(stderr, "demo: %s\n", e.text);
        exit(1);
    }
    d->n = kind == DEMO_EMPTY ? 0 : kind == DEMO_ONE ? 1 : kind == DEMO_MANY ? 10000 : searched ? 65 : 15;
    d->trial = xcalloc(d->n + 1, sizeof *d->trial);
    d->epoch = xcalloc(d->n + 1, sizeof *d->epoch);
    d->n_epochs = xcalloc(d->n + 1, sizeof *d->n_epochs);
    for (size_t i = 0; i < d->n; i++) {
        if (searched) {
            make_searched(d, (int)i);
        } else {
            make_trial(d, (int)i, kind);
        }
        if (kind == DEMO_KNN) {
            make_knn(d, i);
        }
    }
    if (kind != DEMO_EMPTY) {
        make_snapshot(d);
        make_images(d, kind);
        make_devices(d, kind);
        make_logs(d);
    }
}

void demo_release(struct demo *d)
{
    for (size_t i = 0; i < d->n; i++) {
        point_release(&d->trial[i].point);
        free(d->epoch[i]);
    }
    free(d->trial);
    free(d->epoch);
    free(d->n_epochs);
    if (d->n > 0) {
        snapshot_release(&d->snapshot);
    }
    preset_release(&d->preset);
}
