/* Starting a worker of one's own on a device, for one question. */
#ifndef VAETOP_IPC_WORKER_START_H
#define VAETOP_IPC_WORKER_START_H

#include <sys/types.h>

#include "vaetop/conf/device_info.h"
#include "vaetop/ipc/frame.h"

/* use: vaetop-worker's word. It sees only the device's driver and dies with this process. Errors: IO. Owns: conn_free(),
 * and worker_end() for the process. */
WUR enum err_code worker_start(struct conn **conn, pid_t *pid, const char *use, const struct device_info *d,
                               struct err *e);

/* Closes the connection and waits for the process; answered: it has said all and is not waited for. Errors: NODEVICE
 * (it died without an answer: of what). */
WUR enum err_code worker_end(struct conn *conn, pid_t pid, bool answered, const struct device_info *d, struct err *e);

#endif
