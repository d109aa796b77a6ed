/* Allocation. Small host allocations die on exhaustion (one line on stderr, status 1); data sets and buffers whose
 * size comes from outside use try_alloc() and report ERR_NOMEM. Zero bytes is a bug, caught by an assert. */
#ifndef VAETOP_BASE_ALLOC_H
#define VAETOP_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owns: the caller frees with free(). Never NULL. Memory of xcalloc is zero. */
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* As xcalloc, but NULL when memory is short or n * size overflows. */
void *try_calloc(size_t n, size_t size);

/* True and *out = a * b, or false on overflow (then *out is untouched). */
bool mul_size(size_t *out, size_t a, size_t b);
bool mul_u64(uint64_t *out, uint64_t a, uint64_t b);

#endif
