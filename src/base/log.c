#include "vaetop/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"

static int log_fd = 2;
static char log_role[24] = "vaetop";
static enum log_level log_least = LOG_WARN;

void log_open(int fd, const char *role, enum log_level level)
{
    const char *wish = getenv("VAETOP_LOG");
    log_fd = fd;
    (void)str_copy(log_role, sizeof log_role, role);
    log_least = wish && strcmp(wish, "debug") == 0 ? LOG_DEBUG : level;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    static const char *const name[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    char raw[1024];
    char text[1024];
    char line[1200];
    char when[32];
    va_list ap;
    int n;
    if (level < log_least) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    (void)str_clean(text, sizeof text, raw);
    (void)clock_format_utc(when, sizeof when, clock_utc_us());
    when[10] = 'T';
    n = snprintf(line, sizeof line, "%.23sZ %s[%d] %s %s\n", when, log_role, (int)getpid(), name[level], text);
    if (n > 0) {
        size_t len = (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
        (void)fs_write_all(log_fd, line, len); /* one write: lines of several processes do not mix */
    }
}
