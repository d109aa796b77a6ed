/* The asking side of `vaetop bench`: a worker of its own measures one device. */
#ifndef VAETOP_IPC_BENCH_CLIENT_H
#define VAETOP_IPC_BENCH_CLIENT_H

#include <stddef.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/device_info.h"
#include "vaetop/ipc/messages.h"

struct bench_answer {
    struct m_measured *row;
    size_t n;
    struct m_benched end;
};
/* Waits as long as the worker lives; calls seen (may be NULL) for each row as it comes. request's platform and device
 * are set here. Errors: what the worker says, NODEVICE (it crashed), IO. Owns: bench_answer_release(). */
WUR enum err_code bench_ask(struct bench_answer *out, const struct device_info *d, struct m_bench *request,
                            void (*seen)(const struct m_measured *row), struct err *e);
void bench_answer_release(struct bench_answer *a);

#endif
