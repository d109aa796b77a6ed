#include "callers.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/base/str.h"
#include "vaetop/ipc/endpoint.h"

#define CALLERS_MOST 64
#define PAUSE_MS 50

enum wish { WISH_UNSAID, WISH_ENGINE, WISH_END };

struct caller {
    int fd;
    bool listens; /* whoever started us only hears */
    bool tried; /* an engine was started for it */
    enum wish wish;
    char text[512]; /* what it says; of ENGINE: the device */
    size_t n;
};

static void add(struct callers *c, struct caller one)
{
    c->caller = xreallocarray(c->caller, c->n + 1, sizeof *c->caller);
    c->caller[c->n++] = one;
}

static void drop(struct callers *c, size_t i)
{
    (void)close(c->caller[i].fd);
    c->n--;
    memmove(&c->caller[i], &c->caller[i + 1], (c->n - i) * sizeof *c->caller);
}

void callers_init(struct callers *c, int ready_fd, const char *device)
{
    *c = (struct callers){.listen_fd = -1};
    struct caller first = {.fd = ready_fd, .wish = WISH_ENGINE};
    (void)str_copy(first.text, sizeof first.text, device);
    add(c, first);
}

enum err_code callers_listen(struct callers *c, const char *study_dir, struct err *e)
{
    enum err_code rc = endpoint_listen(&c->listen_fd, ENDPOINT_SUPERVISOR, study_dir, e);
    if (rc) {
        c->listen_fd = -1;
    }
    return rc;
}

void callers_close(struct callers *c)
{
    while (c->n > 0) {
        drop(c, c->n - 1);
    }
    if (c->listen_fd >= 0) {
        (void)close(c->listen_fd);
    }
    free(c->caller);
    *c = (struct callers){.listen_fd = -1};
}

/* --- hearing */

/* False: it says nothing that we understand. */
static bool understand(struct callers *c, struct caller *one)
{
    static const char start[] = SUPERVISOR_START;
    const size_t n = sizeof start - 1;
    if (strcmp(one->text, SUPERVISOR_END) == 0) {
        one->wish = WISH_END;
        c->end = true;
        return true;
    }
    if (strncmp(one->text, start, n) != 0 || (one->text[n] != '\0' && one->text[n] != ' ')) {
        return false;
    }
    one->wish = WISH_ENGINE;
    memmove(one->text, one->text + n + (one->text[n] == ' '), strlen(one->text + n + (one->text[n] == ' ')) + 1);
    return true;
}

/* False: it has gone, or is none of ours. */
static bool hear(struct callers *c, struct caller *one)
{
    char byte;
    ssize_t got;
    while ((got = read(one->fd, &byte, 1)) == 1) {
        if (one->wish != WISH_UNSAID || one->n + 1 == sizeof one->text) {
            return false;
        }
        if (byte == '\n') {
            one->text[one->n] = '\0';
            return understand(c, one);
        }
        one->text[one->n++] = byte;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Who has not said anything gives way. */
static void make_room(struct callers *c)
{
    for (size_t i = 0; c->n >= CALLERS_MOST && i < c->n; i++) {
        if (c->caller[i].wish == WISH_UNSAID) {
            drop(c, i);
        }
    }
}

static void welcome(struct callers *c)
{
    int again = 1;
    for (int i = 0; again && i < CALLERS_MOST; i++) {
        const int fd = endpoint_accept(c->listen_fd, &again);
        if (fd < 0 && !again && errno != EAGAIN && errno != EWOULDBLOCK) {
            (void)poll(NULL, 0, PAUSE_MS); /* no descriptor left: it goes on waiting */
        }
        make_room(c);
        if (fd >= 0 && c->n < CALLERS_MOST) {
            add(c, (struct caller){.fd = fd, .listens = true});
        } else if (fd >= 0) {
            (void)close(fd);
        }
    }
}

bool callers_wait(struct callers *c, int fd, int timeout_ms)
{
    struct pollfd *p = xcalloc(c->n + 2, sizeof *p);
    p[0] = (struct pollfd){.fd = fd, .events = POLLIN};
    p[1] = (struct pollfd){.fd = c->listen_fd, .events = POLLIN};
    for (size_t i = 0; i < c->n; i++) {
        p[2 + i] = (struct pollfd){.fd = c->caller[i].fd, .events = c->caller[i].listens ? POLLIN : 0};
    }
    const bool some = poll(p, c->n + 2, timeout_ms) > 0;
    for (size_t i = c->n; some && i > 0; i--) {
        struct caller *one = &c->caller[i - 1];
        if (p[1 + i].revents && (!one->listens || !hear(c, one))) {
            drop(c, i - 1);
        }
    }
    if (some && p[1].revents) {
        welcome(c);
    }
    const bool ready = some && p[0].revents;
    free(p);
    return ready;
}

const char *callers_device(const struct callers *c)
{
    const char *device = NULL;
    for (size_t i = 0; i < c->n; i++) {
        if (c->caller[i].wish == WISH_ENGINE && c->caller[i].text[0]) {
            device = c->caller[i].text;
        }
    }
    return device;
}

/* An engine on device is what it asked for. */
static bool content(const struct caller *one, const char *device)
{
    return !one->text[0] || strcmp(one->text, device) == 0;
}

void callers_tried(struct callers *c, const char *device)
{
    for (size_t i = 0; i < c->n; i++) {
        struct caller *one = &c->caller[i];
        one->tried = one->tried || (one->wish == WISH_ENGINE && content(one, device));
    }
}

bool callers_want_engine(const struct callers *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->caller[i].wish == WISH_ENGINE && !c->caller[i].tried) {
            return true;
        }
    }
    return false;
}

/* --- answering */

static void answer(struct callers *c, size_t i, const char *line)
{
    char *text = xasprintf("%s\n", line);
    if (fs_write_all(c->caller[i].fd, text, strlen(text)) != 0) {
        log_info("who asked for the engine has gone");
    }
    free(text);
    drop(c, i);
}

void callers_engine_answers(struct callers *c, const char *device)
{
    for (size_t i = c->n; i > 0; i--) {
        const struct caller *one = &c->caller[i - 1];
        if (one->wish == WISH_ENGINE) {
            answer(c, i - 1, device && content(one, device) ? SUPERVISOR_STARTED : SUPERVISOR_RAN);
        }
    }
}

void callers_engine_refused(struct callers *c, const char *device, const char *line)
{
    for (size_t i = c->n; i > 0; i--) {
        if (c->caller[i - 1].wish == WISH_ENGINE && (!device || content(&c->caller[i - 1], device))) {
            answer(c, i - 1, line);
        }
    }
}

void callers_ended(struct callers *c)
{
    for (size_t i = c->n; i > 0; i--) {
        if (c->caller[i - 1].wish == WISH_END) {
            answer(c, i - 1, SUPERVISOR_ENDED);
        }
    }
}
