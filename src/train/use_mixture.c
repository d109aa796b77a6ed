/* Points of a latent space: of the prior, and of a mixture of Gaussians fitted to encoded rows. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"
#include "vaetop/train/use.h"

#define LOG_2PI 1.8378770664093454836
#define ROUNDS_MAX 200
#define ENOUGH 1e-4 /* nats a point */
#define RIDGE 1e-6  /* of the points' mean variance */

void use_prior(float *z, size_t n, int latent, uint64_t seed)
{
    struct rng rng = rng_start(rng_key(seed, -1), RNG_SAMPLE, 0);
    for (size_t i = 0; i < n * (size_t)latent; i++) z[i] = (float)rng_normal(&rng);
}

/* While it is fitted: share (n, k) of each component in each point. */
struct fit {
    const float *x;
    size_t n, dim;
    struct mixture *m;
    double ridge;
    double *share, *diff;
};

static double distance(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t j = 0; j < dim; j++) {
        const double d = (double)a[j] - (double)b[j];
        sum += d * d;
    }
    return sum;
}

/* k-means++: each further centre is a point drawn by its squared distance from the nearest one. The first shares go
 * to the nearest centre. */
static void start(struct fit *f, struct rng *rng)
{
    const size_t k = (size_t)f->m->k;
    double *nearest = f->diff;
    size_t at = rng_below(rng, (uint32_t)f->n);
    for (size_t i = 0; i < f->n; i++) nearest[i] = DBL_MAX;
    size_t *of = xcalloc(f->n, sizeof *of);
    for (size_t c = 0; c < k; c++) {
        double total = 0;
        for (size_t i = 0; i < f->n; i++) {
            const double d = distance(f->x + i * f->dim, f->x + at * f->dim, f->dim);
            if (d < nearest[i]) {
                nearest[i] = d;
                of[i] = c;
            }
            total += nearest[i];
        }
        double left = rng_uniform(rng) * total;
        for (at = 0; at + 1 < f->n && left >= nearest[at]; at++) left -= nearest[at];
    }
    memset(f->share, 0, f->n * k * sizeof *f->share);
    for (size_t i = 0; i < f->n; i++) f->share[i * k + of[i]] = 1;
    free(of);
}

/* In place: lower triangle of a (n, n) becomes L with a = L L^T. False: not positive definite. */
static bool cholesky(double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (size_t q = 0; q < j; q++) sum -= a[i * n + q] * a[j * n + q];
            if (i == j) {
                if (!(sum > 0)) return false;
                a[j * n + j] = sqrt(sum);
            } else {
                a[i * n + j] = sum / a[j * n + j];
            }
        }
    }
    return true;
}

/* Weight, mean and covariance of component c from the shares; weight 0 without points. False: no such covariance. */
static bool maximise(struct fit *f, size_t c)
{
    const size_t k = (size_t)f->m->k, dim = f->dim;
    double *mean = f->m->mean + c * dim, *cov = f->m->cholesky + c * dim * dim, total = 0;
    for (size_t i = 0; i < f->n; i++) total += f->share[i * k + c];
    f->m->weight[c] = total / (double)f->n;
    if (total < 1e-9 * (double)f->n) {
        f->m->weight[c] = 0;
        return true;
    }
    memset(mean, 0, dim * sizeof *mean);
    memset(cov, 0, dim * dim * sizeof *cov);
    for (size_t i = 0; i < f->n; i++) {
        for (size_t j = 0; j < dim; j++) mean[j] += f->share[i * k + c] / total * (double)f->x[i * dim + j];
    }
    for (size_t i = 0; i < f->n; i++) {
        const double share = f->share[i * k + c] / total;
        if (share < 1e-12) continue;
        for (size_t j = 0; j < dim; j++) f->diff[j] = (double)f->x[i * dim + j] - mean[j];
        for (size_t j = 0; j < dim; j++) {
            for (size_t q = 0; q <= j; q++) cov[j * dim + q] += share * f->diff[j] * f->diff[q];
        }
    }
    for (size_t j = 0; j < dim; j++) cov[j * dim + j] += f->ridge;
    return cholesky(cov, dim);
}

/* log density of component c at x, its weight included. */
static double density(const struct fit *f, size_t c, const float *x)
{
    const size_t dim = f->dim;
    const double *mean = f->m->mean + c * dim, *l = f->m->cholesky + c * dim * dim;
    double sum = log(f->m->weight[c]) - 0.5 * (double)dim * LOG_2PI;
    for (size_t i = 0; i < dim; i++) {
        double y = (double)x[i] - mean[i];
        for (size_t j = 0; j < i; j++) y -= l[i * dim + j] * f->diff[j];
        f->diff[i] = y / l[i * dim + i];
        sum -= 0.5 * f->diff[i] * f->diff[i] + log(l[i * dim + i]);
    }
    return sum;
}

/* Shares from the components; returns the mean log-likelihood. */
static double expect(struct fit *f)
{
    const size_t k = (size_t)f->m->k;
    double total = 0;
    for (size_t i = 0; i < f->n; i++) {
        double *share = f->share + i * k, most = -HUGE_VAL, sum = 0;
        for (size_t c = 0; c < k; c++) {
            share[c] = f->m->weight[c] > 0 ? density(f, c, f->x + i * f->dim) : -HUGE_VAL;
            most = fmax(most, share[c]);
        }
        for (size_t c = 0; c < k; c++) sum += share[c] = exp(share[c] - most);
        for (size_t c = 0; c < k; c++) share[c] /= sum;
        total += most + log(sum);
    }
    return total / (double)f->n;
}

/* Sum of the dimensions' variances over their number; 1 when the points are all the same. */
static double mean_variance(const float *x, size_t n, size_t dim)
{
    double total = 0;
    for (size_t j = 0; j < dim; j++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++) sum += (double)x[i * dim + j];
        for (size_t i = 0; i < n; i++) {
            const double d = (double)x[i * dim + j] - sum / (double)n;
            squares += d * d;
        }
        total += squares / (double)n;
    }
    return total > 0 ? total / (double)dim : 1;
}

static enum err_code improve(struct fit *f, struct err *e)
{
    struct mixture *m = f->m;
    double before = -HUGE_VAL;
    for (m->rounds = 1; m->rounds <= ROUNDS_MAX; m->rounds++) {
        bool well = true;
        for (size_t c = 0; c < (size_t)m->k; c++) well = maximise(f, c) && well;
        m->log_likelihood = well ? expect(f) : (double)NAN;
        if (!isfinite(m->log_likelihood)) {
            return err_set(e, ERR_NONFINITE, "mixture: a covariance has no inverse in round %d; expected finite latent means",
                           m->rounds);
        }
        if (m->log_likelihood - before < ENOUGH) break;
        before = m->log_likelihood;
    }
    return ERR_OK;
}

enum err_code mixture_fit(struct mixture *out, const float *x, size_t n, int dim, int k, uint64_t seed, struct err *e)
{
    *out = (struct mixture){0};
    if (dim < 1 || dim > MIXTURE_DIM_MAX) {
        return err_set(e, ERR_USAGE, "mixture: the model has %d latent dimensions, at most %d have a full covariance; "
                                     "sample from the prior instead", dim, MIXTURE_DIM_MAX);
    }
    const size_t d = (size_t)dim, fair = n / (d + 1) + 1;
    out->dim = dim;
    out->k = fair < (size_t)k ? (int)fair : k;
    out->weight = xcalloc((size_t)out->k, sizeof *out->weight);
    out->mean = xcalloc((size_t)out->k * d, sizeof *out->mean);
    out->cholesky = xcalloc((size_t)out->k * d * d, sizeof *out->cholesky);
    struct fit f = {.x = x, .n = n, .dim = d, .m = out, .ridge = RIDGE * mean_variance(x, n, d),
                    .share = try_calloc(n * (size_t)out->k, sizeof(double)), .diff = try_calloc(n > d ? n : d, sizeof(double))};
    struct rng rng = rng_start(rng_key(seed, -1), RNG_SAMPLE, 1);
    enum err_code rc = f.share && f.diff ? ERR_OK : err_set(e, ERR_NOMEM, "mixture: %zu points", n);
    if (!rc) {
        start(&f, &rng);
        rc = improve(&f, e);
    }
    free(f.share);
    free(f.diff);
    if (rc) mixture_release(out);
    return rc;
}

void mixture_release(struct mixture *m)
{
    free(m->weight);
    free(m->mean);
    free(m->cholesky);
    *m = (struct mixture){0};
}

void mixture_sample(const struct mixture *m, float *z, size_t n, uint64_t seed)
{
    const size_t dim = (size_t)m->dim;
    struct rng rng = rng_start(rng_key(seed, -1), RNG_SAMPLE, 2);
    double *eps = xcalloc(dim, sizeof *eps);
    for (size_t i = 0; i < n; i++) {
        double left = rng_uniform(&rng);
        size_t c = 0;
        for (; c + 1 < (size_t)m->k && left >= m->weight[c]; c++) left -= m->weight[c];
        while (c > 0 && !(m->weight[c] > 0)) c--; /* rounding went past the last one that has points */
        const double *l = m->cholesky + c * dim * dim;
        for (size_t j = 0; j < dim; j++) eps[j] = rng_normal(&rng);
        for (size_t j = 0; j < dim; j++) {
            double v = m->mean[c * dim + j];
            for (size_t q = 0; q <= j; q++) v += l[j * dim + q] * eps[q];
            z[i * dim + j] = (float)v;
        }
    }
    free(eps);
}
