/* Words shared by worker, engine, store and screens: states, reasons, and what is known at an epoch's end. */
#ifndef VAETOP_CONF_TRIAL_H
#define VAETOP_CONF_TRIAL_H

#include <stddef.h>
#include <stdint.h>

/* Optuna's states; names as stored. */
#define TRIAL_STATE_LIST(X) X(RUNNING) X(COMPLETE) X(PRUNED) X(FAIL) X(WAITING)
enum trial_state {
#define X(s) TRIAL_##s,
    TRIAL_STATE_LIST(X)
#undef X
};
const char *trial_state_name(enum trial_state s);

/* What a person sees. X(ID, letter, word, Optuna state it belongs to, meaning) */
#define TRIAL_PHASE_LIST(X)                                                                       \
    X(QUEUED, 'Q', "queued", RUNNING, "has its values, waits for a slot")                         \
    X(ACTIVE, 'R', "running", RUNNING, "training")                                                \
    X(PAUSED, 'P', "paused", RUNNING, "checkpointed, waits for resume")                           \
    X(HELD, 'H', "held", RUNNING, "checkpointed at a rung, waits for promotion")                  \
    X(DONE, 'D', "done", COMPLETE, "all epochs trained")                                          \
    X(PRUNED, 'X', "pruned", PRUNED, "ended early by the pruner")                                 \
    X(STOPPED, 'K', "stopped", PRUNED, "ended by the user, keeps its last value")                 \
    X(DIVERGED, 'N', "diverged", FAIL, "the loss became NaN or infinite")                         \
    X(NOMEM, 'M', "no memory", FAIL, "does not fit into the device's memory")                     \
    X(FAILED, 'F', "failed", FAIL, "its worker failed on it repeatedly, or it cannot be built")   \
    X(ENQUEUED, 'W', "waiting", WAITING, "enqueued by hand, not started")
enum trial_phase {
#define X(id, ...) PHASE_##id,
    TRIAL_PHASE_LIST(X)
#undef X
    PHASE_COUNT
};
char trial_phase_letter(enum trial_phase p);
const char *trial_phase_word(enum trial_phase p);
const char *trial_phase_meaning(enum trial_phase p);
enum trial_state trial_phase_state(enum trial_phase p);
int trial_phase_from_word(const char *word); /* -1: unknown */

/* One row per trial and finished epoch. X(member, unit, meaning). All doubles; NaN where unknown. Validation numbers
 * are at beta 1 with one latent sample per image; value = val_rec + val_kl. Nats: summed over dimensions, averaged
 * over images. */
#define EPOCH_METRIC_LIST(X)                                                       \
    X(value, "nats", "study.objective, as it is minimised: validation -ELBO")      \
    X(val_rec, "nats", "validation reconstruction, -log p(x|z)")                   \
    X(val_kl, "nats", "validation KL(q(z|x) || p(z))")                             \
    X(train_loss, "nats", "training loss with the beta in force, epoch mean")      \
    X(train_rec, "nats", "training reconstruction, epoch mean")                    \
    X(train_kl, "nats", "training KL, epoch mean")                                 \
    X(lr, "", "learning rate at the epoch's last step")                            \
    X(beta, "", "beta at the epoch's last step")                                   \
    X(active_units, "dimensions", "latent means whose variance exceeds 0.01")      \
    X(images_per_s, "images/s", "training images per second of this trial")        \
    X(seconds, "s", "time spent on this trial so far, training and evaluation")
struct epoch_row {
    int trial;    /* number */
    int epoch;    /* 1 = after the first pass */
    int64_t step; /* optimiser steps so far */
#define X(member, unit, meaning) double member;
    EPOCH_METRIC_LIST(X)
#undef X
};

/* Something about a trial that a person should know, under a word of its own: a later one replaces it. */
#define TRIAL_NOTE_CAP 200
struct trial_note {
    int trial, epoch;
    char kind[24], text[TRIAL_NOTE_CAP];
};
/* The note that optimizer.skip has skipped so many steps of the trial so far, and the count that a trial's notes hold:
 * 0 without such a note. */
void trial_note_skipped(struct trial_note *note, int64_t steps);
int64_t trial_notes_skipped(const struct trial_note *note, size_t n);

/* What the screens show of one trial at one epoch. Owns: kl, xy, label and pixels are malloc'ed; snapshot_release()
 * frees. */
#define SNAPSHOT_POINTS 2000
#define SNAPSHOT_IMAGES 8 /* inputs; as many reconstructions and samples beside them */
#define SNAPSHOT_SIDE 32  /* larger images are made smaller */
struct snapshot {
    int trial, epoch;
    int latent;          /* length of kl */
    float *kl;           /* (latent) mean KL per dimension, nats */
    int n_points;        /* <= SNAPSHOT_POINTS, always the same validation images */
    float xy_scale;      /* latent units per int16 step */
    int16_t *xy;         /* (n_points, 2) latent means; PCA when latent > 2 */
    uint8_t *label;      /* (n_points) class, 255: none */
    float explained;     /* share of variance in the two axes, 0..1 */
    int n_images;        /* <= SNAPSHOT_IMAGES; 0: the data are no images, or an older vaetop wrote it */
    int image_h, image_w; /* <= SNAPSHOT_SIDE */
    uint8_t *pixels;     /* (3, n_images, image_h, image_w): the first validation images, what became of them, samples of
                          * the prior that are the same points in every epoch */
};
void snapshot_release(struct snapshot *s);
size_t snapshot_pixels(const struct snapshot *s); /* bytes of pixels */

#endif
