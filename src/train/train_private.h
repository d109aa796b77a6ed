/* Inside the train layer: a lane's state and the pieces of the chunk loop. */
#ifndef VAETOP_TRAIN_PRIVATE_H
#define VAETOP_TRAIN_PRIVATE_H

#include "diagnosis.h"
#include "vaetop/model/model.h"
#include "vaetop/train/trainer.h"

struct trainer_data {
    struct pack_data *pack;
    const struct dataset *set;
    const struct split *split;
    double *mean; /* (dim) of the training rows as the kernels see them; NULL: not yet needed */
};

enum lane_state { LANE_FREE, LANE_ACTIVE, LANE_DONE, LANE_DIVERGED };

/* Sums over an epoch's true rows so far. */
struct epoch_sums {
    double loss, rec, kl, seconds;
    int64_t rows;
};

/* Counters of steps by the length of their gradient: of the epochs before the last finished one, of that one, of the one
 * under way. */
#define NORM_BINS 256
enum norms_of { NORMS_BEFORE, NORMS_LAST, NORMS_NOW, NORMS_COUNT };
struct motion {
    uint32_t norm[NORMS_COUNT][NORM_BINS];
    struct moved moved[2]; /* of the last finished epoch and of the one under way */
};

struct train_lane {
    enum lane_state state;
    int slot, trial;
    uint64_t study_seed;
    struct config config;
    struct net net;
    struct pack_lane constants;
    int64_t step;
    unsigned diagnosed;      /* bits by enum diagnosis: each is said once */
    int64_t skipped, skipped_in_a_row, skipped_said; /* steps that changed nothing, by optimizer.skip; logged so far */
    int epochs_done;
    int until;               /* lane_spec's */
    struct epoch_sums sums;
    struct motion motion;
    float *before;           /* samples of the weights before the step under way, where it is looked at; else NULL */
    double seconds;          /* chunks and evaluations this trial took part in */
    struct epoch_row *row;   /* (n_rows) every finished epoch */
    int n_rows, rows_cap;
    int resend_from;         /* first row to be sent again; n_rows: none */
    bool inexact;            /* goes on from a checkpoint of another device, driver or plan */
    bool announced;          /* EVENT_HELD, EVENT_DONE or EVENT_DIVERGED was sent */
    bool has_best;
    double best;             /* -ELBO of the weights in ARENA_BEST */
    double *axes;            /* (2, latent) plane of the last picture; NULL before the first */
    double last_loss;        /* nats, of the last step whose loss was finite; NaN before */
    double chunk_loss;       /* nats, mean of the last chunk; NaN before */
    char reason[160];        /* of a divergence */
    int64_t saved_ns, saved_step;
    int saved_epoch;
};

struct trainer {
    struct device *dev;
    struct trainer_data *data;
    struct pack *pack;
    struct plan plan;
    struct train_lane *lane; /* (n_lanes), by handle */
    int n_lanes;
    int idle_chunks;         /* chunks with a slot unused */
    double step_seconds;     /* of the last chunk that was not looked at, all its lanes together; 0 before the first */
    int timed_lanes;         /* lanes step_seconds was measured with */
    int64_t save_cost_ns;    /* of the last checkpoint; 0 before the first */
};

/* Largest value of the training rows and the root of their mean square, from up to 1,000 of them. */
void trainer_data_size(const struct trainer *t, double *most, double *deviation);
/* Nats of the mean image, against which any decoder must do better; NaN where that is not known. */
double trainer_baseline(struct trainer *t);

/* --- rates.c: pure functions of config and step. per_epoch: steps in an epoch. */
int64_t steps_per_epoch(const struct trainer *t);
double schedule_lr(const struct train_lane *l, int64_t step, int64_t per_epoch); /* of it: config and past epochs */
double schedule_beta(const struct config *c, int64_t step, int64_t per_epoch);
double schedule_capacity(const struct config *c, int64_t step, int64_t per_epoch);
/* Its patience is over: no epoch since the best one was better, for so many as train.patience says. Those of the KL
 * warm-up do not count. A function of the epochs' values, as the plateau schedule. */
bool schedule_stops(const struct train_lane *l);

/* --- evaluate.c */
struct evaluation {
    double rec, kl; /* means */
    double value;   /* what the objective makes of the epoch, minimised; evaluate() leaves it to its caller */
    double *dim_kl; /* (latent) */
    int active_units;
};
/* Evaluates lane[0 .. n - 1] (handles) together; out[i].dim_kl is allocated by it. */
WUR enum err_code evaluate(struct trainer *t, const int *lane, int n, struct evaluation *out, struct err *e);
/* Picture of a lane after evaluate(). */
WUR enum err_code snapshot_make(struct trainer *t, struct train_lane *l, const struct evaluation *ev,
                                struct snapshot *out, struct err *e);

/* --- units.c: stuck, stuck_layer, telling, cut, mu and logvar of a lane's evaluated weights, NaN where there are too few
 * validation rows. Replaces pack_steps(). */
WUR enum err_code units_look(struct trainer *t, const struct train_lane *l, struct symptoms *out, struct err *e);

/* --- motion.c */
void motion_init(struct motion *m);
void motion_norm(struct motion *m, double norm); /* of one more step of the epoch under way */
/* What a finished epoch looks like, before motion_turn() makes it the last one. */
void motion_tell(const struct motion *m, struct symptoms *out);
void motion_turn(struct motion *m);
/* The last step of the epoch under way is one of those that are looked at, and so takes a chunk of its own. */
bool motion_looks(const struct trainer *t, const struct train_lane *l);
/* Around a chunk: what its step does to the weights, where it is to be looked at. Errors: CL. Read. */
WUR enum err_code motion_before(struct trainer *t, struct train_lane *l, struct err *e);
WUR enum err_code motion_after(struct trainer *t, struct train_lane *l, struct err *e);

/* --- strips.c: images of the evaluated weights, where the data are images; mu: (n_val or more than enough, latent) means
 * of the validation rows. Replaces pack_steps(). */
WUR enum err_code strips_make(struct trainer *t, const struct train_lane *l, const float *mu, struct snapshot *out,
                              struct err *e);
/* A row of the data as evaluation sees it, binarised if the lane's are: x (dim). */
void row_as_seen(float *x, const struct dataset *set, const struct pack_lane *lane, uint32_t row);
/* Logits to the mean of p(x|z), in place: n values. */
void mean_of_logits(float *x, size_t n, const struct net *net);

/* --- pca.c: the plane of largest variance of x (n, dim), in place of it kept near `axes` (2, dim), which is read when
 * have_axes and always written. xy (n, 2). Returns the share of the variance in the plane. dim > 2, n > 0. */
double pca_plane(double *xy, const float *x, int n, int dim, double *axes, bool have_axes);

/* --- checkpoint.c */
WUR enum err_code checkpoint_load(struct trainer *t, struct train_lane *l, const struct lane_spec *s, struct err *e);

#endif
