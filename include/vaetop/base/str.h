/* Text: a growing buffer, checked numbers, cleaning of foreign bytes, "did you mean". */
#ifndef VAETOP_BASE_STR_H
#define VAETOP_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing NUL-terminated buffer. {0} is a valid empty one; text is NULL until the first byte.
 * Owns: sbuf_release() frees; sbuf_take() hands the text to the caller (never NULL). */
struct sbuf {
    char *text;
    size_t len, cap;
};
void sbuf_add(struct sbuf *b, const char *s);
void sbuf_add_bytes(struct sbuf *b, const void *p, size_t n);
void sbuf_addf(struct sbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sbuf_vaddf(struct sbuf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void sbuf_clear(struct sbuf *b);
char *sbuf_take(struct sbuf *b);
void sbuf_release(struct sbuf *b);

/* Copies at most cap - 1 bytes and terminates. True if all of src fitted. cap > 0. */
bool str_copy(char *dst, size_t cap, const char *src);

/* The whole string must be a number (blanks around it allowed) and, for f64, finite. False otherwise. */
bool str_to_i64(int64_t *out, const char *s);
bool str_to_f64(double *out, const char *s);

/* Shortest decimal text that reads back as the same double ("0.001", "1e-05", "784"). Returns buf. cap >= 32. */
const char *str_from_f64(char *buf, size_t cap, double v);

/* For a column: fixed decimals, fewer when the width is short, then an exponent ("1.2e30"); never longer than width. NaN
 * is "-". Returns buf; cap > width. */
const char *str_fit(char *buf, size_t cap, double v, int width, int decimals);
/* "3.1e-03" -> "3.1e-3", "1e+30" -> "1e30", in place. */
void str_short_exponent(char *s);

bool str_starts(const char *s, const char *prefix);

/* Foreign bytes made safe for a terminal or a log: control bytes (C0, DEL, C1), invalid UTF-8 and bidi controls
 * become \xNN. Cuts to cap - 1 bytes at a character. Returns dst. */
char *str_clean(char *dst, size_t cap, const char *src);

/* The candidate nearest to word by edit distance if it is close enough to suggest, else NULL. Source: Damerau 1964. */
const char *str_nearest(const char *word, const char *const *candidate, size_t n);

/* Bytes as "41.2 MiB", seconds as "3:07" or "1:02:45" or "2d 3h". Return buf. cap >= 16. */
const char *str_bytes(char *buf, size_t cap, uint64_t bytes);
const char *str_duration(char *buf, size_t cap, double seconds);

#endif
