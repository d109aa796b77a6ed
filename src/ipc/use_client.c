#include "vaetop/ipc/use_client.h"

#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "worker_start.h"

#define DIMS_MAX 65536

static bool take_dim(struct use_answer *out, struct msg_reader *r)
{
    struct m_used_dim m;
    if (out->n_dims == DIMS_MAX || !read_used_dim(&m, r)) {
        return false;
    }
    out->dim_kl = xreallocarray(out->dim_kl, out->n_dims + 1, sizeof *out->dim_kl);
    out->dim_kl[out->n_dims++] = m.kl;
    free_used_dim(&m);
    return true;
}

/* True when USED has come. */
static bool converse(struct use_answer *out, struct conn *c, const struct m_use *request)
{
    uint16_t type;
    struct msg_reader r;
    if (!send_use(c, request)) {
        return false;
    }
    while (conn_wait(c, &type, &r, -1) == CONN_FRAME) {
        if (type == MESSAGE_USED) {
            return read_used(&out->used, &r);
        }
        if (type != MESSAGE_USED_DIM || !take_dim(out, &r)) {
            return false;
        }
    }
    return false;
}

enum err_code use_ask(struct use_answer *out, const struct device_info *d, struct m_use *request, struct err *e)
{
    struct conn *c = NULL;
    pid_t pid = 0;
    *out = (struct use_answer){0};
    request->platform = d->platform_index;
    request->device = d->device_index;
    enum err_code rc = worker_start(&c, &pid, "use", d, e);
    if (rc) {
        return rc;
    }
    const bool answered = converse(out, c, request);
    rc = worker_end(c, pid, answered, d, e);
    if (!rc && out->used.code) {
        rc = err_set(e, (enum err_code)out->used.code, "%s", out->used.text);
    }
    if (rc) {
        use_answer_release(out);
    }
    return rc;
}

void use_answer_release(struct use_answer *a)
{
    free_used(&a->used);
    free(a->dim_kl);
    *a = (struct use_answer){0};
}
