#include <math.h>

#include "ref.h"

double ref_beta_linear(double beta, int64_t step, double warmup_steps)
{
    return warmup_steps > 0 ? beta * fmin(1, (double)step / warmup_steps) : beta;
}

double ref_lr_cosine(double lr, int64_t step, int64_t total_steps)
{
    double done = fmin(1, (double)step / (double)total_steps);
    return lr * 0.5 * (1 + cos(acos(-1.0) * done));
}
