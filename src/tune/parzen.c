#include "parzen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "normal.h"
#include "vaetop/base/alloc.h"

#define LN_2PI 1.8378770664093454836
#define FULL_WEIGHT 25
#define NOTHING 45 /* a kernel whose ln lies this far below another's adds less than the last digit */

struct place {
    double x;
    size_t i;
};

static int by_x(const void *a, const void *b)
{
    const struct place *p = a;
    const struct place *q = b;
    if (p->x != q->x) {
        return p->x < q->x ? -1 : 1;
    }
    return p->i < q->i ? -1 : p->i > q->i;
}

/* The wider of the two gaps to the neighbours; the outermost look inwards only. */
static void bandwidths(double *sigma, const double *mu, size_t n, const struct dim *d)
{
    double range = d->H - d->L;
    double least = range / (double)(n + 2 < 100 ? n + 2 : 100);
    struct place *at = xcalloc(n + 1, sizeof *at);
    for (size_t i = 0; i < n; i++) {
        at[i] = (struct place){mu[i], i};
    }
    qsort(at, n, sizeof *at, by_x);
    for (size_t i = 0; i < n; i++) {
        double left = at[i].x - (i > 0 ? at[i - 1].x : d->L);
        double right = (i + 1 < n ? at[i + 1].x : d->H) - at[i].x;
        double s = left > right ? left : right;
        if (n > 1 && i == 0) {
            s = right;
        } else if (n > 1 && i + 1 == n) {
            s = left;
        }
        sigma[at[i].i] = s < least ? least : s > range ? range : s;
    }
    free(at);
}

static void fill_dim(struct parzen *pz, size_t j, const double *value)
{
    const struct dim *d = &pz->space->dim[pz->dim[j]];
    double *mu = pz->mu + j * pz->n;
    double *sigma = pz->sigma + j * pz->n;
    size_t n_obs = pz->n - 1;
    for (size_t i = 0; i < n_obs; i++) {
        double v = value[i * pz->n_dims + j];
        mu[i] = d->choice ? v : dim_scale(d, v);
    }
    if (d->choice || !(d->H > d->L)) {
        return;
    }
    bandwidths(sigma, mu, n_obs, d);
    mu[n_obs] = (d->L + d->H) / 2;
    sigma[n_obs] = d->H - d->L;
    for (size_t i = 0; i < pz->n; i++) {
        double mass = normal_log_mass((d->L - mu[i]) / sigma[i], (d->H - mu[i]) / sigma[i]);
        pz->log_norm[j * pz->n + i] = -mass - (d->step > 0 ? 0 : log(sigma[i]) + 0.5 * LN_2PI);
    }
}

void parzen_init(struct parzen *pz, const struct space *s, const size_t *dim, size_t n_dims, const double *value,
                 size_t n_obs, const double *weight)
{
    double total = 0;
    size_t cells = (n_obs + 1) * (n_dims > 0 ? n_dims : 1);
    *pz = (struct parzen){.space = s, .n_dims = n_dims, .n = n_obs + 1, .dim = dim};
    pz->log_weight = xcalloc(pz->n, sizeof *pz->log_weight);
    pz->mu = xcalloc(cells, sizeof *pz->mu);
    pz->sigma = xcalloc(cells, sizeof *pz->sigma);
    pz->log_norm = xcalloc(cells, sizeof *pz->log_norm);
    for (size_t i = 0; i < pz->n; i++) {
        total += weight[i];
    }
    for (size_t i = 0; i < pz->n; i++) {
        pz->log_weight[i] = log(weight[i] / total);
    }
    for (size_t j = 0; j < n_dims; j++) {
        fill_dim(pz, j, value);
    }
}

void parzen_release(struct parzen *pz)
{
    free(pz->log_weight);
    free(pz->mu);
    free(pz->sigma);
    free(pz->log_norm);
    *pz = (struct parzen){0};
}

/* Numbers on a grid have masses, which cost two error functions each. */
static bool on_grid(const struct dim *d)
{
    return !d->choice && d->H > d->L && d->step > 0;
}

/* Adds ln of every kernel's density at x in one dimension that is not on a grid. Shapes: out (n). */
static void add_dim(double *out, const struct parzen *pz, size_t j, double x)
{
    const struct dim *d = &pz->space->dim[pz->dim[j]];
    const double *mu = pz->mu + j * pz->n;
    const double *sigma = pz->sigma + j * pz->n;
    const double *norm = pz->log_norm + j * pz->n;
    size_t n_obs = pz->n - 1;
    if (d->choice) {
        double other = 1 / (double)(n_obs + 1);
        double sum = other * (double)d->count + 1;
        double hit = log((1 + other) / sum);
        double miss = log(other / sum);
        for (size_t i = 0; i < n_obs; i++) {
            out[i] += mu[i] == x ? hit : miss;
        }
        out[n_obs] -= log((double)d->count);
    } else if (d->H > d->L) {
        double at = dim_scale(d, x);
        for (size_t i = 0; i < pz->n; i++) {
            double z = (at - mu[i]) / sigma[i];
            out[i] += norm[i] - 0.5 * z * z;
        }
    }
}

/* The same of one kernel on a grid. */
static double grid_density(const struct parzen *pz, size_t j, double x, size_t i)
{
    const struct dim *d = &pz->space->dim[pz->dim[j]];
    double lo = d->log ? log(x - d->step / 2) : x - d->step / 2;
    double hi = d->log ? log(x + d->step / 2) : x + d->step / 2;
    size_t at = j * pz->n + i;
    return pz->log_norm[at] +
           normal_log_mass((lo - pz->mu[at]) / pz->sigma[at], (hi - pz->mu[at]) / pz->sigma[at]);
}

/* ln of the sum of exponentials. */
static double log_sum(const double *term, size_t n)
{
    double most = -HUGE_VAL;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        most = term[i] > most ? term[i] : most;
    }
    for (size_t i = 0; i < n; i++) {
        double below = term[i] - most;
        sum += below > -NOTHING ? exp(below) : 0;
    }
    return most + log(sum);
}

/* The grid dimensions of one point, where the prior alone outdoes most kernels before they are looked at: a mass is at
 * most 1. Shapes: term (n); x (n_dims); most (n) what they can add at most. */
static void add_grid(double *term, const struct parzen *pz, const double *x, const double *most)
{
    size_t prior = pz->n - 1;
    for (size_t j = 0; j < pz->n_dims; j++) {
        if (on_grid(&pz->space->dim[pz->dim[j]])) {
            term[prior] += grid_density(pz, j, x[j], prior);
        }
    }
    for (size_t i = 0; i < prior; i++) {
        if (term[i] + most[i] < term[prior] - NOTHING) {
            term[i] = -HUGE_VAL;
            continue;
        }
        for (size_t j = 0; j < pz->n_dims; j++) {
            if (on_grid(&pz->space->dim[pz->dim[j]])) {
                term[i] += grid_density(pz, j, x[j], i);
            }
        }
    }
}

void parzen_log_densities(double *out, const struct parzen *pz, const double *x, size_t m)
{
    double *term = xcalloc(pz->n, sizeof *term);
    double *most = xcalloc(pz->n, sizeof *most);
    bool grid = false;
    for (size_t j = 0; j < pz->n_dims; j++) {
        bool here = on_grid(&pz->space->dim[pz->dim[j]]);
        grid = grid || here;
        for (size_t i = 0; here && i < pz->n; i++) {
            most[i] += pz->log_norm[j * pz->n + i];
        }
    }
    for (size_t c = 0; c < m; c++) {
        const double *at = x + c * pz->n_dims;
        memcpy(term, pz->log_weight, pz->n * sizeof *term);
        for (size_t j = 0; j < pz->n_dims; j++) {
            if (!on_grid(&pz->space->dim[pz->dim[j]])) {
                add_dim(term, pz, j, at[j]);
            }
        }
        if (grid) {
            add_grid(term, pz, at, most);
        }
        out[c] = log_sum(term, pz->n);
    }
    free(term);
    free(most);
}

double parzen_log_density(const struct parzen *pz, const double *x)
{
    double out;
    parzen_log_densities(&out, pz, x, 1);
    return out;
}

static size_t draw_kernel(const struct parzen *pz, struct rng *rng)
{
    double u = rng_uniform(rng);
    for (size_t i = 0; i + 1 < pz->n; i++) {
        u -= exp(pz->log_weight[i]);
        if (u < 0) {
            return i;
        }
    }
    return pz->n - 1;
}

static double draw_choice(const struct parzen *pz, const struct dim *d, size_t k, size_t j, double u)
{
    double other = 1 / (double)pz->n;
    double hit = 1 / (other * (double)d->count + 1); /* of the mass that is not shared alike */
    if (k + 1 < pz->n && u < hit) {
        return pz->mu[j * pz->n + k];
    }
    return dim_value(d, k + 1 < pz->n ? (u - hit) / (1 - hit) : u);
}

void parzen_draw(const struct parzen *pz, struct rng *rng, double *x)
{
    size_t k = draw_kernel(pz, rng);
    for (size_t j = 0; j < pz->n_dims; j++) {
        const struct dim *d = &pz->space->dim[pz->dim[j]];
        double u = rng_uniform(rng);
        double mu = pz->mu[j * pz->n + k];
        double sigma = pz->sigma[j * pz->n + k];
        if (d->choice) {
            x[j] = draw_choice(pz, d, k, j, u);
        } else if (!(d->H > d->L)) {
            x[j] = d->lo;
        } else {
            x[j] = dim_unscale(d, mu + sigma * normal_cut_quantile(u, (d->L - mu) / sigma, (d->H - mu) / sigma));
        }
    }
}

void parzen_age_weights(double *out, size_t n)
{
    size_t ramp = n > FULL_WEIGHT ? n - FULL_WEIGHT : 0;
    for (size_t i = 0; i < n; i++) {
        double first = 1 / (double)n;
        out[i] = 1;
        if (i < ramp) {
            out[i] = ramp > 1 ? first + (1 - first) * (double)i / (double)(ramp - 1) : first;
        }
    }
}
