/* Foreign bytes from a regular file, plain or gzip, read front to back; every complaint names file and offset.
 * Pipes, folders and devices are refused; nothing is mapped, so a file cut short under us is an error, not a signal. */
#ifndef VAETOP_DATA_INPUT_H
#define VAETOP_DATA_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"

#define INPUT_AHEAD 8 /* bytes that tell formats apart */

struct unpack; /* gzip state */

struct input {
    char shown[256];   /* the path, safe to print */
    int fd;
    uint64_t disk;     /* size of the file */
    uint64_t pos;      /* bytes handed out, unpacked */
    struct unpack *gz; /* NULL: plain */
    uint8_t ahead[INPUT_AHEAD]; /* looked at, not yet handed out */
    size_t ahead_at, ahead_end;
};

/* gzip: unpack if the file begins as one. On success input_close() is due. Errors: NOTFOUND, IO, DATA (no regular
 * file), NOMEM. */
WUR enum err_code input_open(struct input *in, const char *path, bool gzip, struct err *e);
void input_close(struct input *in);

/* Exactly n bytes. `what` names them in the message of a file that ends early. Errors: DATA, IO. */
WUR enum err_code input_read(struct input *in, void *out, size_t n, const char *what, struct err *e);

/* The first bytes, fewer if the file ends before, without handing them out. Called once, first. Errors: DATA, IO. */
WUR enum err_code input_peek(struct input *in, uint8_t out[static INPUT_AHEAD], size_t *got, struct err *e);

/* Up to n bytes, at least one; *got = 0 at the end of the file, which input_end() then checks. Errors: DATA, IO. */
WUR enum err_code input_some(struct input *in, void *out, size_t n, size_t *got, struct err *e);

/* Called before `rest` bytes are allocated: a plain file must hold exactly that many more, a gzip file must be large
 * enough to be able to. Errors: DATA. */
WUR enum err_code input_expect(const struct input *in, uint64_t rest, struct err *e);

/* Nothing may follow. Errors: DATA, IO. */
WUR enum err_code input_end(struct input *in, struct err *e);

/* Fills e with "PATH: offset N: text" as DATA and returns it. */
enum err_code input_bad(const struct input *in, uint64_t offset, struct err *e, const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
