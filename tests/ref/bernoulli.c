#include <math.h>

#include "ref.h"

double ref_bernoulli(double logit, double x)
{
    return fmax(logit, 0) - logit * x + log1p(exp(-fabs(logit)));
}

double ref_bernoulli_grad(double logit, double x)
{
    return 1 / (1 + exp(-logit)) - x;
}
