/* Who speaks to a supervisor: whoever started it, over a pipe, and clients that found it there, over its socket
 * (ipc/endpoint.h says what they say and hear). */
#ifndef VAETOP_ENGINE_CALLERS_H
#define VAETOP_ENGINE_CALLERS_H

#include <stdbool.h>
#include <stddef.h>

#include "vaetop/base/err.h"

struct callers {
    int listen_fd;
    bool end; /* somebody called the engine off, and may have gone since */
    struct caller *caller;
    size_t n;
};

/* The first caller is who started us and waits at ready_fd for the engine on device ("": on none in particular). */
void callers_init(struct callers *c, int ready_fd, const char *device);
/* Errors: BUSY (another supervisor listens), IO. */
WUR enum err_code callers_listen(struct callers *c, const char *study_dir, struct err *e);
/* Those without an answer find themselves alone. */
void callers_close(struct callers *c);

/* Waits at most timeout_ms (-1: for ever) until a caller has said something or fd (-1: none) can be read, which it
 * returns. A signal ends it. */
bool callers_wait(struct callers *c, int fd, int timeout_ms);

/* The device that a waiting caller named last; NULL: none did. */
const char *callers_device(const struct callers *c);
/* An engine is started on device ("": as remembered) for all who asked for that or for none in particular. */
void callers_tried(struct callers *c, const char *device);
/* Somebody wants an engine that none was started for yet. */
bool callers_want_engine(const struct callers *c);

/* Answers all who want the engine. Those who asked for another device, and all of them when it is NULL, hear that one ran
 * already. */
void callers_engine_answers(struct callers *c, const char *device);
/* Answers those for whom it was started on device; NULL: all. */
void callers_engine_refused(struct callers *c, const char *device, const char *line);
/* Answers who called it off. */
void callers_ended(struct callers *c);

#endif
