#include "vaetop/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum err_code err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    if (e) {
        va_list ap;
        e->code = code;
        va_start(ap, fmt);
        (void)vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
    }
    return code;
}

void err_prefix(struct err *e, const char *fmt, ...)
{
    char cause[sizeof e->text];
    va_list ap;
    int n;
    if (!e) {
        return;
    }
    memcpy(cause, e->text, sizeof cause);
    va_start(ap, fmt);
    n = vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    /* By hand: a cut is meant here, and compilers warn of a snprintf that may cut. */
    if (n >= 0 && (size_t)n + 2 < sizeof e->text) {
        size_t room = sizeof e->text - (size_t)n - 3;
        size_t len = strnlen(cause, sizeof cause);
        len = len < room ? len : room;
        memcpy(e->text + n, ": ", 2);
        memcpy(e->text + n + 2, cause, len);
        e->text[(size_t)n + 2 + len] = '\0';
    }
}

int err_exit_status(enum err_code code)
{
    static const int status[] = {
#define X(c, s, meaning) [ERR_##c] = (s),
        ERR_LIST(X)
#undef X
    };
    return (size_t)code < sizeof status / sizeof *status ? status[code] : 1;
}
