#include <string.h>

#include "fuzz.h"
#include "vaetop/data/safetensors.h"

/* Reads every byte of every tensor, so that one outside of the file is seen. */
static unsigned walk(const struct tensor_file *f)
{
    static const size_t bytes[] = {
        [TENSOR_F32] = 4, [TENSOR_U8] = 1, [TENSOR_I64] = 8, [TENSOR_U32] = 4, [TENSOR_F64] = 8};
    unsigned sum = 0;
    for (size_t i = 0; i < tensor_file_count(f); i++) {
        const struct tensor *t = tensor_file_at(f, i);
        size_t count = 1;
        for (int k = 0; k < t->rank; k++) {
            count *= t->shape[k];
        }
        MUST(count == t->count);
        for (size_t k = 0; k < t->count * bytes[t->type]; k++) {
            sum += ((const uint8_t *)t->data)[k];
        }
        MUST(tensor_file_find(f, t->name) == t);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tensor_file *f;
    struct err e;
    if (size == 0) {
        return -1;
    }
    const enum err_code rc = tensor_file_open(&f, fuzz_file(data, size - 1), data[size - 1] % 2 == 1, &e);
    fuzz_check_error(rc, &e);
    if (rc == ERR_OK) {
        volatile unsigned sink = walk(f);
        (void)sink;
        (void)tensor_file_meta(f, "format");
        tensor_file_free(f);
    }
    return 0;
}
