/* What OpenBLAS reads from the environment while it is loaded, before main(). */
#ifndef VAETOP_TUNE_BLAS_H
#define VAETOP_TUNE_BLAS_H

/* First in main() of a program that samples: one thread, and the kernels of any processor with AVX2, so that such
 * machines compute the same numbers. Starts the program anew when that was not so. */
void blas_settle(char **argv);

#endif
