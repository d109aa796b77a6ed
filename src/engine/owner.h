/* A file that says whose a study is: locked while its process lives, with a line about it. */
#ifndef VAETOP_ENGINE_OWNER_H
#define VAETOP_ENGINE_OWNER_H

#include <stdbool.h>

#include "vaetop/base/err.h"

/* Locks path and writes "process N on HOST" into it. Errors: BUSY (another has it), IO. Owns: the caller closes *fd. */
WUR enum err_code owner_lock(int *fd, const char *path, struct err *e);

/* The file's process is or was on this host, or has not said yet where it is. */
bool owner_is_here(const char *path);

#endif
