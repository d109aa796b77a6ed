/* Where a study's engine and its supervisor listen: abstract sockets named by user and by the study folder's device and
 * inode, so that they are the same through every path that leads there, need no file and vanish with their process. Both
 * ends check that the other is the same user. */
#ifndef VAETOP_IPC_ENDPOINT_H
#define VAETOP_IPC_ENDPOINT_H

#include "vaetop/base/err.h"

enum endpoint { ENDPOINT_ENGINE, ENDPOINT_SUPERVISOR };

/* A supervisor is told one line, and answers with one when it has been obeyed, or with none when it is ending: */
#define SUPERVISOR_START "start"     /* or "start DEVICE": the engine shall run */
#define SUPERVISOR_END "end"         /* it shall not, and is not started again */
#define SUPERVISOR_STARTED "ok"      /* the engine answers, and was started for this call; else "CODE TEXT": why not */
#define SUPERVISOR_RAN "ran"         /* the engine answers, on the devices that it was started on */
#define SUPERVISOR_ENDED "ended"

/* Errors: BUSY (someone listens there already), IO. */
WUR enum err_code endpoint_listen(int *fd, enum endpoint who, const char *study_dir, struct err *e);
/* Errors: NOTFOUND (nobody listens), BUSY (another user does), IO. */
WUR enum err_code endpoint_connect(int *fd, enum endpoint who, const char *study_dir, struct err *e);
/* The next connection waiting on a listening socket; -1 when none, or when it was another user's and was closed.
 * *again says whether more may wait. */
int endpoint_accept(int listen_fd, int *again);

/* A name for a lock file that belongs to the study in the run folder. Owns: caller frees; NULL without such a folder. */
char *endpoint_name(const char *study_dir);

#endif
