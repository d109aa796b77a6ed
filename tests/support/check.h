/* Help for tests: float comparison that refuses NaN, temporary folders that vanish, the list of groups.
 * Include this instead of cmocka.h. */
#ifndef VAETOP_TEST_CHECK_H
#define VAETOP_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vaetop/base/err.h"

/* |got - want| <= atol + rtol * |want|, and both finite. */
#define assert_close(got, want, atol, rtol) check_close((double)(got), (double)(want), atol, rtol, #got, __FILE__, __LINE__)
void check_close(double got, double want, double atol, double rtol, const char *what, const char *file, int line);

/* enum err_code expressions. On a surprise the error's text is printed. */
#define assert_ok(expr, e) check_code((expr), ERR_OK, (e), #expr, __FILE__, __LINE__)
#define assert_err(expr, code, e) check_code((expr), (code), (e), #expr, __FILE__, __LINE__)
void check_code(enum err_code got, enum err_code want, const struct err *e, const char *what, const char *file, int line);

/* text contains part. */
#define assert_has(text, part) check_has((text), (part), __FILE__, __LINE__)
void check_has(const char *text, const char *part, const char *file, int line);

/* Highest memory in use by this process so far. */
long peak_rss_kib(void);
/* Tests of what is given to a reader on purpose to break it, in a process of its own, whose memory may rise 64 MiB above
 * where it began over all of it together. Returns 0, or 1 when one failed or it took more. */
int hostile_tests(int (*const group[])(void), size_t n, const char *what);

/* A fresh folder under the build's tests/tmp, removed when the program exits. Owned by the list, do not free. */
const char *temp_dir(void);

#endif
