#include <math.h>

#include "ref.h"

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* Phi and phi: distribution and density of the standard normal. */
static double normal_below(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}
static double normal_at(double x)
{
    return exp(-x * x / 2) / sqrt(2 * acos(-1.0));
}

double ref_act_value(double x, enum ref_act act)
{
    switch (act) {
    case REF_RELU: return fmax(x, 0);
    case REF_TANH: return tanh(x);
    case REF_LEAKY: return x > 0 ? x : 0.01 * x;
    case REF_ELU: return x > 0 ? x : expm1(x);
    case REF_SILU: return x * sigmoid(x);
    case REF_GELU: return x * normal_below(x);
    case REF_SOFTPLUS: return fmax(x, 0) + log1p(exp(-fabs(x)));
    case REF_ACTS: break;
    }
    return NAN;
}

double ref_act_slope(double x, enum ref_act act)
{
    switch (act) {
    case REF_RELU: return x > 0;
    case REF_TANH: return 1 - tanh(x) * tanh(x);
    case REF_LEAKY: return x > 0 ? 1 : 0.01;
    case REF_ELU: return x > 0 ? 1 : exp(x);
    case REF_SILU: return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
    case REF_GELU: return normal_below(x) + x * normal_at(x);
    case REF_SOFTPLUS: return sigmoid(x);
    case REF_ACTS: break;
    }
    return NAN;
}

bool ref_act_has_kink(enum ref_act act)
{
    return act == REF_RELU || act == REF_LEAKY;
}

void ref_activate(double *y, size_t n, enum ref_act act)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = ref_act_value(y[i], act);
    }
}

void ref_activate_back(double *dy, const double *pre, size_t n, enum ref_act act)
{
    for (size_t i = 0; i < n; i++) {
        dy[i] *= ref_act_slope(pre[i], act);
    }
}
