#include "vaetop/data/npy_write.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"

#define RANK_MAX 4
#define ALIGNMENT 64 /* of the first value, for those who map the file */
#define BEFORE_TEXT 10 /* magic, version, length of the text */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FLOAT32 "<f4"
#else
#define FLOAT32 ">f4"
#endif

/* "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", blanks up to the alignment, a line's end. */
static void header(struct sbuf *out, enum data_type type, const size_t *shape, int rank)
{
    struct sbuf text = {0};
    sbuf_addf(&text, "{'descr': '%s', 'fortran_order': False, 'shape': (", type == DATA_U8 ? "|u1" : FLOAT32);
    for (int i = 0; i < rank; i++) {
        sbuf_addf(&text, i == 0 || rank == 1 ? "%zu" : ", %zu", shape[i]);
    }
    sbuf_add(&text, rank == 1 ? ",), }" : "), }");
    while ((BEFORE_TEXT + text.len + 1) % ALIGNMENT != 0) {
        sbuf_add(&text, " ");
    }
    sbuf_add(&text, "\n");
    const unsigned char front[BEFORE_TEXT] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(text.len & 255),
                                              (unsigned char)(text.len >> 8)};
    sbuf_add_bytes(out, front, sizeof front);
    sbuf_add_bytes(out, text.text, text.len);
    sbuf_release(&text);
}

enum err_code npy_save(const char *path, enum data_type type, const void *x, const size_t *shape, int rank,
                       struct err *e)
{
    size_t bytes = type == DATA_U8 ? 1 : sizeof(float);
    struct sbuf front = {0};
    assert(rank >= 1 && rank <= RANK_MAX);
    for (int i = 0; i < rank; i++) {
        if (!mul_size(&bytes, bytes, shape[i])) {
            return err_set(e, ERR_NOMEM, "%s: the array is too large", path);
        }
    }
    header(&front, type, shape, rank);
    char *file = try_calloc(front.len + bytes, 1);
    if (!file) {
        sbuf_release(&front);
        return err_set(e, ERR_NOMEM, "%s: no memory for %zu bytes", path, bytes);
    }
    memcpy(file, front.text, front.len);
    memcpy(file + front.len, x, bytes);
    enum err_code rc = fs_write(path, file, front.len + bytes, e);
    sbuf_release(&front);
    free(file);
    return rc;
}
