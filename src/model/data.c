/* The data set in device memory, shared by packs. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pack_private.h"
#include "vaetop/base/alloc.h"

/* Kernels read uint8 rows 16 at a time, past the end of the last one. */
#define OVERREAD 64

static enum err_code check_rows(const uint32_t *row, size_t n_rows, size_t n, const char *part, struct err *e)
{
    for (size_t i = 0; i < n_rows; i++) {
        if (row[i] >= n) {
            return err_set(e, ERR_USAGE, "%s part of the data: row %lu does not exist, there are %zu", part,
                           (unsigned long)row[i], n);
        }
    }
    return ERR_OK;
}

static enum err_code upload(struct pack_data *d, struct device *dev, const struct pack_rows *r, struct err *e)
{
    size_t bytes;
    if (!mul_size(&bytes, r->n, r->dim) || !mul_size(&bytes, bytes, r->is_u8 ? 1 : sizeof(float)) ||
        bytes > SIZE_MAX - OVERREAD) {
        return err_set(e, ERR_USAGE, "data: %zu rows of %zu values are too many", r->n, r->dim);
    }
    enum err_code rc = buffer_new(&d->x, dev, bytes + OVERREAD, "data set", e);
    if (!rc) rc = buffer_write(d->x, 0, r->x, bytes, e);
    if (!rc) rc = buffer_new(&d->order, dev, (r->n_val + r->n_train) * sizeof(uint32_t), "row numbers", e);
    if (!rc && r->n_val > 0) rc = buffer_write(d->order, 0, r->val, r->n_val * sizeof(uint32_t), e);
    if (!rc) rc = buffer_write(d->order, r->n_val * sizeof(uint32_t), r->train, r->n_train * sizeof(uint32_t), e);
    return rc;
}

enum err_code pack_data_new(struct pack_data **out, struct device *dev, const struct pack_rows *r, struct err *e)
{
    *out = NULL;
    if (r->n == 0 || r->dim == 0 || r->n_train == 0 || r->n > INT_MAX || r->n_train > INT_MAX || r->n_val > INT_MAX) {
        return err_set(e, ERR_USAGE, "data: %zu rows, %zu of them for training; expected 1 to %d", r->n,
                       r->n_train, INT_MAX);
    }
    enum err_code rc = check_rows(r->train, r->n_train, r->n, "training", e);
    if (!rc) rc = check_rows(r->val, r->n_val, r->n, "validation", e);
    if (rc) return rc;
    struct pack_data *d = xcalloc(1, sizeof *d);
    d->n = r->n;
    d->n_train = r->n_train;
    d->n_val = r->n_val;
    d->dim = r->dim;
    d->is_u8 = r->is_u8;
    rc = upload(d, dev, r, e);
    if (rc) pack_data_free(d);
    else *out = d;
    return rc;
}

void pack_data_free(struct pack_data *d)
{
    if (!d) return;
    buffer_free(d->x);
    buffer_free(d->order);
    free(d);
}

size_t pack_data_train_rows(const struct pack_data *d)
{
    return d->n_train;
}

size_t pack_data_val_rows(const struct pack_data *d)
{
    return d->n_val;
}
