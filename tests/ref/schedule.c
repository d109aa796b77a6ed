#include <math.h>

#include "ref.h"

double ref_beta_linear(double beta, int64_t step, double warmup_steps)
{
    return warmup_steps > 0 ? beta * fmin(1, (double)step / warmup_steps) : beta;
}

/* 1 / (1 + e^(-k (t - t0))) with t0 = W / 2 and k W = 12: .0025 at 0, .9975 at W. */
double ref_beta_sigmoid(double beta, int64_t step, double warmup_steps)
{
    return warmup_steps > 0 ? beta / (1 + exp(-12 * ((double)step / warmup_steps - 0.5))) : beta;
}

/* Fu et al. 2019. */
double ref_beta_cyclical(double beta, int64_t step, double total_steps, int cycles, double ratio)
{
    double period = total_steps / cycles, into = fmod((double)step, period) / period;
    return beta * fmin(1, into / ratio);
}

double ref_lr_cosine(double lr, int64_t step, int64_t total_steps)
{
    double done = fmin(1, (double)step / (double)total_steps);
    return lr * 0.5 * (1 + cos(acos(-1.0) * done));
}

double ref_lr_step(double lr, int64_t step, double gamma, double every)
{
    for (double at = every; at <= (double)step; at += every) {
        lr *= gamma;
    }
    return lr;
}

double ref_lr_exponential(double lr, int64_t step, double gamma, double every)
{
    return lr * exp(log(gamma) * (double)step / every);
}

double ref_lr_warmup(int64_t step, double warmup_steps)
{
    return (double)step + 1 < warmup_steps ? (double)(step + 1) / warmup_steps : 1;
}

/* torch.optim.lr_scheduler.ReduceLROnPlateau with threshold_mode "abs" and no cooldown. */
double ref_plateau(const double *value, int n, double gamma, int patience, double threshold)
{
    double best = HUGE_VAL, factor = 1;
    int bad = 0;
    for (int i = 0; i < n; i++) {
        if (value[i] < best - threshold) {
            best = value[i];
            bad = 0;
        } else {
            bad++;
        }
        if (bad > patience) {
            factor *= gamma;
            bad = 0;
        }
    }
    return factor;
}
