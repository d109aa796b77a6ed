/* From a client to a study's supervisor: started where none is, spoken to where one is. */
#ifndef VAETOP_IPC_SUPERVISOR_H
#define VAETOP_IPC_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "vaetop/base/err.h"

/* Has a supervisor bring the study's engine, on device (NULL: as the study remembers) if it does not run yet, and waits
 * until it answers. *fresh: it was started for this call. Errors: NOTFOUND (the supervisor was just ending: again),
 * what the engine refused with, BUSY (a supervisor elsewhere has the study), IO. */
WUR enum err_code supervisor_start(bool *fresh, const char *study_dir, const char *device, int64_t deadline_ns,
                                   struct err *e);

#endif
