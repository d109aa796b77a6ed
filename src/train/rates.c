/* Learning rate and beta of a step. */
#include <math.h>

#include "train_private.h"

int64_t steps_per_epoch(const struct trainer *t)
{
    const int64_t n = (int64_t)t->data->split->n_train, batch = t->plan.net.batch;
    return (n + batch - 1) / batch;
}

/* Cosine falls per step over all planned steps and stays at 0 behind them. */
double schedule_lr(const struct config *c, int64_t step, int64_t per_epoch)
{
    const double lr = config_f64(c, KNOB_OPTIMIZER_LR);
    if (config_choice(c, KNOB_OPTIMIZER_LR_SCHEDULE) != LR_COSINE) return lr;
    const double total = (double)(config_i64(c, KNOB_TRAIN_EPOCHS) * per_epoch);
    const double done = total > 0 ? fmin(1, (double)step / total) : 1;
    return lr * 0.5 * (1 + cos(3.14159265358979323846 * done));
}

/* Linear warm-up counts epochs with their fractions: 0 at the first step, all of beta from `beta_warmup` epochs on. */
double schedule_beta(const struct config *c, int64_t step, int64_t per_epoch)
{
    const double beta = config_f64(c, KNOB_LOSS_BETA), warmup = config_f64(c, KNOB_LOSS_BETA_WARMUP);
    if (config_choice(c, KNOB_LOSS_BETA_SCHEDULE) != BETA_LINEAR || warmup <= 0) return beta;
    return beta * fmin(1, (double)step / (double)per_epoch / warmup);
}

int schedule_first_best(const struct config *c)
{
    const double epochs = (double)config_i64(c, KNOB_TRAIN_EPOCHS);
    if (config_choice(c, KNOB_LOSS_BETA_SCHEDULE) != BETA_LINEAR) return epochs < 1 ? 0 : 1;
    return (int)fmin(epochs, fmax(1, ceil(config_f64(c, KNOB_LOSS_BETA_WARMUP))));
}
