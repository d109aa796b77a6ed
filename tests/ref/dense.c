#include "ref.h"

void ref_dense(double *y, const double *x, const double *w, const double *b, int rows, int in, int out)
{
    for (int r = 0; r < rows; r++) {
        for (int o = 0; o < out; o++) {
            double sum = b[o];
            for (int i = 0; i < in; i++) {
                sum += x[(size_t)r * (size_t)in + (size_t)i] * w[(size_t)i * (size_t)out + (size_t)o];
            }
            y[(size_t)r * (size_t)out + (size_t)o] = sum;
        }
    }
}

void ref_dense_back(double *dx, double *dw, double *db, const double *dy, const double *x, const double *w, int rows,
                    int in, int out)
{
    for (int o = 0; o < out; o++) {
        db[o] = 0;
        for (int r = 0; r < rows; r++) {
            db[o] += dy[(size_t)r * (size_t)out + (size_t)o];
        }
    }
    for (int i = 0; i < in; i++) {
        for (int o = 0; o < out; o++) {
            double sum = 0;
            for (int r = 0; r < rows; r++) {
                sum += x[(size_t)r * (size_t)in + (size_t)i] * dy[(size_t)r * (size_t)out + (size_t)o];
            }
            dw[(size_t)i * (size_t)out + (size_t)o] = sum;
        }
    }
    for (int r = 0; dx && r < rows; r++) {
        for (int i = 0; i < in; i++) {
            double sum = 0;
            for (int o = 0; o < out; o++) {
                sum += dy[(size_t)r * (size_t)out + (size_t)o] * w[(size_t)i * (size_t)out + (size_t)o];
            }
            dx[(size_t)r * (size_t)in + (size_t)i] = sum;
        }
    }
}
