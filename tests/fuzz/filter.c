#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/ui/filter.h"
#include "fuzz.h"
#include "vaetop/base/str.h"

/* What stands behind the leaderboard's filter key; with a refusal the filter stays as it was. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct view v;
    static struct filter f, before;
    static char device[] = "pocl";
    const struct view_trial t = {.number = 3, .value = 99.5, .rec = (double)NAN, .epoch = 2, .device = device};
    char why[120], clean[4 * sizeof why];
    char *text = calloc(size + 1, 1);
    MUST(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    v.has_preset = false;
    before = f;
    if (filter_parse(&f, text, why, sizeof why)) {
        (void)filter_passes(&f, &v, &t);
        MUST(f.n <= FILTER_NODES && (f.n == 0 || (f.root >= 0 && f.root < f.n)));
    } else {
        MUST(memcmp(&f, &before, sizeof f) == 0);
        MUST(*why != '\0' && strcmp(str_clean(clean, sizeof clean, why), why) == 0);
    }
    free(text);
    return 0;
}
