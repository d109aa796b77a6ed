/* Errors as values: a code and one line of text, filled by the callee, printed once at the top.
 *
 * Every fallible function returns enum err_code (0 is success) and takes a `struct err *e` last, which may be
 * NULL. Messages say what and the value, where it was found, what was expected and what to do; one line, no
 * "failed to", no trailing stop. A caller adds context with err_prefix() and keeps the cause. */
#ifndef VAETOP_BASE_ERR_H
#define VAETOP_BASE_ERR_H

#define WUR __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* X(CODE, exit status of the command line that dies of it, meaning). Exit statuses: design section 6. */
#define ERR_LIST(X)                                                            \
    X(OK, 0, "success")                                                        \
    X(NOMEM, 1, "host memory refused")                                         \
    X(IO, 1, "a file, folder or socket could not be used")                     \
    X(FULL, 1, "no room on the disk, or a quota is used up")                   \
    X(DATA, 1, "a data set is missing, broken or does not fit")                \
    X(USAGE, 2, "command line or preset is wrong")                             \
    X(NOTFOUND, 1, "the named thing does not exist")                           \
    X(BUSY, 5, "in use by another process")                                    \
    X(PROTO, 1, "the other end of a socket broke the protocol")                \
    X(NODEVICE, 3, "no usable device")                                         \
    X(CL, 1, "an OpenCL call was refused")                                     \
    X(CL_BUILD, 1, "a kernel does not build on this device")                   \
    X(DEVICE_MEM, 1, "device memory refused")                                  \
    X(NONFINITE, 1, "a value became NaN or infinite")                          \
    X(DB, 6, "the study's data base is damaged or refused a statement")        \
    X(FAILED, 4, "only failed trials")                                         \
    X(CANCELLED, 1, "stopped on request")

enum err_code {
#define X(code, status, meaning) ERR_##code,
    ERR_LIST(X)
#undef X
};

struct err {
    enum err_code code;
    char text[768];
};

/* Sets code and text and returns code, so that `return err_set(e, ERR_IO, "...")` reads well. e may be NULL. */
enum err_code err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "prefix: " in front of the text, keeping the code; cuts at the end when it grows too long. */
void err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The command line's exit status for a code. */
int err_exit_status(enum err_code code);

#endif
