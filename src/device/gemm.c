#include "device_private.h"

#include <clblast_c.h>

#include "vaetop/device/clerr.h"

enum err_code device_gemm(struct device *d, const struct gemm *g, struct err *e)
{
    queue_has_work(d);
    /* No event: CLBlast would keep one per call that nobody needs in an in-order queue. */
    CLBlastStatusCode status =
        CLBlastSgemm(CLBlastLayoutRowMajor, g->trans_a ? CLBlastTransposeYes : CLBlastTransposeNo,
                     g->trans_b ? CLBlastTransposeYes : CLBlastTransposeNo, g->m, g->n, g->k, 1.0f, g->a->mem, g->a_off,
                     g->lda, g->b->mem, g->b_off, g->ldb, 0.0f, g->c->mem, g->c_off, g->ldc, &d->queue, NULL);
    if (status != CLBlastSuccess) {
        return cl_fail(e, (int)status, "CLBlastSgemm", d->info.name);
    }
    return d->sync ? queue_finish(d, "CLBlastSgemm", e) : ERR_OK;
}
