#include <stdlib.h>
#include <string.h>

#include "../../src/ui/settings.h"
#include "fuzz.h"
#include "vaetop/base/str.h"

/* What screen.conf may hold: a refusal leaves no value outside its words, and its line can be printed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings s;
    struct err e;
    char clean[4 * sizeof e.text];
    char *text = calloc(size + 1, 1);
    MUST(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    if (settings_parse(&s, text, "screen.conf", &e)) {
        MUST(strcmp(str_clean(clean, sizeof clean, e.text), e.text) == 0);
    }
    for (int k = 0; k < SETTING_COUNT; k++) {
        MUST(s.value[k] >= 0 && s.value[k] < setting_words((enum setting)k));
    }
    free(text);
    return 0;
}
