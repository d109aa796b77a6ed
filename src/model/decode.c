/* The way from latent points to logits, without data and without a loss. */
#include "vaetop/model/decode.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pack_private.h"
#include "vaetop/base/alloc.h"

static enum err_code write_latent(struct pack *pk, int slot, const float *z, size_t rows, struct err *e)
{
    const struct plan *p = &pk->plan;
    const size_t latent = (size_t)pk->lane[slot].latent, ld = (size_t)p->ld_z, n = (size_t)p->batch_pad * ld;
    float *padded = try_calloc(n, sizeof *padded);
    if (!padded) return err_set(e, ERR_NOMEM, "%zu latent values", n);
    for (size_t r = 0; r < rows; r++) memcpy(padded + r * ld, z + r * latent, latent * sizeof *z);
    const enum err_code rc = buffer_write(pk->buf[BUF_ACTS], ((size_t)slot * p->acts + p->z) * sizeof *padded, padded,
                                          n * sizeof *padded, e);
    free(padded);
    return rc;
}

static enum err_code run_logits(struct pack *pk, struct err *e)
{
    const size_t global[3] = {(size_t)pk->plan.data_pad / 16, (size_t)pk->plan.batch_pad / 16, 1};
    struct launch *l;
    enum err_code rc = launch_new(&l, pk->dev, "logits", e);
    if (rc) return rc;
    for (int i = 0; i < 5; i++) launch_buffer(l, i, pk->buf[BUF_SHAPE + i]);
    launch_int(l, 5, 0);
    launch_buffer(l, 6, pk->buf[BUF_ACTS]);
    launch_buffer(l, 7, pk->buf[pk->use_ema ? BUF_EMA : BUF_WEIGHTS]);
    rc = launch_run(l, global, (const size_t[3]){1, 1, 1}, e);
    launch_free(l);
    return rc;
}

enum err_code pack_decode(struct pack *pk, int slot, const float *z, int rows, float *logits, struct err *e)
{
    const struct plan *p = &pk->plan;
    struct pack_step step;
    assert(slot >= 0 && slot < pk->slots && rows > 0 && rows <= p->batch_pad);
    pack_step_eval(&step, 0, rows);
    enum err_code rc = pack_steps(pk, &slot, 1, &step, 1, e);
    if (!rc) rc = write_latent(pk, slot, z, (size_t)rows, e);
    for (int i = p->heads + 1; i < p->n_layers - 1 && !rc; i++) rc = pack_op(pk, OP_FORWARD, i, 0, e);
    if (!rc) rc = run_logits(pk, e);
    const struct act_view v = {.slot = slot, .layer = p->n_layers - 1, .what = ACT_GRAD, .rows = rows,
                               .cols = p->net.data};
    return rc ? rc : pack_read_act(pk, &v, logits, e);
}
