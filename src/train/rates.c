/* Learning rate and beta of a step. */
#include <math.h>

#include "train_private.h"

int64_t steps_per_epoch(const struct trainer *t)
{
    const int64_t n = (int64_t)t->data->split->n_train, batch = t->plan.net.batch;
    return (n + batch - 1) / batch;
}

/* Factor of the plateau schedule after n epochs: PyTorch's ReduceLROnPlateau in abs mode, for a -ELBO may be negative. A
 * function of the epochs' values, so that a checkpoint, which has them, needs to hold nothing more. */
static double plateau(const struct config *c, const struct epoch_row *row, int64_t n)
{
    const double gamma = config_f64(c, KNOB_OPTIMIZER_LR_GAMMA), gain = config_f64(c, KNOB_OPTIMIZER_LR_THRESHOLD);
    const int64_t patience = config_i64(c, KNOB_OPTIMIZER_LR_PATIENCE);
    double best = HUGE_VAL, factor = 1;
    int64_t bad = 0;
    for (int64_t i = 0; i < n; i++) {
        bad = row[i].value < best - gain ? 0 : bad + 1;
        if (bad == 0) best = row[i].value;
        if (bad <= patience) continue;
        factor *= gamma;
        bad = 0;
    }
    return factor;
}

/* Cosine falls per step over all planned steps and stays at its end behind them. */
static double factor(const struct train_lane *l, int64_t step, int64_t per_epoch)
{
    const struct config *c = &l->config;
    const double epochs = (double)step / (double)per_epoch, gamma = config_f64(c, KNOB_OPTIMIZER_LR_GAMMA);
    const double every = config_f64(c, KNOB_OPTIMIZER_LR_EVERY);
    switch ((enum lr_schedule)config_choice(c, KNOB_OPTIMIZER_LR_SCHEDULE)) {
    case LR_COSINE: {
        const double total = (double)config_i64(c, KNOB_TRAIN_EPOCHS);
        return 0.5 * (1 + cos(3.14159265358979323846 * (total > 0 ? fmin(1, epochs / total) : 1)));
    }
    case LR_STEP: return pow(gamma, floor(epochs / every));
    case LR_EXPONENTIAL: return pow(gamma, epochs / every);
    case LR_PLATEAU: return plateau(c, l->row, step / per_epoch < l->n_rows ? step / per_epoch : l->n_rows);
    case LR_CONSTANT: break;
    }
    return 1;
}

double schedule_lr(const struct train_lane *l, int64_t step, int64_t per_epoch)
{
    const double lr = config_f64(&l->config, KNOB_OPTIMIZER_LR);
    const double least = fmin(lr, config_f64(&l->config, KNOB_OPTIMIZER_LR_MIN));
    const double warmup = config_f64(&l->config, KNOB_OPTIMIZER_LR_WARMUP) * (double)per_epoch;
    const double now = factor(l, step, per_epoch);
    const bool cosine = config_choice(&l->config, KNOB_OPTIMIZER_LR_SCHEDULE) == LR_COSINE;
    const double scheduled = cosine ? least + (lr - least) * now : fmax(least, lr * now);
    return (double)(step + 1) < warmup ? scheduled * (double)(step + 1) / warmup : scheduled;
}

/* Warm-ups count epochs with their fractions: linear is 0 at the first step and all of beta from `beta_warmup` epochs
 * on; the sigmoid goes the same way from .0025 to .9975; cycles (Fu et al. 2019) share the planned epochs out. */
double schedule_beta(const struct config *c, int64_t step, int64_t per_epoch)
{
    const double beta = config_f64(c, KNOB_LOSS_BETA), warmup = config_f64(c, KNOB_LOSS_BETA_WARMUP);
    const double epochs = (double)step / (double)per_epoch, planned = (double)config_i64(c, KNOB_TRAIN_EPOCHS);
    switch ((enum beta_schedule)config_choice(c, KNOB_LOSS_BETA_SCHEDULE)) {
    case BETA_LINEAR: return warmup > 0 ? beta * fmin(1, epochs / warmup) : beta;
    case BETA_SIGMOID: return warmup > 0 ? beta / (1 + exp(-12 * (epochs / warmup - 0.5))) : beta;
    case BETA_CYCLICAL: {
        const double at = epochs * (double)config_i64(c, KNOB_LOSS_BETA_CYCLES) / planned; /* planned > 0: there is a step */
        return beta * fmin(1, (at - floor(at)) / config_f64(c, KNOB_LOSS_BETA_RATIO));
    }
    case BETA_CONSTANT: break;
    }
    return beta;
}

bool schedule_stops(const struct train_lane *l)
{
    const int64_t patience = config_i64(&l->config, KNOB_TRAIN_PATIENCE);
    double best = HUGE_VAL;
    int64_t waited = 0;
    for (int i = config_first_best(&l->config) - 1; patience > 0 && i < l->n_rows; i++) {
        waited = i < 0 || l->row[i].value < best ? 0 : waited + 1;
        if (i >= 0) best = fmin(best, l->row[i].value);
    }
    return patience > 0 && waited >= patience;
}

double schedule_capacity(const struct config *c, int64_t step, int64_t per_epoch)
{
    const double most = config_f64(c, KNOB_LOSS_CAPACITY), warmup = config_f64(c, KNOB_LOSS_CAPACITY_WARMUP);
    return warmup > 0 ? most * fmin(1, (double)step / (double)per_epoch / warmup) : most;
}
