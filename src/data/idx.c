#include "idx.h"

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

enum err_code idx_read_header(struct array *out, struct input *in, bool labels, struct err *e)
{
    uint8_t m[4], raw[4];
    enum err_code rc = input_read(in, m, sizeof m, "the IDX header", e);
    rc = rc ? rc : check_magic(m, in, labels, e);
    if (rc) {
        return rc;
    }
    *out = (struct array){.type = m[2] == 0x08 ? ELEMENT_U8 : ELEMENT_F32, .big_endian = true, .rank = m[3]};
    for (int i = 0; i < m[3]; i++) {
        rc = input_read(in, raw, sizeof raw, "the IDX header", e);
        if (rc) {
            return rc;
        }
        const uint32_t size = (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 | raw[3];
        if (size == 0) {
            return input_bad(in, in->pos - 4, e, "found 0 as size of dimension %d, expected at least 1", i + 1);
        }
        out->shape[i] = size;
    }
    out->begin = in->pos;
    return array_derive(out, in, labels ? 4 : 8, labels, e);
}
