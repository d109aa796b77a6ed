#include "device_private.h"

#include <clblast_c.h>

#include "vaetop/device/clerr.h"

static CLBlastTranspose turned(bool yes)
{
    return yes ? CLBlastTransposeYes : CLBlastTransposeNo;
}

enum err_code device_gemm_temp(size_t *bytes, struct device *d, const struct gemm *g, struct err *e)
{
    *bytes = 0;
    const CLBlastStatusCode status = CLBlastSGemmTempBufferSize(
        CLBlastLayoutRowMajor, turned(g->trans_a), turned(g->trans_b), g->m, g->n, g->k, g->a_off, g->lda, g->b_off, g->ldb,
        g->c_off, g->ldc, &d->queue, bytes);
    return status == CLBlastSuccess ? ERR_OK : cl_fail(e, (int)status, "CLBlastSGemmTempBufferSize", d->info.name);
}

/* Its temporaries are ours: counted, checked against the memory there is, and not made anew for every product. */
static enum err_code have_temp(struct device *d, const struct gemm *g, struct err *e)
{
    size_t bytes;
    const enum err_code rc = device_gemm_temp(&bytes, d, g, e);
    if (rc || bytes == 0 || (d->gemm_temp && buffer_bytes(d->gemm_temp) >= bytes)) {
        return rc;
    }
    buffer_free(d->gemm_temp);
    d->gemm_temp = NULL;
    return buffer_new(&d->gemm_temp, d, bytes, "CLBlast's temporaries", e);
}

size_t device_gemm_temp_held(const struct device *d)
{
    return d->gemm_temp ? buffer_bytes(d->gemm_temp) : 0;
}

enum err_code device_gemm(struct device *d, const struct gemm *g, struct err *e)
{
    const enum err_code rc = have_temp(d, g, e);
    if (rc) {
        return rc;
    }
    busy_begin(d);
    /* No event: CLBlast would keep one per call that nobody needs in an in-order queue. */
    const CLBlastStatusCode status = CLBlastSgemmWithTempBuffer(
        CLBlastLayoutRowMajor, turned(g->trans_a), turned(g->trans_b), g->m, g->n, g->k, 1.0f, g->a->mem, g->a_off, g->lda,
        g->b->mem, g->b_off, g->ldb, 0.0f, g->c->mem, g->c_off, g->ldc, &d->queue, NULL,
        d->gemm_temp ? d->gemm_temp->mem : NULL);
    if (status != CLBlastSuccess) {
        return cl_fail(e, (int)status, "CLBlastSgemm", d->info.name);
    }
    return d->sync ? queue_finish(d, "CLBlastSgemm", e) : ERR_OK;
}
