#include <math.h>

#include "ref.h"

double ref_gauss(double x, double mean, double g)
{
    return 0.5 * (x - mean) * (x - mean) * exp(-2 * g) + g + 0.5 * log(2 * acos(-1.0));
}

double ref_gauss_dmean(double x, double mean, double g)
{
    return (mean - x) * exp(-2 * g);
}

double ref_gauss_dg(double x, double mean, double g)
{
    return 1 - (x - mean) * (x - mean) * exp(-2 * g);
}

double ref_sigma_floored(double raw)
{
    return -6 + log1p(exp(raw + 6));
}

double ref_sigma_slope(double raw)
{
    return 1 / (1 + exp(-(raw + 6)));
}
