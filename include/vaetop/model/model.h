/* Host side of the kernels: a pack of lanes in device memory, one function per kernel and one per step.
 *
 * A pack has `slots` places of equal padded shape (struct plan). A lane sits in a slot with its own true sizes,
 * constants and weights. Every launch runs for the lanes named by pack_steps(), in that order; what a lane computes
 * does not depend on its slot, on the other lanes or on their number. No function here waits for the device unless it
 * says "reads" or "writes". One pack at a time is driven; nothing is thread-safe. */
#ifndef VAETOP_MODEL_MODEL_H
#define VAETOP_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/base/rng.h"
#include "vaetop/conf/config.h"
#include "vaetop/device/device.h"
#include "vaetop/plan/plan.h"

/* --- the data set on the device, shared by packs ------------------------------------------------------------- */

struct pack_rows {
    const void *x;                /* (n, dim) row-major uint8 (stands for x / 255) or float32; borrowed for the call */
    bool is_u8;
    size_t n, dim;
    const uint32_t *train, *val;  /* row numbers < n */
    size_t n_train, n_val;        /* n_train > 0 */
};
struct pack_data;
/* Errors: DEVICE_MEM, CL, USAGE (a row number out of range, more than 2^31 rows). */
WUR enum err_code pack_data_new(struct pack_data **out, struct device *dev, const struct pack_rows *r, struct err *e);
void pack_data_free(struct pack_data *d);
size_t pack_data_train_rows(const struct pack_data *d);
size_t pack_data_val_rows(const struct pack_data *d);

/* --- what a lane is ------------------------------------------------------------------------------------------ */

/* Constants of a lane, as the kernels read them (cl/prelude.clh, struct lane): 256 bytes. */
struct pack_lane {
    uint32_t key[2];        /* rng_key(study seed, trial) */
    int32_t activation;     /* enum activation */
    int32_t optimizer;      /* enum optimizer_kind */
    int32_t latent;         /* true size; columns beyond it stay zero */
    float beta1, not_beta1; /* adam: b1, 1 - b1 · rmsprop: unused */
    float beta2, not_beta2; /* adam: b2, 1 - b2 · rmsprop: alpha, 1 - alpha */
    float eps;              /* adam, rmsprop: outside the root, as PyTorch */
    float momentum;         /* sgd: buf = momentum buf + g (buf is moment 1, so it holds g when momentum is 0) · rmsprop:
                             * the same of its step, where it is not 0 */
    float weight_decay, bias_decay;
    int32_t nesterov;       /* sgd */
    int32_t centered;       /* rmsprop: moment 3 is the mean gradient */
    int32_t binarize;       /* enum data_binarize */
    uint32_t data_key[2];   /* rng_key(data.seed, -1): of draws that are the same for every trial */
    float log_sigma;        /* gauss_fixed */
    float capacity_weight;  /* 0: no capacity */
    float free_bits;        /* nats a dimension; 0: none */
    float clip, skip;       /* lengths of a gradient; 0: none */
    float ema;              /* 0: none */
    float dropout, kept;    /* share of hidden units left out of a training step; 1 / (1 - it), factor on the others */
    uint32_t unused[4];
    int32_t width[2 * NET_HIDDEN_MAX + 2]; /* true columns of each layer's output: what is not at 0 for 0 is cut there */
};
void pack_lane_init(struct pack_lane *out, const struct config *c, struct rng_key key);
/* Takes the widths from a network that is not the config's. */
void pack_lane_widths(struct pack_lane *lane, const struct net *n);

enum step_mode { STEP_TRAIN, STEP_EVAL };

/* One step of one lane, as the kernels read it (struct step): 80 bytes. A pure function of the lane's config and its
 * absolute step number, so chunking cannot change it. */
struct pack_step {
    uint32_t step_lo, stream; /* latent noise: see below. stream = RNG_LATENT | step_hi << 8, or RNG_EVAL */
    int32_t mode;             /* enum step_mode */
    int32_t first, rows;      /* position in the epoch's order, and true rows of this batch: 1 .. batch */
    uint32_t shuffle[4];      /* key of the epoch's order: shuffle_key() */
    float lr;                 /* learning rate in force; sgd, rmsprop */
    float lr_adam;            /* lr / (1 - beta1^t), t = 1 for the first step */
    float root_adam;          /* 1 / sqrt(1 - beta2^t) */
    float beta;               /* weight of the KL term in force */
    float scale;              /* 1 / rows: gradients are of the batch mean */
    uint32_t draw;            /* binarised data: 0: the fixed draw, else epoch + 1 */
    float capacity;           /* nats the KL is pulled to, where the lane has a capacity_weight */
    float ema;                /* memory of the moving mean weights at this step: min(ema, (1 + step) / (10 + step)) */
    uint32_t unused[3];
};
/* What a schedule says of one step. capacity: nats, where the lane has a capacity_weight. */
struct step_rates {
    double lr, beta, capacity;
};
/* Step number `step` (0 = first) of a lane: rows step * batch ... of its epoch's order. n_train and batch give the epoch and
 * the true size of the last batch. */
void pack_step_train(struct pack_step *out, const struct pack_lane *lane, int64_t step, size_t n_train, int batch,
                     struct step_rates rates);
/* Rows first .. first + rows - 1 of the validation part, in its order. beta counts as 1; nothing is updated. */
void pack_step_eval(struct pack_step *out, int64_t first, int rows);

/* Latent noise. Training: normal number (row r of the batch, dimension j) is output r % 4 of
 * Philox(counter = {j, r / 4, step_lo, stream}, key): words (0,1) give outputs 0, 1 and words (2,3) outputs 2, 3 by
 * Box-Muller: u = (word + 0.5) 2^-32, radius = sqrt(-2 ln u0), radius cos(2 pi u1), radius sin(2 pi u1).
 * Evaluation: output 0 of Philox({j, data set row, 0, RNG_EVAL}, key): the same noise every epoch.
 * Host twin in double, for tests and the reference. */
double latent_noise(const struct pack_lane *lane, const struct pack_step *s, uint32_t row, uint32_t j);

/* Dropout: unit j of a hidden layer (`layer` of the plan) in row r of a training step's batch is multiplied by 0 where
 * output r % 4 of Philox({j, r / 4 | layer << 16, step_lo, RNG_DROPOUT | step_hi << 8}, key), its upper 24 bits as a
 * fraction, is below lane->dropout, else by lane->kept. Host twin: that factor. */
double dropout_factor(const struct pack_lane *lane, const struct pack_step *s, int layer, uint32_t row, uint32_t j);

/* Binarised data: value j of a row of the data set becomes 1 where word < value, else 0. word: the upper 24 bits of output
 * j / 16 % 4 of Philox(counter = {j % 16 + j / 64 * 16, row, draw, RNG_BINARIZE}, draw ? key : data_key), as a fraction.
 * Host twin, for tests and evaluation: x (n) of one row. */
void binarize_row(float *x, size_t n, const struct pack_lane *lane, uint32_t draw, uint32_t row);

/* Order of the training rows: place i of the epoch holds train[shuffle_at(...)], a keyed bijection of 0 .. n - 1
 * (a Feistel network with cycle walking). n >= 1, i < n. The kernels compute the same. */
void shuffle_key(uint32_t out[4], struct rng_key key, int64_t epoch);
uint32_t shuffle_at(const uint32_t key[4], uint32_t n, uint32_t i);

/* --- weights by name ----------------------------------------------------------------------------------------- */

/* One trained tensor as PyTorch has it: weight (rows = out, cols = in), all others (rows = out, cols = 1).
 * Order: encoder.0.weight, encoder.0.bias, with layer norm encoder.0.norm.weight, encoder.0.norm.bias, ..., mu.weight,
 * mu.bias, logvar.weight, logvar.bias, decoder.0.weight, ..., logits.weight, logits.bias, and where the network has one
 * log_sigma. */
enum tensor_kind {
    PARAM_WEIGHT,
    PARAM_BIAS,
    PARAM_GAIN,  /* of layer norm */
    PARAM_SHIFT,
    PARAM_SIGMA  /* log_sigma, one number: gauss_learned and gauss_optimal */
};
struct tensor_info {
    char name[32];
    int layer;    /* of the plan */
    enum tensor_kind kind;
    int column;   /* first column in the layer's W: 0, or latent_pad for logvar */
    int rows, cols;
};
#define NET_TENSORS_MAX (8 * NET_HIDDEN_MAX + 7)
/* n: the lane's own true sizes; p: the pack's padding, of the same depth and at least that wide. Returns the count. */
int net_tensors(struct tensor_info out[NET_TENSORS_MAX], const struct net *n, const struct plan *p);

/* Between a lane's arena (plan->params floats, padded) and a tensor in PyTorch's layout. tensor_to_arena writes only
 * the tensor's own places: start from a zero arena, padding must stay zero. */
void tensor_from_arena(float *out, const float *arena, const struct plan *p, const struct tensor_info *t);
void tensor_to_arena(float *arena, const float *in, const struct plan *p, const struct tensor_info *t);
/* Up to `most` of a tensor's values, spread evenly over its rows and columns, from the same places each time. Returns how
 * many. */
int tensor_sample(float *out, int most, const float *arena, const struct plan *p, const struct tensor_info *t);

/* By n->init, from RNG_INIT, stream step = index of the tensor in net_tensors(). torch: W and b uniform in
 * +-1/sqrt(fan in); glorot: W uniform in +-sqrt(6/(fan in + fan out)); he: W normal, deviation sqrt(2/fan in); both b 0.
 * Layer norm starts at gain 1, shift 0, and does not count as a tensor of the stream.
 * Fills a whole arena (padding zero). */
void weights_init(float *arena, const struct net *n, const struct plan *p, struct rng_key key);
/* Bias of the last layer from the data's means (n->data values): for bernoulli their logits, cut to .001 .. .999. */
void weights_bias_from(float *arena, const struct net *n, const struct plan *p, const double *mean);

/* --- the pack ------------------------------------------------------------------------------------------------ */

/* Who multiplies in the plain plan: our 16 x 16 tiles, or CLBlast followed by the same kernels for what comes after. */
enum provider { PROVIDER_TILE, PROVIDER_CLBLAST };
/* By table from device type and shape. */
enum provider provider_default(bool device_is_cpu, const struct plan *p);

struct pack;
/* An empty pack (0 slots). dev, data: borrowed. plan: copied. Errors: CL, DEVICE_MEM. */
WUR enum err_code pack_new(struct pack **out, struct device *dev, struct pack_data *data, const struct plan *plan,
                           struct err *e);
void pack_free(struct pack *pk);
const struct plan *pack_plan(const struct pack *pk);
void pack_set_provider(struct pack *pk, enum provider pr); /* plain plan only */
uint64_t pack_bytes(const struct pack *pk);                /* device memory, without the data set */
/* What a GEMM library takes besides, once for the device, with the provider in force. Errors: CL. */
WUR enum err_code pack_temp_bytes(size_t *bytes, const struct pack *pk, struct err *e);

/* Changes the number of slots, keeping what is in the first ones; new slots are zero. On error the old slots stay.
 * Errors: DEVICE_MEM, CL. Reads and writes. */
WUR enum err_code pack_resize(struct pack *pk, int slots, struct err *e);
int pack_slots(const struct pack *pk);
void pack_set_lane(struct pack *pk, int slot, const struct pack_lane *lane);

/* MOMENT3 only where plan->net.third_moment, EMA where plan->net.ema. */
enum arena { ARENA_WEIGHTS, ARENA_MOMENT1, ARENA_MOMENT2, ARENA_BEST, ARENA_MOMENT3, ARENA_EMA, ARENA_COUNT };
bool pack_has_arena(const struct pack *pk, enum arena a);
/* A whole arena of a slot: plan->params floats, padded. Reads, writes. */
WUR enum err_code pack_read_arena(struct pack *pk, int slot, enum arena a, float *out, struct err *e);
WUR enum err_code pack_write_arena(struct pack *pk, int slot, enum arena a, const float *in, struct err *e);
/* ARENA_BEST = what evaluation uses, ARENA_EMA or ARENA_WEIGHTS, for one slot; queued. */
WUR enum err_code pack_keep_best(struct pack *pk, int slot, struct err *e);

/* Activations of a slot after a step: rows x cols (true sizes) from the padded arena. layer: of the plan.
 * IN: the layer's input (layer 0: the gathered rows, heads' successor: z) · OUT: after the activation (heads: use
 * column 0 for mu, latent_pad for logvar; logits: not kept, see OP_LOSS) · GRAD: d loss / d (output before the
 * activation and the norm) · PRE: hidden layers, before the activation, for those that keep it; with layer norm the
 * normalised values. column: first column. Reads,
 * writes. */
enum act { ACT_IN, ACT_OUT, ACT_GRAD, ACT_PRE };
struct act_view {
    int slot, layer;
    enum act what;
    int column, rows, cols;
};
WUR enum err_code pack_read_act(struct pack *pk, const struct act_view *v, float *out, struct err *e);
WUR enum err_code pack_write_act(struct pack *pk, const struct act_view *v, const float *in, struct err *e);

/* Names the slots the next launches run for and gives each `n_steps` steps: steps[i * n_steps + k] is step k of
 * slot[i]. n_steps <= plan->ring_steps (training) or plan->eval_steps (evaluation). Writes. */
WUR enum err_code pack_steps(struct pack *pk, const int *slot, int n, const struct pack_step *steps, int n_steps,
                             struct err *e);

/* Single kernels of the plain plan, for tests; k: which of the steps. layer counts where it says so. Queued. */
enum pack_op {
    OP_GATHER,      /* ACT_IN of layer 0 = rows of the data set / 255, zero beyond `rows` */
    OP_FORWARD,     /* hidden layer `layer`: ACT_OUT = dropout(activation(norm(ACT_IN W + b))), the norm if it has one */
    OP_LATENT,      /* heads: ACT_OUT = mu | logvar; ACT_IN of the next layer = mu + exp(logvar / 2) noise; KL sums */
    OP_LOSS,        /* last layer: logits, sum of the rows' losses; ACT_GRAD = (sigmoid(logit) - x) / rows */
    OP_BACK,        /* layer > 0, not the one after the heads: ACT_GRAD of layer - 1 = (ACT_GRAD W^T) activation', through
                     * its dropout and norm */
    OP_BACK_LATENT, /* the layer after the heads: ACT_GRAD of the heads = dmu | dlogvar, KL's part included */
    OP_BATCH,       /* with batch statistics, after OP_SUMS: weights of the KL, best deviation and the gradient by it */
    OP_SUMS,        /* sums of OP_LATENT and OP_LOSS over 16 rows, in fixed order, to the ring */
    OP_UPDATE,      /* all layers: gradient of W and b from ACT_IN and ACT_GRAD, and the optimiser's step */
    OP_CHAIN        /* the chain plan's first launch: everything but OP_UPDATE */
};
WUR enum err_code pack_op(struct pack *pk, enum pack_op op, int layer, int k, struct err *e);

/* One whole step (forward, backward, update) or one evaluation batch, in the pack's plan. Queued. */
WUR enum err_code pack_train(struct pack *pk, int k, struct err *e);
/* All steps of pack_steps(), one after the other; the same bits as pack_train() for each. */
WUR enum err_code pack_train_all(struct pack *pk, struct err *e);
WUR enum err_code pack_eval(struct pack *pk, int k, struct err *e);
/* Whether the next evaluations use ARENA_EMA. */
void pack_use_ema(struct pack *pk, bool use);

/* Sums over the true rows of step k of the i-th lane named in pack_steps(), nats, in double from the ring's 16-row
 * sums. not_finite: some 16-row sum was NaN or infinite. Reads: pack_fetch_ring() once, then pack_loss(). */
struct pack_loss {
    double rec, kl;
    double kl_term; /* capacity and free bits: what the KL adds to the loss, weighted, as batch mean; else 0 */
    double norm; /* length of the gradient, where the network needs it, else 0 */
    bool not_finite;
};
WUR enum err_code pack_fetch_ring(struct pack *pk, struct err *e);
void pack_loss(const struct pack *pk, int i, int k, struct pack_loss *out);

/* Log-deviation in force for evaluation, of the gaussian likelihoods. Reads. */
WUR enum err_code pack_log_sigma(struct pack *pk, int slot, double *out, struct err *e);
/* What the raw weight of gauss_learned stands for: never below -6. */
double sigma_floored(double raw);

/* Per-dimension sums of evaluation step k over its true rows, added to the three arrays of lane->latent doubles:
 * KL, mu, mu^2. After pack_fetch_stats(), which reads. */
WUR enum err_code pack_fetch_stats(struct pack *pk, struct err *e);
void pack_add_stats(const struct pack *pk, int i, int k, double *kl, double *mu, double *mu2);

/* Latent means (rows, latent) of evaluation rows 0 .. rows - 1 (rows <= PLAN_MEAN_ROWS) of a slot. Reads. */
WUR enum err_code pack_read_means(struct pack *pk, int slot, int rows, int latent, float *out, struct err *e);

/* Latent means of any rows of the data set with a slot's current or best weights: mu (n_rows, latent).
 * Replaces pack_steps(). Reads. */
WUR enum err_code pack_encode(struct pack *pk, int slot, enum arena weights, const uint32_t *rows, size_t n_rows,
                              float *mu, struct err *e);

/* Known-answer probes of what kernels compute inside: n >= 1 entries each. Reads.
 * philox: out (n, 4) from counters (n, 4). normals: out (n) as latent_noise() for rows 0 .. n - 1, dimension j. order:
 * out (n) = shuffle_at(key, n, 0 .. n - 1). */
WUR enum err_code probe_philox(struct device *dev, const uint32_t key[2], const uint32_t *counter, uint32_t *out,
                               size_t n, struct err *e);
WUR enum err_code probe_normals(struct device *dev, const struct pack_lane *lane, const struct pack_step *s, uint32_t j,
                                float *out, size_t n, struct err *e);
WUR enum err_code probe_order(struct device *dev, const uint32_t key[4], uint32_t *out, size_t n, struct err *e);

#endif
