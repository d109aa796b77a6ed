#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "input.h"
#include "tensor_header.h"
#include "tensor_type.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"
#include "vaetop/data/safetensors.h"

#define ALIGNMENT 16 /* of every tensor in memory, whatever its place in the file */

struct tensor_file {
    char *text; /* the header; names and metadata point into it */
    struct tensor_header header; /* entries in the order of their data */
    size_t *by_name;
    void *data;
    uLong crc; /* of the bytes read so far */
};

static int compare_places(const void *a, const void *b)
{
    const struct header_entry *p = a, *q = b;
    if (p->begin != q->begin) {
        return p->begin < q->begin ? -1 : 1;
    }
    return p->end != q->end ? (p->end < q->end ? -1 : 1) : strcmp(p->tensor.name, q->tensor.name);
}

/* The tensors must tile the rest of the file: a hole could hide bytes, an overlap multiply them. */
static enum err_code check_places(struct tensor_file *f, const struct input *in, struct err *e)
{
    uint64_t next = 0;
    if (f->header.n_entries > 1) {
        qsort(f->header.entry, f->header.n_entries, sizeof *f->header.entry, compare_places);
    }
    for (size_t i = 0; i < f->header.n_entries; i++) {
        const struct header_entry *t = &f->header.entry[i];
        if (t->begin != next) {
            char name[80];
            return input_bad(in, t->at, e, "found tensor \"%s\" at %" PRIu64 ", expected it at %" PRIu64 ": %s",
                             str_clean(name, sizeof name, t->tensor.name), t->begin, next,
                             t->begin < next ? "it overlaps another" : "there is a hole before it");
        }
        next = t->end;
    }
    return input_expect(in, next, e);
}

/* qsort has no argument of its own, so names travel with their place. */
struct named {
    const char *name;
    size_t index;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static void index_names(struct tensor_file *f)
{
    size_t n = f->header.n_entries;
    if (n == 0) {
        return;
    }
    struct named *list = xcalloc(n, sizeof *list);
    f->by_name = xcalloc(n, sizeof *f->by_name);
    for (size_t i = 0; i < n; i++) {
        list[i] = (struct named){f->header.entry[i].tensor.name, i};
    }
    qsort(list, n, sizeof *list, compare_names);
    for (size_t i = 0; i < n; i++) {
        f->by_name[i] = list[i].index;
    }
    free(list);
}

static enum err_code read_header(struct tensor_file *f, struct input *in, struct err *e)
{
    uint8_t raw[8];
    uint64_t n = 0;
    enum err_code rc = input_read(in, raw, sizeof raw, "the header's length", e);
    if (rc) {
        return rc;
    }
    for (int i = 7; i >= 0; i--) {
        n = n << 8 | raw[i];
    }
    if (n > TENSOR_MAX_HEADER || n > in->disk - sizeof raw) {
        return input_bad(in, 0, e, "found a header of %" PRIu64 " bytes, expected at most %" PRIu64, n,
                         in->disk - 8 < TENSOR_MAX_HEADER ? in->disk - 8 : TENSOR_MAX_HEADER);
    }
    f->text = try_calloc((size_t)n + 1, 1);
    if (!f->text) {
        return err_set(e, ERR_NOMEM, "%s: no memory for a header of %" PRIu64 " bytes", in->shown, n);
    }
    rc = input_read(in, f->text, (size_t)n, "header", e);
    if (rc) {
        return rc;
    }
    f->crc = crc32_z(crc32_z(crc32_z(0, NULL, 0), raw, sizeof raw), (const Bytef *)f->text, (size_t)n);
    return tensor_header_parse(&f->header, in, f->text, (size_t)n, e);
}

/* Reads tensor after tensor, each at an aligned place; the checksum covers all before the last one's data. */
static enum err_code read_data(struct tensor_file *f, struct input *in, uint32_t *crc_before_last, struct err *e)
{
    size_t n = f->header.n_entries, total = ALIGNMENT;
    for (size_t i = 0; i < n; i++) {
        const struct header_entry *t = &f->header.entry[i];
        total += (size_t)(t->end - t->begin) + ALIGNMENT; /* at most the file's size and some: cannot overflow */
    }
    f->data = try_calloc(total / ALIGNMENT, ALIGNMENT);
    if (!f->data) {
        return err_set(e, ERR_NOMEM, "%s: no memory for %zu bytes of tensors", in->shown, total);
    }
    uint8_t *to = f->data;
    for (size_t i = 0; i < n; i++) {
        struct header_entry *t = &f->header.entry[i];
        size_t bytes = (size_t)(t->end - t->begin);
        enum err_code rc = input_read(in, to, bytes, "tensor data", e);
        if (rc) {
            return rc;
        }
        *crc_before_last = (uint32_t)f->crc;
        f->crc = bytes > 0 ? crc32_z(f->crc, to, bytes) : f->crc;
        t->tensor.data = to;
        to += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return input_end(in, e);
}

static enum err_code check_crc(const struct tensor_file *f, const struct input *in, uint32_t crc, struct err *e)
{
    const struct header_entry *last = f->header.n_entries ? &f->header.entry[f->header.n_entries - 1] : NULL;
    uint32_t stored;
    if (!last || strcmp(last->tensor.name, TENSOR_CRC) != 0 || last->tensor.type != TENSOR_U32 ||
        last->tensor.count != 1) {
        return input_bad(in, in->disk, e, "found no checksum, expected \"" TENSOR_CRC "\" as the last tensor");
    }
    memcpy(&stored, last->tensor.data, sizeof stored);
    if (stored != crc) {
        return input_bad(in, in->disk - sizeof stored, e,
                         "found checksum %08" PRIx32 ", expected %08" PRIx32 ": bytes of the file have changed", stored,
                         crc);
    }
    return ERR_OK;
}

enum err_code tensor_file_open(struct tensor_file **out, const char *path, bool need_crc, struct err *e)
{
    struct input in;
    uint32_t crc = 0;
    enum err_code rc = input_open(&in, path, false, e);
    if (rc) {
        return rc;
    }
    struct tensor_file *f = xcalloc(1, sizeof *f);
    rc = read_header(f, &in, e);
    rc = rc ? rc : check_places(f, &in, e);
    rc = rc ? rc : read_data(f, &in, &crc, e);
    if (!rc && need_crc) {
        rc = check_crc(f, &in, crc, e);
    }
    input_close(&in);
    if (rc) {
        tensor_file_free(f);
        return rc;
    }
    index_names(f);
    *out = f;
    return ERR_OK;
}

void tensor_file_free(struct tensor_file *f)
{
    if (!f) {
        return;
    }
    tensor_header_release(&f->header);
    free(f->text);
    free(f->by_name);
    free(f->data);
    free(f);
}

size_t tensor_file_count(const struct tensor_file *f)
{
    return f->header.n_entries;
}

const struct tensor *tensor_file_at(const struct tensor_file *f, size_t i)
{
    return i < f->header.n_entries ? &f->header.entry[i].tensor : NULL;
}

const struct tensor *tensor_file_weight(const struct tensor_file *f, const char *name, bool best)
{
    static const char *const kinds[] = {"best.", "ema.", ""};
    const struct tensor *found = NULL;
    for (size_t i = best ? 0 : 1; i < sizeof kinds / sizeof *kinds && !found; i++) {
        char *full = xasprintf("%s%s", kinds[i], name);
        found = tensor_file_find(f, full);
        free(full);
    }
    return found;
}

const struct tensor *tensor_file_find(const struct tensor_file *f, const char *name)
{
    size_t low = 0, high = f->header.n_entries;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct tensor *t = &f->header.entry[f->by_name[mid]].tensor;
        int order = strcmp(name, t->name);
        if (order == 0) {
            return t;
        }
        if (order < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}

const char *tensor_file_meta(const struct tensor_file *f, const char *key)
{
    for (size_t i = 0; i < f->header.n_meta; i++) {
        if (strcmp(f->header.meta[2 * i], key) == 0) {
            return f->header.meta[2 * i + 1];
        }
    }
    return NULL;
}
