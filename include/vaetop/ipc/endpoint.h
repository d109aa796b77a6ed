/* Where a study's engine listens: an abstract socket named by user and by the study folder's device and inode, so that
 * it is the same through every path that leads there, needs no file and vanishes with the engine. Both ends check that
 * the other is the same user. */
#ifndef VAETOP_IPC_ENDPOINT_H
#define VAETOP_IPC_ENDPOINT_H

#include "vaetop/base/err.h"

/* Errors: BUSY (someone listens there already), IO. */
WUR enum err_code endpoint_listen(int *fd, const char *study_dir, struct err *e);
/* Errors: NOTFOUND (nobody listens), BUSY (another user does), IO. */
WUR enum err_code endpoint_connect(int *fd, const char *study_dir, struct err *e);
/* The next connection waiting on a listening socket; -1 when none, or when it was another user's and was closed.
 * *again says whether more may wait. */
int endpoint_accept(int listen_fd, int *again);

/* A name for a lock file that belongs to the study in the run folder. Owns: caller frees; NULL without such a folder. */
char *endpoint_name(const char *study_dir);

#endif
