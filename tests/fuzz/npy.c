#include <string.h>

#include "fuzz.h"

/* The magic is given, so that all the time goes into what follows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t file[4096] = "\x93NUMPY";
    if (size > sizeof file - 6) {
        return -1;
    }
    if (size > 0) {
        memcpy(file + 6, data, size);
    }
    fuzz_dataset(file, size + 6);
    return 0;
}
