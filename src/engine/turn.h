/* One supervisor has a study. A second one, which a client started while the first waits for its back-off to pass, calls
 * that one instead, and is served when the engine answers. */
#ifndef VAETOP_ENGINE_TURN_H
#define VAETOP_ENGINE_TURN_H

#include <stdbool.h>

#include "vaetop/base/err.h"

enum turn_call { TURN_NOBODY, TURN_START, TURN_END };

/* Takes the study, or has the supervisor that has it bring its engine, on device unless that is NULL. *served: it did.
 * Errors: BUSY (a supervisor on another host has it; its engine did not come), IO. Owns: the caller closes *fd, -1 when
 * served. */
WUR enum err_code turn_take(int *fd, bool *served, const char *dir, const char *device, struct err *e);

/* What somebody wants of the supervisor meanwhile; said once. *device: for START, or NULL. Owns: caller frees it. */
enum turn_call turn_called(const char *dir, char **device);

#endif
