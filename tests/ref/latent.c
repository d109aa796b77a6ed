#include <math.h>

#include "ref.h"

double ref_clamp(double s, double lo, double hi)
{
    return fmin(fmax(s, lo), hi);
}

double ref_reparam(double mu, double s, double eps)
{
    return mu + exp(s / 2) * eps;
}

void ref_reparam_back(double *dmu, double *ds, double dz, double s, double eps)
{
    *dmu += dz;
    *ds += 0.5 * exp(s / 2) * eps * dz;
}

/* expm1(s) - s, not e^s - s - 1: near s = 0 the latter loses all its digits. */
double ref_kl(double mu, double s)
{
    return 0.5 * (mu * mu + (expm1(s) - s));
}

void ref_kl_back(double *dmu, double *ds, double scale, double mu, double s)
{
    *dmu += scale * mu;
    *ds += scale * 0.5 * expm1(s);
}
