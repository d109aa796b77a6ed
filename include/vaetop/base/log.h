/* One log per process: lines "2026-01-31T12:00:00.123Z worker[812] WARN text", to a file or stderr.
 * Text is cleaned. Before log_open() lines of WARN and worse go to stderr. Never fails, never blocks for long. */
#ifndef VAETOP_BASE_LOG_H
#define VAETOP_BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Appends to fd (kept open, not owned) as role; lines under level are dropped. VAETOP_LOG=debug lowers the level. */
void log_open(int fd, const char *role, enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
