#include "normal.h"

#include <math.h>

#define LN_2PI 1.8378770664093454836
#define LN_PI_2 0.45158270528945486473 /* ln(pi / 2) */
#define SQRT1_2 0.70710678118654752440
#define FAR 12.8 /* 9 times the root of 2, and a little */

double log_add(double a, double b)
{
    double hi = a > b ? a : b;
    double lo = a > b ? b : a;
    return lo == -HUGE_VAL ? hi : hi + log1p(exp(lo - hi));
}

/* ln(exp(a) - exp(b)), a >= b. */
static double log_sub(double a, double b)
{
    double w = a - b;
    if (b == -HUGE_VAL) {
        return a;
    }
    return w <= 0 ? -HUGE_VAL : a + (w > 0.6931471805599453 ? log1p(-exp(-w)) : log(-expm1(-w)));
}

/* Past 9 the asymptotic series 1 - t + 3 t^2 - 15 t^3 + ..., t = 1 / (2 x^2), falls below the last digit before it
 * grows again. */
double normal_erfcx(double x)
{
    if (x < 9) {
        return exp(x * x) * erfc(x);
    }
    double t = 0.5 / (x * x), sum = 1;
    for (int k = x < 12 ? 15 : x < 30 ? 9 : 5; k >= 1; k--) {
        sum = 1 - (2 * k - 1) * t * sum;
    }
    return 0.56418958354775628695 / x * sum;
}

double normal_log_cdf(double a)
{
    if (a > 6) {
        return -0.5 * erfc(a * SQRT1_2);
    }
    if (a > -6) {
        return log(0.5 * erfc(-a * SQRT1_2));
    }
    return -0.5 * a * a + log(0.5 * normal_erfcx(-a * SQRT1_2));
}

/* As a difference of two tails where that loses few digits; -1 where it would. 0 <= a <= b. */
static double tail_mass(double a, double b)
{
    double near = erfc(a * SQRT1_2);
    double mass = near - erfc(b * SQRT1_2);
    return near > 1e-290 && mass > 1e-3 * near ? 0.5 * mass : -1;
}

/* Far out both tails have their series, and one logarithm does. 0 where their difference would lose digits. */
static double far_log_mass(double a, double b)
{
    double w = 0.5 * (b - a) * (b + a); /* ln of how much lower the density is at b */
    double near = normal_erfcx(a * SQRT1_2);
    double rest = w < 40 ? exp(-w) * normal_erfcx(b * SQRT1_2) : 0;
    return w > 1e-3 ? log(0.5 * (near - rest)) - 0.5 * a * a : 0;
}

double normal_log_mass(double a, double b)
{
    if (a > FAR || b < -FAR) {
        double far = a > FAR ? far_log_mass(a, b) : far_log_mass(-b, -a);
        if (far < 0) {
            return far;
        }
    }
    double mass = b <= 0 ? tail_mass(-b, -a) : a > 0 ? tail_mass(a, b) : -1;
    if (mass > 0) {
        return log(mass);
    }
    if (b <= 0) {
        return log_sub(normal_log_cdf(b), normal_log_cdf(a));
    }
    if (a > 0) {
        return log_sub(normal_log_cdf(-a), normal_log_cdf(-b));
    }
    return log1p(-0.5 * erfc(-a * SQRT1_2) - 0.5 * erfc(b * SQRT1_2));
}

double normal_from_log_cdf(double y)
{
    double sign = 1;
    double x;
    if (y > -0.01) { /* near 1 the upper tail has the digits */
        y = log(-expm1(y));
        sign = -1;
    }
    if (y == -HUGE_VAL) {
        return sign * -HUGE_VAL;
    }
    x = y < -5 ? -sqrt(-2 * (y + 0.5 * LN_2PI)) : -0.55132889542179206 * log(expm1(-y));
    for (int i = 0; i < 100; i++) {
        double c = normal_log_cdf(x);
        double step = (c - y) * exp(c + 0.5 * x * x + 0.5 * LN_2PI);
        x -= step;
        if (fabs(step) < 1e-10 * fabs(x) || fabs(step) < 1e-300) {
            break;
        }
    }
    return sign * x;
}

double normal_cut_quantile(double q, double a, double b)
{
    double mass = normal_log_mass(a, b);
    double x;
    if (q <= 0 || !(a < b)) {
        return a;
    }
    if (a < 0) {
        x = normal_from_log_cdf(log_add(normal_log_cdf(a), log(q) + mass));
    } else {
        x = -normal_from_log_cdf(log_add(normal_log_cdf(-b), log1p(-q) + mass));
    }
    return x < a ? a : x > b ? b : x;
}

double normal_log_ei(double z)
{
    double w;
    if (z > -1) {
        return log(exp(-0.5 * z * z - 0.5 * LN_2PI) + z * 0.5 * erfc(-z * SQRT1_2));
    }
    if (z < -1e4) {
        return -0.5 * z * z - 0.5 * LN_2PI - 2 * log(-z);
    }
    /* phi(z) (1 - |z| R), R Mills' ratio */
    w = log(normal_erfcx(-z * SQRT1_2) * -z) + 0.5 * LN_PI_2;
    return -0.5 * z * z - 0.5 * LN_2PI + (w > -0.6931471805599453 ? log(-expm1(w)) : log1p(-exp(w)));
}

double normal_log_ei_slope(double z, double h)
{
    return z < -1e4 ? -z : exp(normal_log_cdf(z) - h);
}
