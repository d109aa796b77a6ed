#include <stdlib.h>
#include <string.h>

#include "../../src/data/csv.h"
#include "fuzz.h"

/* Numbers must be those of strtod(), and what strtod() would also take must stay refused. */
static void check_number(const uint8_t *data, size_t size)
{
    char text[256];
    double v, w;
    if (size >= sizeof text) {
        return;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (csv_number(&v, text)) {
        char *end;
        w = strtod(text, &end);
        MUST(end[strspn(end, " \t")] == '\0');
        MUST(memcmp(&v, &w, sizeof v) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_dataset(data, size);
    check_number(data, size);
    return 0;
}
