#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref.h"

static double *zeros(size_t rows, size_t columns)
{
    double *p = calloc(rows * columns + 1, sizeof *p); /* + 1: a net may have no hidden layer */
    if (!p) {
        (void)fprintf(stderr, "ref: no memory\n");
        abort();
    }
    return p;
}

static double *copy_of(const double *src, size_t n)
{
    double *p = zeros(n, 1);
    memcpy(p, src, n * sizeof *p);
    return p;
}

int ref_layers(const struct ref_net *n)
{
    return n->n_enc + n->n_dec + 2;
}

struct ref_layer ref_layer(const struct ref_net *n, int i)
{
    struct ref_layer l = {0};
    size_t at = 0;
    int width = n->data;
    for (int j = 0; j <= i; j++) {
        int d = j - n->n_enc - 1; /* place in the decoder */
        l.in = j == n->n_enc + 1 ? n->latent : width;
        l.hidden = d < -1 || (d >= 0 && d < n->n_dec);
        if (d == -1) {
            l.out = 2 * n->latent;
        } else {
            l.out = d < 0 ? n->enc[j] : d < n->n_dec ? n->dec[d] : n->data;
        }
        l.w = at;
        l.b = at + (size_t)l.in * (size_t)l.out;
        at = l.b + (size_t)l.out;
        l.gain = l.shift = 0;
        if (l.hidden && n->layer_norm) {
            l.gain = at;
            l.shift = at + (size_t)l.out;
            at += 2 * (size_t)l.out;
        }
        width = l.out;
    }
    return l;
}

size_t ref_params(const struct ref_net *n)
{
    struct ref_layer last = ref_layer(n, ref_layers(n) - 1);
    return last.b + (size_t)last.out + (n->like == REF_GAUSS_LEARNED);
}

static const double *layer_input(const struct ref_pass *p, int i)
{
    return i == 0 ? p->x : i == p->net->n_enc + 1 ? p->z : p->y[i - 1];
}

/* z and the KL from the heads' output. */
static void latent_forward(struct ref_pass *p)
{
    const struct ref_net *n = p->net;
    for (int r = 0; r < p->batch; r++) {
        const double *mu = p->y[n->n_enc] + (size_t)r * 2 * (size_t)n->latent;
        const double *s = mu + n->latent;
        for (int d = 0; d < n->latent; d++) {
            size_t at = (size_t)r * (size_t)n->latent + (size_t)d;
            double cut = ref_clamp(s[d], n->s_min, n->s_max);
            p->z[at] = ref_reparam(mu[d], cut, p->eps[at]);
            p->kl_row[r] += ref_kl(mu[d], cut);
            p->kl_dim[d] += ref_kl(mu[d], cut) / p->batch;
        }
        p->kl += p->kl_row[r] / p->batch;
    }
}

/* The log-deviation in force. */
static double sigma_of(const struct ref_pass *p, const double *theta)
{
    const struct ref_net *n = p->net;
    const double *mean = p->y[ref_layers(n) - 1];
    size_t count = (size_t)p->batch * (size_t)n->data;
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        squares += (p->x[i] - mean[i]) * (p->x[i] - mean[i]);
    }
    switch (n->like) {
    case REF_BERNOULLI: return NAN;
    case REF_GAUSS_FIXED: return n->log_sigma;
    case REF_GAUSS_LEARNED: return ref_sigma_floored(theta[ref_params(n) - 1]);
    case REF_GAUSS_OPTIMAL: return 0.5 * log(squares / (double)count);
    }
    return NAN;
}

static void rec_forward(struct ref_pass *p, const double *theta)
{
    size_t data = (size_t)p->net->data;
    const double *logit = p->y[ref_layers(p->net) - 1];
    p->log_sigma = sigma_of(p, theta);
    for (int r = 0; r < p->batch; r++) {
        for (size_t i = (size_t)r * data; i < ((size_t)r + 1) * data; i++) {
            p->rec_row[r] += p->net->like == REF_BERNOULLI ? ref_bernoulli(logit[i], p->x[i])
                                                           : ref_gauss(p->x[i], logit[i], p->log_sigma);
        }
        p->rec += p->rec_row[r] / p->batch;
    }
}

/* The activation and dropout of a hidden layer of n values. */
static void activate(struct ref_pass *p, int i, size_t n)
{
    for (size_t j = 0; ref_act_has_kink(p->net->act) && j < n; j++) {
        p->kink = fmin(p->kink, fabs(p->pre[i][j]));
    }
    ref_activate(p->y[i], n, p->net->act);
    for (size_t j = 0; p->net->drop[i] && j < n; j++) {
        p->y[i][j] *= p->net->drop[i][j];
    }
}

struct ref_pass *ref_forward(const struct ref_net *n, const double *theta, const double *x, const double *eps,
                             int batch)
{
    struct ref_pass *p = calloc(1, sizeof *p);
    if (!p) {
        abort();
    }
    size_t rows = (size_t)batch, latent = (size_t)n->latent;
    p->net = n;
    p->batch = batch;
    p->kink = HUGE_VAL;
    p->strain = 1;
    p->x = copy_of(x, rows * (size_t)n->data);
    p->eps = copy_of(eps, rows * latent);
    p->z = zeros(rows, latent);
    p->rec_row = zeros(rows, 1);
    p->kl_row = zeros(rows, 1);
    p->kl_dim = zeros(latent, 1);
    for (int i = 0; i < ref_layers(n); i++) {
        struct ref_layer l = ref_layer(n, i);
        p->dense[i] = zeros(rows, (size_t)l.out);
        ref_dense(p->dense[i], layer_input(p, i), theta + l.w, theta + l.b, batch, l.in, l.out);
        p->pre[i] = copy_of(p->dense[i], rows * (size_t)l.out);
        if (l.gain) {
            p->strain *= ref_layer_norm_strain(layer_input(p, i), theta + l.w, p->dense[i], batch, l.in, l.out);
            ref_layer_norm(p->pre[i], p->dense[i], theta + l.gain, theta + l.shift, batch, l.out);
        }
        p->y[i] = copy_of(p->pre[i], rows * (size_t)l.out);
        if (l.hidden) {
            activate(p, i, rows * (size_t)l.out);
        }
        if (i == n->n_enc) {
            latent_forward(p);
        }
    }
    rec_forward(p, theta);
    return p;
}

double ref_loss(const struct ref_pass *p, double beta)
{
    const struct ref_net *n = p->net;
    double held = 0;
    if (n->capacity_weight > 0) {
        return p->rec + n->capacity_weight * fabs(p->kl - n->capacity);
    }
    for (int d = 0; d < n->latent; d++) {
        held += fmax(n->free_bits, p->kl_dim[d]);
    }
    return p->rec + beta * held;
}

/* d loss / d (batch mean KL of dimension d). */
static double kl_weight(const struct ref_pass *p, int d, double beta)
{
    const struct ref_net *n = p->net;
    if (n->capacity_weight > 0) {
        return p->kl > n->capacity ? n->capacity_weight : -n->capacity_weight;
    }
    return p->kl_dim[d] < n->free_bits ? 0 : beta;
}

/* dz and the KL's own gradient into the heads' gradient. */
static void latent_backward(struct ref_pass *p, double beta)
{
    const struct ref_net *n = p->net;
    for (int r = 0; r < p->batch; r++) {
        size_t row = (size_t)r * 2 * (size_t)n->latent;
        const double *mu = p->y[n->n_enc] + row, *s = mu + n->latent;
        double *dmu = p->dy[n->n_enc] + row, *ds = dmu + n->latent;
        for (int d = 0; d < n->latent; d++) {
            size_t at = (size_t)r * (size_t)n->latent + (size_t)d;
            double cut = ref_clamp(s[d], n->s_min, n->s_max);
            ref_reparam_back(&dmu[d], &ds[d], p->dz[at], cut, p->eps[at]);
            ref_kl_back(&dmu[d], &ds[d], kl_weight(p, d, beta) / p->batch, mu[d], cut);
            if (s[d] < n->s_min || s[d] > n->s_max) {
                ds[d] = 0;
            }
        }
    }
}

void ref_backward(double *grad, struct ref_pass *p, const double *theta, double beta)
{
    const struct ref_net *n = p->net;
    int last = ref_layers(n) - 1;
    size_t rows = (size_t)p->batch;
    for (int i = 0; i <= last; i++) {
        p->dy[i] = zeros(rows, (size_t)ref_layer(n, i).out);
    }
    p->dz = zeros(rows, (size_t)n->latent);
    double dg = 0;
    for (size_t i = 0; i < rows * (size_t)n->data; i++) {
        double mean = p->y[last][i];
        p->dy[last][i] = (n->like == REF_BERNOULLI ? ref_bernoulli_grad(mean, p->x[i])
                                                   : ref_gauss_dmean(p->x[i], mean, p->log_sigma)) / p->batch;
        dg += ref_gauss_dg(p->x[i], mean, p->log_sigma) / p->batch;
    }
    for (int i = last; i >= 0; i--) {
        struct ref_layer l = ref_layer(n, i);
        if (i == n->n_enc) {
            latent_backward(p, beta);
        } else if (l.hidden) {
            for (size_t j = 0; n->drop[i] && j < rows * (size_t)l.out; j++) {
                p->dy[i][j] *= n->drop[i][j];
            }
            ref_activate_back(p->dy[i], p->pre[i], rows * (size_t)l.out, n->act);
        }
        if (l.gain) {
            ref_layer_norm_back(p->dy[i], grad + l.gain, grad + l.shift, p->dense[i], theta + l.gain, p->batch, l.out);
        }
        if (i == last && n->like == REF_GAUSS_LEARNED) {
            grad[ref_params(n) - 1] = dg * ref_sigma_slope(theta[ref_params(n) - 1]);
        }
        double *dx = i == 0 ? NULL : i == n->n_enc + 1 ? p->dz : p->dy[i - 1];
        ref_dense_back(dx, grad + l.w, grad + l.b, p->dy[i], layer_input(p, i), theta + l.w, p->batch, l.in, l.out);
    }
}

void ref_pass_free(struct ref_pass *p)
{
    if (!p) {
        return;
    }
    for (int i = 0; i < REF_LAYER_MAX; i++) {
        free(p->dense[i]);
        free(p->pre[i]);
        free(p->y[i]);
        free(p->dy[i]);
    }
    free(p->x);
    free(p->eps);
    free(p->z);
    free(p->dz);
    free(p->rec_row);
    free(p->kl_row);
    free(p->kl_dim);
    free(p);
}
