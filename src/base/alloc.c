#include "vaetop/base/alloc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *p)
{
    if (!p) {
        (void)fputs("vaetop: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    assert(n > 0 && size > 0);
    return check(calloc(n, size));
}

void *xreallocarray(void *p, size_t n, size_t size)
{
    size_t bytes = 0;
    assert(n > 0 && size > 0);
    return check(mul_size(&bytes, n, size) ? realloc(p, bytes) : NULL);
}

char *xstrdup(const char *s)
{
    return check(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
    return check(strndup(s, n));
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap;
    va_list again;
    char *text;
    int n;
    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    text = xcalloc((size_t)n + 1, 1);
    (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void *try_calloc(size_t n, size_t size)
{
    assert(n > 0 && size > 0);
    return calloc(n, size); /* refuses an overflowing product itself */
}

bool mul_size(size_t *out, size_t a, size_t b)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return false;
    }
    *out = product;
    return true;
}

bool mul_u64(uint64_t *out, uint64_t a, uint64_t b)
{
    uint64_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return false;
    }
    *out = product;
    return true;
}
