/* One pack on one device: lanes of equal shape that share every launch; chunks, evaluation, schedules, checkpoints.
 *
 * The owner (the worker role, tests, bench) adds lanes, calls trainer_chunk() again and again, and reads what
 * happened from the events it returns. A lane's numbers are the same bits alone or packed, resumed or not. */
#ifndef VAETOP_TRAIN_TRAINER_H
#define VAETOP_TRAIN_TRAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/config.h"
#include "vaetop/conf/trial.h"
#include "vaetop/data/dataset.h"
#include "vaetop/device/device.h"
#include "vaetop/plan/plan.h"

struct trainer;

/* Borrowed: dev, data and split must outlive the trainer. The data set must be on the device already once per
 * (device, data) pair; the trainer shares it through `shared` (see trainer_data_new).
 * Errors: CL, CL_BUILD, DEVICE_MEM, NOMEM. */
struct trainer_data; /* The plan in which a network is trained on a device: by the table in force there. Errors: USAGE, DATA (a broken table). */
WUR enum err_code trainer_plan(struct plan *out, const struct device *dev, const struct net *n, struct err *e);

/* the data set in device memory */
WUR enum err_code trainer_data_new(struct trainer_data **out, struct device *dev, const struct dataset *data,
                                   const struct split *split, struct err *e);
void trainer_data_free(struct trainer_data *d);

WUR enum err_code trainer_new(struct trainer **out, struct device *dev, struct trainer_data *data,
                              const struct plan *plan, struct err *e);
void trainer_free(struct trainer *t);

/* One trial on its way into the pack. */
struct lane_spec {
    int trial;
    uint64_t study_seed;
    const struct config *config; /* copied; plan_pack_key() of its plan must be the pack's */
    const char *resume;          /* checkpoint to continue from, or NULL: start from the initialisation */
    int stored_epoch;            /* last epoch the store has; later ones in the checkpoint are re-sent as events */
    int until;                   /* no step is taken after this epoch; 0: to the end */
};
/* Takes effect at once (between chunks). *lane is the handle until trainer_remove().
 * Errors: DATA (broken or foreign checkpoint), DEVICE_MEM (what is needed, what is available), CL. */
WUR enum err_code trainer_add(struct trainer *t, int *lane, const struct lane_spec *s, struct err *e);
void trainer_remove(struct trainer *t, int lane);
int trainer_lanes(const struct trainer *t);

/* New lr, beta or epochs for a running lane, from its next step on. Errors: USAGE (another knob, epochs in the
 * past). */
WUR enum err_code trainer_edit(struct trainer *t, int lane, enum knob k, const char *value, int64_t *at_step,
                               struct err *e);

enum trainer_event_kind {
    EVENT_EPOCH,    /* row: one finished epoch, evaluated */
    EVENT_SNAPSHOT, /* snapshot: the same epoch's picture; the receiver releases it */
    EVENT_HELD,     /* the epoch `until` is over, and there would be more */
    EVENT_NOTE,     /* note: something looks wrong; may be said again after a resume */
    EVENT_DONE,     /* all epochs trained; value is the trial's value */
    EVENT_DIVERGED  /* loss not finite; text says step, learning rate and last finite loss */
};
struct trainer_event {
    enum trainer_event_kind kind;
    int lane, trial;
    struct epoch_row row;
    struct snapshot snapshot;
    struct trial_note note;
    double value;
    char text[160];
};
typedef void trainer_event_fn(void *arg, struct trainer_event *ev);

/* Runs about 20-50 ms of steps for every lane (ending at an epoch boundary where one falls in), evaluates lanes that
 * finished an epoch, and reports, in trial-number order. Lanes that are done or diverged stay (no more steps) until
 * removed. fn must not add, remove or edit lanes: it notes what to do, and the owner does it after the call.
 * Errors: CL and worse: the device is gone, the process should end. */
WUR enum err_code trainer_chunk(struct trainer *t, trainer_event_fn *fn, void *arg, struct err *e);

/* Everything needed to go on with the same bits. Measures its own cost. Errors: IO.
 * A safetensors file with vaetop.crc32; the file before it stays as PATH.prev. Tensors are PyTorch's, unpadded:
 * encoder.0.weight (out, in), encoder.0.bias, ..., mu.*, logvar.*, decoder.*, logits.*; opt.m.NAME and opt.v.NAME as
 * the optimiser needs them; best.NAME of the best epoch; vaetop.epochs (rows, 2 + metrics) float64: every epoch_row;
 * vaetop.sums: the epoch so far; vaetop.axes: of the picture; vaetop.norms and .moved: what diagnoses compare with;
 * vaetop.scale.shift and .factor: struct data_scale. Metadata:
 * format, trial, study_seed, step, epoch, state, plan, device, data_hash, train_rows, validation_rows, config (as config_format()).
 * On resume lr, beta, schedules and epochs come from lane_spec's config, so that an edit made meanwhile holds. */
WUR enum err_code trainer_checkpoint(struct trainer *t, int lane, const char *path, struct err *e);
/* True when a checkpoint is due: at least every 60 s, else when the last one's cost allows (design section 4). sharing:
 * how many lanes are trained in turn by this process, for their checkpoints together are to cost a 50th of its time at most. */
bool trainer_checkpoint_due(const struct trainer *t, int lane, int sharing);

/* Where a lane stands. */
struct lane_status {
    int trial, epoch, epochs; /* finished passes, planned passes */
    int64_t step, steps;      /* optimiser steps done and planned in all */
    double last_train_loss;   /* nats, mean of the last chunk */
    double images_per_s;
    bool inexact;             /* resumed on another device, driver or plan: other bits than without the break */
};
void trainer_status(const struct trainer *t, int lane, struct lane_status *out);

/* Latent means of all rows of a part of the data with a lane's current (or best, when value: best) weights.
 * Shapes: mu (n_rows, latent). Errors: CL. */
WUR enum err_code trainer_encode(struct trainer *t, int lane, float *mu, const uint32_t *rows, size_t n_rows,
                                 struct err *e);

/* Sum of all device buffers of the pack, bytes, as allocated. */
uint64_t trainer_bytes(const struct trainer *t);
/* What so many lanes will take with all a GEMM library needs, data set apart. Errors: CL. */
WUR enum err_code trainer_predict(uint64_t *bytes, const struct trainer *t, int lanes, struct err *e);

#endif
