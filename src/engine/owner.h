/* A file that says whose a study is: locked while its process lives, with a line about it. */
#ifndef VAETOP_ENGINE_OWNER_H
#define VAETOP_ENGINE_OWNER_H

#include "vaetop/base/err.h"

/* Locks path, waiting two seconds for whoever has it, and writes "process N on HOST" into it. Errors: BUSY (another keeps
 * it), IO; *fd is -1 then. Owns: the caller closes *fd. */
WUR enum err_code owner_lock(int *fd, const char *path, struct err *e);

#endif
