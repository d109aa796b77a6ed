/* Time: monotonic for durations, UTC for records. Times are int64_t and carry their unit in the name. */
#ifndef VAETOP_BASE_CLOCK_H
#define VAETOP_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_ns(void); /* CLOCK_MONOTONIC */
int64_t clock_utc_us(void);  /* CLOCK_REALTIME */

/* "YYYY-MM-DD HH:MM:SS.ffffff" in UTC, as Optuna's store has it. cap >= 27. Returns buf. */
const char *clock_format_utc(char *buf, size_t cap, int64_t utc_us);
/* The reverse; -1 if text is no such time. The fraction may be missing. */
int64_t clock_parse_utc(const char *text);

#endif
