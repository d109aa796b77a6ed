/* The normal distribution where doubles run out: logarithms of tails, of interval masses and of expected improvement.
 */
#ifndef VAETOP_TUNE_NORMAL_H
#define VAETOP_TUNE_NORMAL_H

/* ln Phi(a). */
double normal_log_cdf(double a);
/* ln(Phi(b) - Phi(a)), a <= b. */
double normal_log_mass(double a, double b);
/* x with ln Phi(x) = y, y <= 0. */
double normal_from_log_cdf(double y);
/* Quantile q of the normal cut to [a, b]. */
double normal_cut_quantile(double q, double a, double b);
/* exp(x^2) erfc(x), x >= 0. */
double normal_erfcx(double x);
/* h(z) = ln(phi(z) + z Phi(z)), the logarithm of expected improvement at sigma 1, and its derivative.
 * Source: Ament et al., arXiv 2310.20708, eq. 9. */
double normal_log_ei(double z);
double normal_log_ei_slope(double z, double h);
/* ln(exp(a) + exp(b)) */
double log_add(double a, double b);

#endif
