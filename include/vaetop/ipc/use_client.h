/* The asking side of a model's use: a worker of its own on one device, one request, one answer. */
#ifndef VAETOP_IPC_USE_CLIENT_H
#define VAETOP_IPC_USE_CLIENT_H

#include <stddef.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/device_info.h"
#include "vaetop/ipc/messages.h"

struct use_answer {
    struct m_used used;
    double *dim_kl; /* (n_dims) */
    size_t n_dims;
};
/* Waits as long as the worker lives. request's platform and device are set here.
 * Errors: what the worker says, NODEVICE (it crashed), IO (it cannot be started). Owns: use_answer_release(). */
WUR enum err_code use_ask(struct use_answer *out, const struct device_info *d, struct m_use *request, struct err *e);
void use_answer_release(struct use_answer *a);

#endif
