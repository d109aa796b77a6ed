/* The knob table: every setting of a study, once. Parser, ranges, --help, man page, store and columns read it.
 *
 * Named section.knob in presets, on the command line and as Optuna's parameter. A knob enters with the code that
 * obeys it. */
#ifndef VAETOP_CONF_KNOB_H
#define VAETOP_CONF_KNOB_H

#include <stdbool.h>
#include <stddef.h>

enum knob_type {
    KNOB_INT,    /* whole number */
    KNOB_FLOAT,  /* real number */
    KNOB_CHOICE, /* one of a fixed list of words */
    KNOB_TEXT    /* free text: names, paths, widths */
};

/* X(ID, section, name, type, default, min, max, choices, ranges allowed, unit, meaning)
 * min and max bound numbers (inclusive; 0,0 for words); choices separates words by '|'. The default is text as in
 * a preset. A knob marked RANGE may be searched, one marked FIXED takes one value per study. */
#define KNOB_LIST(X)                                                                                                    \
    X(STUDY_NAME, "study", "name", KNOB_TEXT, "", 0, 0, "", false, "", "name of the study; default: the preset's name")  \
    X(STUDY_SAMPLER, "study", "sampler", KNOB_CHOICE, "random", 0, 0, "random|grid|sobol|tpe|gp|auto", false, "",          \
      "how trials are chosen: sobol spreads evenly; tpe and gp learn from the finished; auto picks")                   \
    X(STUDY_STARTUP, "study", "startup", KNOB_INT, "10", 2, 1e4, "", false, "trials",                                    \
      "first trials of tpe and gp, spread evenly")                                                                     \
    X(STUDY_PRUNER, "study", "pruner", KNOB_CHOICE, "none", 0, 0, "none|median|percentile|patience|asha|asha_stop",      \
      false, "",                                                                                                        \
      "ends trials early, never before their KL warm-up is over; asha pauses every trial at rungs and lets the best "    \
      "go on; asha_stop ends the others at once")                                                                       \
    X(STUDY_PRUNER_ETA, "study", "pruner_eta", KNOB_INT, "3", 2, 64, "", false, "",                                      \
      "asha: the best of so many go on from a rung, to so many times its epochs")                                       \
    X(STUDY_PRUNER_MIN_EPOCHS, "study", "pruner_min_epochs", KNOB_INT, "1", 1, 1e6, "", false, "epochs",                 \
      "nothing is pruned before; asha's lowest rung")                                                                   \
    X(STUDY_PRUNER_STARTUP, "study", "pruner_startup", KNOB_INT, "5", 1, 1e6, "", false, "trials",                       \
      "median, percentile: nothing is pruned before so many trials are done")                                           \
    X(STUDY_PRUNER_PERCENTILE, "study", "pruner_percentile", KNOB_FLOAT, "25", 0, 100, "", false, "%",                   \
      "percentile: a trial whose best is not within the best so many per cent at its epoch is pruned")                  \
    X(STUDY_PRUNER_PATIENCE, "study", "pruner_patience", KNOB_INT, "5", 1, 1e6, "", false, "epochs",                     \
      "patience: a trial without a better epoch for so many is pruned")                                                 \
    X(STUDY_TRIALS, "study", "trials", KNOB_INT, "16", 1, 1e6, "", false, "trials", "total number of trials")            \
    X(STUDY_SLOTS, "study", "slots", KNOB_INT, "4", 1, 256, "", false, "trials", "trials running at once")               \
    X(STUDY_SEED, "study", "seed", KNOB_INT, "0", 0, 9007199254740991.0, "", false, "", "seed of everything random")     \
    X(STUDY_OBJECTIVE, "study", "objective", KNOB_CHOICE, "elbo", 0, 0, "elbo|nll|rec|knn|rec,kl", false, "",             \
      "what trials are ranked by; elbo: least validation -ELBO at beta 1; nll: least importance-weighted likelihood, 16 " \
      "samples, first 512 validation rows; rec: least reconstruction; knn: accuracy of 5 nearest neighbours in latent "   \
      "means, first 2000 validation among first 5000 training rows; rec,kl: both, the front of the best trade-offs")      \
    X(STUDY_REQUIRE, "study", "require", KNOB_TEXT, "", 0, 0, "", false, "",                                             \
      "such as kl <= 20, active >= 5 (of rec, kl, active): trials that break it rank below all that keep it")            \
    X(STUDY_VALUE, "study", "value", KNOB_CHOICE, "best", 0, 0, "best|last", false, "",                                  \
      "a trial's value: its best epoch after the KL warm-up, or its last")                                              \
    X(STUDY_KEEP, "study", "keep", KNOB_INT, "20", 1, 1e6, "", false, "trials", "best finished trials whose weights are kept")   \
    X(STUDY_TIMEOUT, "study", "timeout", KNOB_FLOAT, "0", 0, 1e9, "", false, "s", "stop the study after this time; 0: never") \
    X(STUDY_STOP, "study", "stop", KNOB_CHOICE, "never", 0, 0, "never|no_gain", false, "",                               \
      "no_gain: end the study once the last 8 suggestions expected next to nothing and none improved the best; "         \
      "without a model: once 30 trials in a row did not")                                                                \
    X(DATA_SOURCE, "data", "source", KNOB_TEXT, "builtin:digits", 0, 0, "", false, "",                                   \
      "builtin:digits or the path of an IDX, NPY, CSV or TSV file, plain or .gz")                                       \
    X(DATA_LABELS, "data", "labels", KNOB_TEXT, "auto", 0, 0, "", false, "",                                             \
      "a labels file (IDX, NPY, one-column CSV); column NAME or column N of the table; auto: the file beside the images, " \
      "a column named label; none")                                                                                    \
    X(DATA_SHAPE, "data", "shape", KNOB_TEXT, "", 0, 0, "", false, "values",                                             \
      "height x width of a row's image, such as 28x28; empty: as in the file, no image in a table")                     \
    X(DATA_SCALE, "data", "scale", KNOB_CHOICE, "auto", 0, 0, "auto|none|255|unit|standard", false, "",                  \
      "255: divide by 255; unit: to 0..1; standard: to mean 0, deviation 1, both by the training rows, one pair of "     \
      "constants for images, one per column for tables; auto: 255 for bytes, none for others")                          \
    X(DATA_COUNT, "data", "count", KNOB_INT, "0", 0, 1e7, "", false, "images",                                           \
      "use the first N images (built-in: generate N); 0: all (built-in: 6000)")                                         \
    X(DATA_SEED, "data", "seed", KNOB_INT, "0", 0, 4294967295.0, "", false, "", "seed of the built-in digits and of a random split") \
    X(DATA_VALIDATION, "data", "validation", KNOB_TEXT, "0.2", 0, 0, "", false, "",                                      \
      "held out: a fraction drawn by seed (0.2), or `last N` images")                                                   \
    X(DATA_TEST, "data", "test", KNOB_TEXT, "", 0, 0, "", false, "",                                                     \
      "scored by eval only: the last N rows (`last N` or N), a fraction drawn by seed, or a file of their own; "         \
      "empty: none")                                                                                                    \
    X(DATA_BINARIZE, "data", "binarize", KNOB_CHOICE, "no", 0, 0, "no|static|dynamic", false, "",                        \
      "each value becomes 1 with itself as probability, else 0; static: once, by data.seed; dynamic: anew for each "     \
      "epoch of training, once for validation; the two do not compare")                                                  \
    X(MODEL_ENCODER, "model", "encoder", KNOB_TEXT, "", 0, 0, "", true, "units",                                         \
      "hidden widths of the encoder, such as 512,256; empty: depth x width")                                            \
    X(MODEL_DECODER, "model", "decoder", KNOB_TEXT, "", 0, 0, "", true, "units",                                         \
      "hidden widths of the decoder; empty: the encoder's reversed")                                                    \
    X(MODEL_DEPTH, "model", "depth", KNOB_INT, "1", 0, 16, "", true, "layers", "hidden layers on each side")             \
    X(MODEL_WIDTH, "model", "width", KNOB_INT, "400", 1, 16384, "", true, "units", "units per hidden layer")             \
    X(MODEL_LATENT, "model", "latent", KNOB_INT, "20", 1, 4096, "", true, "dimensions", "latent dimensions")             \
    X(MODEL_ACTIVATION, "model", "activation", KNOB_CHOICE, "relu", 0, 0,                                             \
      "relu|tanh|leaky|elu|silu|gelu|softplus", true, "",                                                               \
      "hidden activation; leaky: slope 0.01 below zero; gelu: by the error function")                                   \
    X(MODEL_NORM, "model", "norm", KNOB_CHOICE, "none", 0, 0, "none|layer", true, "",                                    \
      "layer: each hidden layer's units are brought to mean 0 and deviation 1 in every row, before the activation, then "   \
      "scaled and shifted by weights")                                                                                  \
    X(MODEL_DROPOUT, "model", "dropout", KNOB_FLOAT, "0", 0, 0.95, "", true, "",                                         \
      "share of hidden units left out of a training step, on both sides, drawn anew for each row and step")              \
    X(MODEL_INIT, "model", "init", KNOB_CHOICE, "torch", 0, 0, "torch|glorot|he", true, "",                              \
      "initial weights; torch: as PyTorch, uniform in 1/sqrt(inputs), biases too; glorot: uniform in "                   \
      "sqrt(6/(inputs+outputs)); he: normal, deviation sqrt(2/inputs)")                                                 \
    X(MODEL_BIAS, "model", "bias", KNOB_CHOICE, "init", 0, 0, "init|data", true, "",                                     \
      "initial bias of the decoder's last layer; init: as model.init; data: the training rows' mean")                   \
    X(LOSS_LIKELIHOOD, "loss", "likelihood", KNOB_CHOICE, "bernoulli", 0, 0,                                              \
      "bernoulli|gauss_fixed|gauss_learned|gauss_optimal", false, "",                                                   \
      "p(x|z): bernoulli from logits, for data in 0..1; gauss: normal around the decoder's output, its one deviation "   \
      "fixed, learned as a weight, or each batch's best (which a moving mean replaces in evaluation)")                  \
    X(LOSS_SIGMA, "loss", "sigma", KNOB_FLOAT, "0.1", 0.003, 1e3, "", true, "",                                          \
      "deviation of gauss_fixed, at the start of gauss_learned")                                                        \
    X(LOSS_BETA, "loss", "beta", KNOB_FLOAT, "1", 0, 1e4, "", true, "", "weight of the KL term in training")             \
    X(LOSS_BETA_SCHEDULE, "loss", "beta_schedule", KNOB_CHOICE, "constant", 0, 0,                                        \
      "constant|linear|sigmoid|cyclical", true, "",                                                                     \
      "linear: from 0 to beta over beta_warmup; sigmoid: the same way in an S; cyclical: beta_cycles times over the "    \
      "trial's epochs, each rising linearly over its first beta_ratio")                                                 \
    X(LOSS_BETA_WARMUP, "loss", "beta_warmup", KNOB_FLOAT, "5", 0, 1e6, "", true, "epochs", "length of the KL warm-up")  \
    X(LOSS_BETA_CYCLES, "loss", "beta_cycles", KNOB_INT, "4", 1, 1e6, "", true, "cycles", "cycles of the cyclical schedule") \
    X(LOSS_BETA_RATIO, "loss", "beta_ratio", KNOB_FLOAT, "0.5", 0.001, 1, "", true, "", "rising share of a cycle")       \
    X(LOSS_CAPACITY, "loss", "capacity", KNOB_FLOAT, "0", 0, 1e4, "", true, "nats",                                      \
      "instead of beta: the batch's KL is pulled towards this; 0: not so")                                              \
    X(LOSS_CAPACITY_WEIGHT, "loss", "capacity_weight", KNOB_FLOAT, "100", 0, 1e6, "", true, "",                          \
      "weight of the distance to the capacity")                                                                         \
    X(LOSS_CAPACITY_WARMUP, "loss", "capacity_warmup", KNOB_FLOAT, "10", 0, 1e6, "", true, "epochs",                     \
      "time in which the capacity rises from 0")                                                                        \
    X(LOSS_FREE_BITS, "loss", "free_bits", KNOB_FLOAT, "0", 0, 100, "", true, "nats",                                    \
      "KL of each latent dimension, batch mean, that costs nothing to use; 0: none")                                    \
    X(OPTIMIZER_KIND, "optimizer", "kind", KNOB_CHOICE, "adam", 0, 0, "adam|rmsprop|sgd|adamw", true, "",               \
      "update rule, each as PyTorch's")                                                                                 \
    X(OPTIMIZER_LR, "optimizer", "lr", KNOB_FLOAT, "0.001", 0, 1e3, "", true, "", "learning rate")                       \
    X(OPTIMIZER_LR_SCHEDULE, "optimizer", "lr_schedule", KNOB_CHOICE, "constant", 0, 0,                                  \
      "constant|cosine|step|exponential|plateau", true, "",                                                             \
      "cosine: from lr to lr_min over the trial's epochs; step: times lr_gamma after each lr_every epochs; exponential: " \
      "the same, smoothly; plateau: times lr_gamma when validation has not improved for lr_patience epochs")            \
    X(OPTIMIZER_LR_WARMUP, "optimizer", "lr_warmup", KNOB_FLOAT, "0", 0, 1e6, "", true, "epochs",                        \
      "linear rise of the learning rate, on top of any schedule")                                                       \
    X(OPTIMIZER_LR_GAMMA, "optimizer", "lr_gamma", KNOB_FLOAT, "0.5", 1e-6, 1, "", true, "",                             \
      "factor of the step, exponential and plateau schedules")                                                          \
    X(OPTIMIZER_LR_EVERY, "optimizer", "lr_every", KNOB_FLOAT, "10", 1e-3, 1e6, "", true, "epochs",                      \
      "epochs to one lr_gamma in the step and exponential schedules")                                                   \
    X(OPTIMIZER_LR_PATIENCE, "optimizer", "lr_patience", KNOB_INT, "10", 0, 1e6, "", true, "epochs",                     \
      "epochs without improvement that the plateau schedule bears")                                                     \
    X(OPTIMIZER_LR_THRESHOLD, "optimizer", "lr_threshold", KNOB_FLOAT, "0.0001", 0, 1e6, "", true, "nats",               \
      "smaller gains are no improvement to the plateau schedule")                                                       \
    X(OPTIMIZER_LR_MIN, "optimizer", "lr_min", KNOB_FLOAT, "0", 0, 1e3, "", true, "",                                    \
      "schedules do not go below it")                                                                                   \
    X(OPTIMIZER_WEIGHT_DECAY, "optimizer", "weight_decay", KNOB_FLOAT, "0", 0, 10, "", true, "",                         \
      "adamw: share of lr by which weights shrink each step; others: added to the gradient, times the weight")          \
    X(OPTIMIZER_DECAY_BIAS, "optimizer", "decay_bias", KNOB_CHOICE, "no", 0, 0, "no|yes", true, "",                      \
      "whether biases decay too")                                                                                       \
    X(OPTIMIZER_MOMENTUM, "optimizer", "momentum", KNOB_FLOAT, "0", 0, 0.9999, "", true, "", "momentum of sgd, rmsprop") \
    X(OPTIMIZER_NESTEROV, "optimizer", "nesterov", KNOB_CHOICE, "no", 0, 0, "no|yes", true, "",                          \
      "sgd: step from where momentum leads")                                                                            \
    X(OPTIMIZER_CENTERED, "optimizer", "centered", KNOB_CHOICE, "no", 0, 0, "no|yes", true, "",                          \
      "rmsprop: by the gradient's variance, not its square")                                                            \
    X(OPTIMIZER_ALPHA, "optimizer", "alpha", KNOB_FLOAT, "0.99", 0, 0.99999, "", true, "", "smoothing of rmsprop")       \
    X(OPTIMIZER_BETA1, "optimizer", "beta1", KNOB_FLOAT, "0.9", 0, 0.9999, "", true, "", "first-moment decay of adam(w)")   \
    X(OPTIMIZER_BETA2, "optimizer", "beta2", KNOB_FLOAT, "0.999", 0, 0.999999, "", true, "", "second-moment decay of adam(w)") \
    X(OPTIMIZER_EPS, "optimizer", "eps", KNOB_FLOAT, "1e-8", 1e-12, 1, "", true, "", "denominator floor of adam(w), rmsprop") \
    X(OPTIMIZER_CLIP, "optimizer", "clip", KNOB_FLOAT, "0", 0, 1e9, "", true, "",                                        \
      "longest gradient, as one vector of all weights: longer ones are shortened to it; 0: none are")                   \
    X(OPTIMIZER_SKIP, "optimizer", "skip", KNOB_FLOAT, "0", 0, 1e9, "", true, "",                                        \
      "steps whose gradient is longer, or not finite, change nothing and are counted; 0: none is skipped")              \
    X(OPTIMIZER_EMA, "optimizer", "ema", KNOB_FLOAT, "0", 0, 0.999999, "", true, "",                                     \
      "memory of moving mean weights, which evaluation then uses; 0: it uses the weights themselves")                   \
    X(TRAIN_EPOCHS, "train", "epochs", KNOB_INT, "20", 0, 1e6, "", true, "epochs", "passes over the training set")       \
    X(TRAIN_BATCH, "train", "batch", KNOB_INT, "128", 1, 65536, "", true, "images", "images per step")             \
    X(TRAIN_PATIENCE, "train", "patience", KNOB_INT, "0", 0, 1e6, "", true, "epochs",                                    \
      "end a trial whose validation has not improved for so many epochs; 0: never")

enum knob {
#define X(id, ...) KNOB_##id,
    KNOB_LIST(X)
#undef X
    KNOB_COUNT,
    KNOB_NONE = -1
};

struct knob_info {
    const char *section, *name;
    const char *full; /* "section.name" */
    enum knob_type type;
    const char *default_text;
    double min, max;
    const char *choices; /* "a|b|c" */
    bool range_allowed;
    const char *unit, *meaning;
};

const struct knob_info *knob_info(enum knob k);
/* Paper or program its meaning or default comes from; "": vaetop's own. */
const char *knob_source(enum knob k);

/* "section.knob" or, where only one section has it, "knob". KNOB_NONE if unknown. */
enum knob knob_find(const char *name);
/* Nearest known full name to suggest, or NULL. */
const char *knob_nearest(const char *name);

/* Words of a KNOB_CHOICE. The index order is the enum order below; tests hold them together. */
int knob_choice_count(enum knob k);
const char *knob_choice_name(enum knob k, int index); /* static; NULL out of range */
int knob_choice_index(enum knob k, const char *word); /* -1: no such word */

/* The choices as enums, in the table's order. */
enum sampler_kind { SAMPLER_RANDOM, SAMPLER_GRID, SAMPLER_SOBOL, SAMPLER_TPE, SAMPLER_GP, SAMPLER_AUTO };
enum stop_kind { STOP_NEVER, STOP_NO_GAIN };
enum pruner_kind {
    PRUNER_NONE,
    PRUNER_MEDIAN,
    PRUNER_PERCENTILE,
    PRUNER_PATIENCE,
    PRUNER_ASHA,
    PRUNER_ASHA_STOP
};
enum objective { OBJECTIVE_ELBO, OBJECTIVE_NLL, OBJECTIVE_REC, OBJECTIVE_KNN, OBJECTIVE_REC_KL };
enum value_kind { VALUE_BEST, VALUE_LAST };
enum data_scaling { SCALING_AUTO, SCALING_NONE, SCALING_255, SCALING_UNIT, SCALING_STANDARD };
enum data_binarize { BINARIZE_NO, BINARIZE_STATIC, BINARIZE_DYNAMIC };
enum activation { ACT_RELU, ACT_TANH, ACT_LEAKY, ACT_ELU, ACT_SILU, ACT_GELU, ACT_SOFTPLUS };
enum hidden_norm { NORM_NONE, NORM_LAYER };
enum weight_init { INIT_TORCH, INIT_GLOROT, INIT_HE };
enum output_bias { BIAS_INIT, BIAS_DATA };
enum likelihood { LIKE_BERNOULLI, LIKE_GAUSS_FIXED, LIKE_GAUSS_LEARNED, LIKE_GAUSS_OPTIMAL };
enum beta_schedule { BETA_CONSTANT, BETA_LINEAR, BETA_SIGMOID, BETA_CYCLICAL };
enum optimizer_kind { OPT_ADAM, OPT_RMSPROP, OPT_SGD, OPT_ADAMW };
enum lr_schedule { LR_CONSTANT, LR_COSINE, LR_STEP, LR_EXPONENTIAL, LR_PLATEAU };
enum no_yes { NO, YES };

#endif
