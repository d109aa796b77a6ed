#include <math.h>

#include "ref.h"

#define EPS 1e-5

/* Mean and one over the deviation of a row. */
static void moments(double *mean, double *inverse, const double *x, int n)
{
    double variance = 0;
    *mean = 0;
    for (int i = 0; i < n; i++) {
        *mean += x[i] / n;
    }
    for (int i = 0; i < n; i++) {
        variance += (x[i] - *mean) * (x[i] - *mean) / n;
    }
    *inverse = 1 / sqrt(variance + EPS);
}

void ref_layer_norm(double *y, const double *x, const double *gain, const double *shift, int rows, int n)
{
    for (int r = 0; r < rows; r++, x += n, y += n) {
        double mean, inverse;
        moments(&mean, &inverse, x, n);
        for (int i = 0; i < n; i++) {
            y[i] = gain[i] * (x[i] - mean) * inverse + shift[i];
        }
    }
}

double ref_layer_norm_strain(const double *x, const double *w, const double *y, int rows, int in, int out)
{
    double most = 1;
    for (int r = 0; r < rows; r++, x += in, y += out) {
        double mean, inverse, terms = 0;
        moments(&mean, &inverse, y, out);
        for (int i = 0; i < in; i++) {
            for (int o = 0; o < out; o++) {
                terms += x[i] * x[i] * w[i * out + o] * w[i * out + o] / out;
            }
        }
        most = fmax(most, sqrt(terms) * inverse);
    }
    return most;
}

/* By the chain rule, term by term: x reaches a y through itself, through the mean and through the variance. */
void ref_layer_norm_back(double *dy, double *dgain, double *dshift, const double *x, const double *gain, int rows, int n)
{
    for (int i = 0; i < n; i++) {
        dgain[i] = dshift[i] = 0;
    }
    for (int r = 0; r < rows; r++, x += n, dy += n) {
        double mean, inverse, by_variance = 0, by_mean = 0;
        moments(&mean, &inverse, x, n);
        for (int i = 0; i < n; i++) {
            dgain[i] += dy[i] * (x[i] - mean) * inverse;
            dshift[i] += dy[i];
            by_variance += dy[i] * gain[i] * (x[i] - mean) * -0.5 * inverse * inverse * inverse;
            by_mean += dy[i] * gain[i] * -inverse;
        }
        for (int i = 0; i < n; i++) {
            dy[i] = dy[i] * gain[i] * inverse + by_variance * 2 * (x[i] - mean) / n + by_mean / n;
        }
    }
}
