#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vaetop/conf/preset.h"

/* What is written must be read again as the same. */
static void check_round_trip(const struct preset *p)
{
    struct sbuf first = {0}, second = {0};
    struct preset again;
    struct err e;
    preset_format(&first, p);
    MUST(preset_parse(&again, first.text, first.len, "again.yaml", &e) == ERR_OK);
    MUST(preset_check(&again, &e) == ERR_OK);
    MUST(preset_difference(p, &again) == KNOB_NONE);
    preset_format(&second, &again);
    MUST(strcmp(first.text, second.text) == 0);
    preset_release(&again);
    sbuf_release(&first);
    sbuf_release(&second);
}

/* A preset file; behind a byte of 1 the lines of --set. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    const uint8_t *mark = size > 0 ? memchr(data, 1, size) : NULL;
    const size_t len = mark ? (size_t)(mark - data) : size;
    struct preset p;
    struct err e;
    MUST(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    enum err_code rc = preset_parse(&p, text, len, "fuzz.yaml", &e);
    fuzz_check_error(rc, &e);
    if (rc == ERR_OK) {
        for (char *line = mark ? text + len + 1 : NULL; line;) {
            char *next = strchr(line, '\n');
            if (next) {
                *next++ = '\0';
            }
            fuzz_check_error(preset_set(&p, line, &e), &e);
            line = next;
        }
        rc = preset_check(&p, &e);
        fuzz_check_error(rc, &e);
        if (rc == ERR_OK) {
            check_round_trip(&p);
        }
        preset_release(&p);
    }
    free(text);
    return 0;
}
