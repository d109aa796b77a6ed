#include "idx.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vaetop/base/alloc.h"

#define MAX_DIM ((size_t)1 << 24) /* values per row: a network over more would not fit anywhere */

static const char *type_name(uint8_t code)
{
    switch (code) {
    case 0x08:
        return "unsigned byte";
    case 0x09:
        return "signed byte";
    case 0x0B:
        return "int16";
    case 0x0C:
        return "int32";
    case 0x0D:
        return "float32";
    case 0x0E:
        return "float64";
    default:
        return "no type of IDX";
    }
}

/* The four bytes in front: 0, 0, type, rank. */
static enum err_code check_magic(const uint8_t m[4], const struct input *in, bool labels, struct err *e)
{
    if (m[0] != 0 || m[1] != 0) {
        return input_bad(in, 0, e, "found bytes %02x %02x %02x %02x, expected 00 00 and a type as an IDX file begins",
                         m[0], m[1], m[2], m[3]);
    }
    if (m[2] != 0x08 && (labels || m[2] != 0x0D)) {
        return input_bad(in, 2, e, "found type 0x%02x (%s), expected %s", m[2], type_name(m[2]),
                         labels ? "0x08 (unsigned byte): the type of labels that is read"
                                : "0x08 (unsigned byte) or 0x0D (float32): the types that are read");
    }
    if (labels ? m[3] != 1 : m[3] != 2 && m[3] != 3) {
        return input_bad(in, 3, e, "found %u dimensions, expected %s", m[3],
                         labels      ? "1 as labels have"
                         : m[3] == 1 ? "3 (images) or 2 (vectors): is this the labels file?"
                                     : "3 (images) or 2 (vectors)");
    }
    return ERR_OK;
}

enum err_code idx_read_header(struct idx *out, struct input *in, bool labels, struct err *e)
{
    uint8_t m[4], raw[4];
    uint64_t size[3] = {0, 1, 1};
    enum err_code rc = input_read(in, m, sizeof m, "the IDX header", e);
    rc = rc ? rc : check_magic(m, in, labels, e);
    if (rc) {
        return rc;
    }
    memset(out, 0, sizeof *out);
    out->type = m[2] == 0x08 ? DATA_U8 : DATA_F32;
    out->bytes = out->type == DATA_U8 ? 1 : sizeof(float);
    for (int i = 0; i < m[3]; i++) {
        rc = input_read(in, raw, sizeof raw, "the IDX header", e);
        if (rc) {
            return rc;
        }
        size[i] = (uint64_t)raw[0] << 24 | (uint64_t)raw[1] << 16 | (uint64_t)raw[2] << 8 | raw[3];
        if (size[i] == 0) {
            return input_bad(in, in->pos - 4, e, "found 0 as size of dimension %d, expected at least 1", i + 1);
        }
        if (!mul_u64(&out->bytes, out->bytes, size[i])) {
            return input_bad(in, in->pos - 4, e, "found sizes whose product is over 2^64, expected those of the data");
        }
    }
    if (size[1] * size[2] > MAX_DIM) {
        return input_bad(in, 8, e, "found %" PRIu64 " values per row, expected at most %zu", size[1] * size[2],
                         MAX_DIM);
    }
    out->n = (size_t)size[0];
    out->height = m[3] == 3 ? (size_t)size[1] : 1;
    out->width = m[3] == 3 ? (size_t)size[2] : (size_t)size[1];
    out->dim = out->height * out->width;
    return input_expect(in, out->bytes, e);
}
