#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vaetop/conf/config.h"

/* Lines as in frames and checkpoints. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sbuf text = {0}, first = {0}, second = {0};
    struct config c, again;
    struct err e;
    if (size > 0 && memchr(data, 0, size)) {
        return -1;
    }
    sbuf_add(&text, "");
    sbuf_add_bytes(&text, size > 0 ? (const void *)data : "", size);
    config_init(&c);
    const enum err_code rc = config_parse(&c, text.text ? text.text : "", &e);
    fuzz_check_error(rc, &e);
    if (rc == ERR_OK) {
        config_init(&again);
        config_format(&first, &c);
        MUST(config_parse(&again, first.text, &e) == ERR_OK);
        config_format(&second, &again);
        MUST(strcmp(first.text, second.text) == 0);
        fuzz_check_error(config_check(&c, &e), &e);
        config_release(&again);
    }
    config_release(&c);
    sbuf_release(&text);
    sbuf_release(&first);
    sbuf_release(&second);
    return 0;
}
