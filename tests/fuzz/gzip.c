#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "fuzz.h"

#define UNPACKED_MAX 4096

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_dataset(data, size);
    return 0;
}

/* Changes what is packed half of the time: a change of the packed bytes seldom gets past the checksum. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    uint8_t plain[UNPACKED_MAX];
    z_stream z = {0};
    if (seed % 2 || size < 2 || inflateInit2(&z, 15 + 16) != Z_OK) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    const uint8_t how = data[size - 1];
    z.next_in = data;
    z.avail_in = (uInt)(size - 1);
    z.next_out = plain;
    z.avail_out = sizeof plain;
    (void)inflate(&z, Z_FINISH);
    size_t n = sizeof plain - z.avail_out;
    (void)inflateEnd(&z);
    n = LLVMFuzzerMutate(plain, n, sizeof plain);
    memset(&z, 0, sizeof z);
    if (max_size < 2 || deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    z.next_in = plain;
    z.avail_in = (uInt)n;
    z.next_out = data;
    z.avail_out = (uInt)(max_size - 1);
    (void)deflate(&z, Z_FINISH);
    size = max_size - 1 - z.avail_out;
    (void)deflateEnd(&z);
    data[size] = how;
    return size + 1;
}
