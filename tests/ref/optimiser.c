#include <math.h>

#include "ref.h"

static double adam(double *m, double *v, double g, const struct ref_opt *o, double lr, int64_t t)
{
    *m = o->beta1 * *m + (1 - o->beta1) * g;
    *v = o->beta2 * *v + (1 - o->beta2) * g * g;
    double m_hat = *m / (1 - pow(o->beta1, (double)t));
    double v_hat = *v / (1 - pow(o->beta2, (double)t));
    return lr * m_hat / (sqrt(v_hat) + o->eps);
}

static double rmsprop(double *v, double g, const struct ref_opt *o, double lr)
{
    *v = o->alpha * *v + (1 - o->alpha) * g * g;
    return lr * g / (sqrt(*v) + o->eps);
}

/* Without dampening the first step needs no case of its own: momentum * 0 + g. */
static double sgd(double *m, double g, const struct ref_opt *o, double lr)
{
    *m = o->momentum * *m + g;
    return lr * *m;
}

void ref_update(double *theta, double *m, double *v, const double *grad, size_t n, const struct ref_opt *o, double lr,
                int64_t t)
{
    for (size_t i = 0; i < n; i++) {
        switch (o->kind) {
        case REF_ADAM: theta[i] -= adam(&m[i], &v[i], grad[i], o, lr, t); break;
        case REF_RMSPROP: theta[i] -= rmsprop(&v[i], grad[i], o, lr); break;
        case REF_SGD: theta[i] -= sgd(&m[i], grad[i], o, lr); break;
        }
    }
}
