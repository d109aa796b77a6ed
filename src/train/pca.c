/* Two axes for the latent plot: the plane of largest variance, turned so that pictures of one trial stay alike. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_private.h"
#include "vaetop/base/alloc.h"

#define ROUNDS 60

static double dot(const double *a, const double *b, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}

/* b loses its part along a, then has length 1; false when nothing is left. */
static bool normalise(double *b, const double *a, int n)
{
    for (int twice = 0; a && twice < 2; twice++) {
        const double along = dot(a, b, n);
        for (int i = 0; i < n; i++) b[i] -= along * a[i];
    }
    const double length = sqrt(dot(b, b, n));
    if (!(length > 1e-150)) return false;
    for (int i = 0; i < n; i++) b[i] /= length;
    return true;
}

/* out = covariance (up to a factor) times v. */
static void multiply(double *out, const double *v, const float *x, const double *mean, int n, int dim)
{
    memset(out, 0, (size_t)dim * sizeof *out);
    for (int r = 0; r < n; r++) {
        const float *row = x + (size_t)r * (size_t)dim;
        double s = 0;
        for (int i = 0; i < dim; i++) s += ((double)row[i] - mean[i]) * v[i];
        for (int i = 0; i < dim; i++) out[i] += s * ((double)row[i] - mean[i]);
    }
}

/* The same with the covariance written out. */
static void multiply_dense(double *out, const double *v, const double *cov, int dim)
{
    for (int i = 0; i < dim; i++) out[i] = dot(cov + (size_t)i * (size_t)dim, v, dim);
}

static double *covariance(const float *x, const double *mean, int n, int dim)
{
    double *cov = xcalloc((size_t)dim * (size_t)dim, sizeof *cov), *row = xcalloc((size_t)dim, sizeof *row);
    for (int r = 0; r < n; r++) {
        for (int i = 0; i < dim; i++) row[i] = (double)x[(size_t)r * (size_t)dim + (size_t)i] - mean[i];
        for (int i = 0; i < dim; i++) {
            double *to = cov + (size_t)i * (size_t)dim;
            for (int j = 0; j < dim; j++) to[j] += row[i] * row[j];
        }
    }
    free(row);
    return cov;
}

/* Turns (and mirrors) the pair of axes within their plane to lie nearest to the old pair: the orthogonal factor of
 * the 2 x 2 matrix of their products. Without an old pair each axis points where its largest entry is positive. */
static void align(double *axes, const double *old, int dim)
{
    double *a = axes, *b = axes + dim;
    if (!old) {
        for (int k = 0; k < 2; k++) {
            double *v = axes + (size_t)k * (size_t)dim, largest = 0;
            for (int i = 0; i < dim; i++) largest = fabs(v[i]) > fabs(largest) ? v[i] : largest;
            for (int i = 0; largest < 0 && i < dim; i++) v[i] = -v[i];
        }
        return;
    }
    const double p = dot(a, old, dim), q = dot(a, old + dim, dim), r = dot(b, old, dim), s = dot(b, old + dim, dim);
    const bool mirror = p * s - q * r < 0;
    double c = mirror ? p - s : p + s, d = mirror ? q + r : q - r;
    const double length = hypot(c, d);
    if (!(length > 1e-12)) return;
    c /= length;
    d /= length;
    for (int i = 0; i < dim; i++) {
        const double u = a[i], v = b[i];
        a[i] = mirror ? c * u + d * v : c * u - d * v;
        b[i] = mirror ? d * u - c * v : d * u + c * v;
    }
}

double pca_plane(double *xy, const float *x, int n, int dim, double *axes, bool have_axes)
{
    const size_t d = (size_t)dim;
    double *mean = xcalloc(d, sizeof *mean), *old = xcalloc(2 * d, sizeof *old), *next = xcalloc(d, sizeof *next);
    for (size_t i = 0; i < (size_t)n * d; i++) mean[i % d] += (double)x[i] / n;
    memcpy(old, axes, 2 * d * sizeof *old);
    for (int k = 0; k < 2 && !have_axes; k++) {
        for (int i = 0; i < dim; i++) axes[(size_t)k * d + (size_t)i] = 1.0 / (i + 1) * (k && i % 2 ? -1 : 1);
    }
    double *cov = dim <= 256 ? covariance(x, mean, n, dim) : NULL;
    for (int round = 0; round < ROUNDS; round++) {
        for (int k = 0; k < 2; k++) {
            double *v = axes + (size_t)k * d;
            if (cov) multiply_dense(next, v, cov, dim);
            else multiply(next, v, x, mean, n, dim);
            memcpy(v, next, d * sizeof *v);
            if (normalise(v, k ? axes : NULL, dim)) continue;
            memset(v, 0, d * sizeof *v); /* no variance left: any axis */
            v[k] = 1;
            if (!normalise(v, k ? axes : NULL, dim)) v[0] = 0;
        }
    }
    align(axes, have_axes ? old : NULL, dim);
    double total = 0, in_plane = 0;
    for (int r = 0; r < n; r++) {
        for (int i = 0; i < dim; i++) {
            const double c = (double)x[(size_t)r * d + (size_t)i] - mean[i];
            next[i] = c;
            total += c * c;
        }
        for (int k = 0; k < 2; k++) {
            xy[2 * r + k] = dot(next, axes + (size_t)k * d, dim);
            in_plane += xy[2 * r + k] * xy[2 * r + k];
        }
    }
    free(cov);
    free(mean);
    free(old);
    free(next);
    return total > 0 ? in_plane / total : 1;
}
