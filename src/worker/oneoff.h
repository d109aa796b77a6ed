/* A worker that answers one question on its standard output, as frames, and ends. */
#ifndef VAETOP_WORKER_ONEOFF_H
#define VAETOP_WORKER_ONEOFF_H

#include "vaetop/ipc/messages.h"

/* Drivers print what they like: standard output becomes /dev/null, the frames go out on a copy of out_fd.
 * NULL when there is no descriptor left. */
struct conn *oneoff_open(int out_fd);

/* Sends PROBED with error ("": all is well; NULL: sends nothing, the other end is gone) and ends the process, not
 * through the exit handlers: a driver's own may hang. */
_Noreturn void oneoff_end(struct conn *c, char *error);

#endif
