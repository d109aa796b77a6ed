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

/* m is the momentum's buffer. */
static double rmsprop(double *m, double *v, double *average, double g, const struct ref_opt *o, double lr)
{
    *v = o->alpha * *v + (1 - o->alpha) * g * g;
    double spread = *v;
    if (average) {
        *average = o->alpha * *average + (1 - o->alpha) * g;
        spread -= *average * *average;
    }
    double step = g / (sqrt(spread) + o->eps);
    if (o->momentum == 0) {
        return lr * step;
    }
    *m = o->momentum * *m + step;
    return lr * *m;
}

/* Without dampening the first step needs no case of its own: momentum * 0 + g. */
static double sgd(double *m, double g, const struct ref_opt *o, double lr)
{
    *m = o->momentum * *m + g;
    return lr * (o->nesterov ? g + o->momentum * *m : *m);
}

void ref_update(double *theta, double *m, double *v, const double *grad, size_t n, const struct ref_opt *o, double lr,
                int64_t t)
{
    double length = 0, factor = 1;
    for (size_t i = 0; i < n; i++) {
        length += grad[i] * grad[i];
    }
    length = sqrt(length);
    if (o->skip > 0 && !(length <= o->skip)) {
        return;
    }
    if (o->clip > 0) {
        factor = fmin(1, o->clip / (length + 1e-6));
    }
    for (size_t i = 0; i < n; i++) {
        double g = factor * grad[i], decay = o->no_decay && o->no_decay[i] ? 0 : o->weight_decay;
        if (o->kind == REF_ADAMW) {
            theta[i] *= 1 - lr * decay;
        } else {
            g += decay * theta[i];
        }
        switch (o->kind) {
        case REF_ADAM:
        case REF_ADAMW: theta[i] -= adam(&m[i], &v[i], g, o, lr, t); break;
        case REF_RMSPROP: theta[i] -= rmsprop(&m[i], &v[i], o->average ? &o->average[i] : NULL, g, o, lr); break;
        case REF_SGD: theta[i] -= sgd(&m[i], g, o, lr); break;
        }
        if (o->mean) {
            double keep = fmin(o->ema, (double)t / (double)(t + 9));
            o->mean[i] = keep * o->mean[i] + (1 - keep) * theta[i];
        }
    }
}
