#include "vaetop/ipc/frame.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"

#define HEADER_BYTES 8
#define READ_STEP 65536
/* A peer that leaves this much unread is too slow to be waited for. */
#define QUEUE_MOST ((size_t)8 << 20)

/* --- fields */

static void put_le(unsigned char *out, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = (unsigned char)(v >> (8 * i));
    }
}

static uint64_t take_le(const unsigned char *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        v |= (uint64_t)p[i] << (8 * i);
    }
    return v;
}

void msg_u8(struct msg_writer *w, uint8_t v)
{
    sbuf_add_bytes(&w->bytes, &v, 1);
}

void msg_i64(struct msg_writer *w, int64_t v)
{
    unsigned char b[8];
    put_le(b, (uint64_t)v, 8);
    sbuf_add_bytes(&w->bytes, b, 8);
}

void msg_f64(struct msg_writer *w, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    unsigned char b[8];
    put_le(b, bits, 8);
    sbuf_add_bytes(&w->bytes, b, 8);
}

void msg_bytes(struct msg_writer *w, const void *p, size_t n)
{
    assert(n <= FRAME_MAX);
    unsigned char b[4];
    put_le(b, n, 4);
    sbuf_add_bytes(&w->bytes, b, 4);
    if (n > 0) {
        sbuf_add_bytes(&w->bytes, p, n);
    }
}

void msg_str(struct msg_writer *w, const char *s)
{
    msg_bytes(w, s ? s : "", s ? strlen(s) : 0);
}

/* The next n bytes, or NULL and `bad` when they run past the end. */
static const unsigned char *take(struct msg_reader *r, size_t n)
{
    if (r->bad || r->left < n) {
        r->bad = true;
        r->left = 0;
        return NULL;
    }
    const unsigned char *p = r->p;
    r->p += n;
    r->left -= n;
    return p;
}

uint8_t get_u8(struct msg_reader *r)
{
    const unsigned char *p = take(r, 1);
    return p ? *p : 0;
}

int64_t get_i64(struct msg_reader *r)
{
    const unsigned char *p = take(r, 8);
    return p ? (int64_t)take_le(p, 8) : 0;
}

double get_f64(struct msg_reader *r)
{
    const unsigned char *p = take(r, 8);
    double v = 0;
    if (p) {
        uint64_t bits = take_le(p, 8);
        memcpy(&v, &bits, sizeof v);
    }
    return v;
}

const void *get_bytes(struct msg_reader *r, size_t *n)
{
    const unsigned char *p = take(r, 4);
    *n = p ? (size_t)take_le(p, 4) : 0;
    p = take(r, *n);
    if (!p) {
        *n = 0;
    }
    return p;
}

char *get_str(struct msg_reader *r)
{
    size_t n;
    const char *p = get_bytes(r, &n);
    if (n > 0 && memchr(p, 0, n)) {
        r->bad = true;
    }
    return r->bad ? xstrdup("") : xstrndup(p, n);
}

/* --- connections */

struct conn {
    int fd;
    unsigned char *in; /* in[in_from .. in_len) is not yet handed out */
    size_t in_from, in_len, in_cap;
    unsigned char *out; /* out[out_from .. out_len) is not yet sent */
    size_t out_from, out_len, out_cap, out_most;
    bool eof, bad, gone; /* nothing more to read; broke the protocol; nothing more can be sent */
    uint16_t foreign_version;
};

struct conn *conn_new(int fd)
{
    struct conn *c = xcalloc(1, sizeof *c);
    c->fd = fd;
    c->out_most = QUEUE_MOST;
    int flags = fcntl(fd, F_GETFL);
    (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return c;
}

void conn_free(struct conn *c)
{
    if (!c) {
        return;
    }
    (void)close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
}

void conn_queue_most(struct conn *c, size_t bytes)
{
    c->out_most = bytes;
}

int conn_fd(const struct conn *c)
{
    return c->fd;
}

size_t conn_queued(const struct conn *c)
{
    return c->out_len - c->out_from;
}

unsigned conn_foreign_version(const struct conn *c)
{
    return c->foreign_version;
}

const char *conn_fault(char *out, size_t cap, const struct conn *c, const char *who)
{
    if (c->foreign_version) {
        (void)snprintf(out, cap, "%s is of another version (protocol %u, here %d): build or install all programs anew", who,
                       c->foreign_version, PROTOCOL_VERSION);
    } else {
        (void)snprintf(out, cap, "%s broke the protocol", who);
    }
    return out;
}

/* Room for n more bytes behind *len; what is left moves to the front when that frees half, so that a long queue is not
 * moved for every few bytes that went. */
static void make_room(unsigned char **buf, size_t *from, size_t *len, size_t *cap, size_t n)
{
    if (*from > 0 && *from >= *len / 2) {
        memmove(*buf, *buf + *from, *len - *from);
        *len -= *from;
        *from = 0;
    }
    if (*cap - *len < n) {
        size_t want = *cap * 2 > *len + n ? *cap * 2 : *len + n;
        *buf = xreallocarray(*buf, want, 1);
        *cap = want;
    }
}

/* Sockets without SIGPIPE; a pipe's owner ignores that signal itself. */
static ssize_t send_some(int fd, const void *p, size_t n)
{
    ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
    return sent < 0 && errno == ENOTSOCK ? write(fd, p, n) : sent;
}

bool conn_flush(struct conn *c)
{
    while (!c->gone && c->out_from < c->out_len) {
        ssize_t n = send_some(c->fd, c->out + c->out_from, c->out_len - c->out_from);
        if (n >= 0) {
            c->out_from += (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return true;
        } else if (errno != EINTR) {
            c->gone = true;
        }
    }
    if (c->out_from == c->out_len) {
        c->out_from = c->out_len = 0;
    }
    return !c->gone;
}

bool conn_send(struct conn *c, uint16_t type, const struct msg_writer *w)
{
    size_t n = w ? w->bytes.len : 0;
    if (n > FRAME_MAX || c->gone || conn_queued(c) + n > c->out_most) {
        return false;
    }
    if (c->out_cap - c->out_len < HEADER_BYTES + n) {
        make_room(&c->out, &c->out_from, &c->out_len, &c->out_cap, HEADER_BYTES + n);
    }
    unsigned char *p = c->out + c->out_len;
    put_le(p, n, 4);
    put_le(p + 4, PROTOCOL_VERSION, 2);
    put_le(p + 6, type, 2);
    if (n > 0) {
        memcpy(p + HEADER_BYTES, w->bytes.text, n);
    }
    c->out_len += HEADER_BYTES + n;
    return conn_flush(c);
}

/* Milliseconds from now to the deadline for poll(2); -1: no deadline. */
static int left_ms(int64_t deadline_ns)
{
    if (deadline_ns < 0) {
        return -1;
    }
    int64_t left = deadline_ns - clock_mono_ns();
    return left <= 0 ? 0 : (int)((left + 999999) / 1000000);
}

/* False on time-out. An error or hang-up counts as ready: the next call on the fd tells. */
static bool wait_fd(int fd, short events, int64_t deadline_ns)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = events};
        int ms = left_ms(deadline_ns);
        int n = poll(&p, 1, ms);
        if (n > 0) {
            return true;
        }
        if (n == 0 && ms >= 0 && left_ms(deadline_ns) == 0) {
            return false;
        }
    }
}

static int64_t deadline_in(int timeout_ms)
{
    return timeout_ms < 0 ? -1 : clock_mono_ns() + (int64_t)timeout_ms * 1000000;
}

bool conn_drain(struct conn *c, int timeout_ms)
{
    int64_t deadline = deadline_in(timeout_ms);
    while (conn_flush(c) && conn_queued(c) > 0) {
        if (!wait_fd(c->fd, POLLOUT, deadline)) {
            return false;
        }
    }
    return !c->gone;
}

/* A whole frame in the buffer, or NOTHING. */
static enum conn_result take_frame(struct conn *c, uint16_t *type, struct msg_reader *r)
{
    size_t have = c->in_len - c->in_from;
    if (have < HEADER_BYTES) {
        return CONN_NOTHING;
    }
    const unsigned char *p = c->in + c->in_from;
    size_t n = (size_t)take_le(p, 4);
    uint16_t version = (uint16_t)take_le(p + 4, 2);
    if (version != PROTOCOL_VERSION) {
        c->foreign_version = version;
        c->bad = true;
        return CONN_BAD;
    }
    if (n > FRAME_MAX) {
        c->bad = true;
        return CONN_BAD;
    }
    if (have < HEADER_BYTES + n) {
        return CONN_NOTHING;
    }
    *type = (uint16_t)take_le(p + 6, 2);
    *r = (struct msg_reader){.p = p + HEADER_BYTES, .left = n};
    c->in_from += HEADER_BYTES + n;
    return CONN_FRAME;
}

enum conn_result conn_next(struct conn *c, uint16_t *type, struct msg_reader *r)
{
    for (;;) {
        if (c->bad) {
            return CONN_BAD;
        }
        enum conn_result got = take_frame(c, type, r);
        if (got != CONN_NOTHING) {
            return got;
        }
        if (c->eof) {
            return CONN_CLOSED;
        }
        /* Room grows with what has come, never with what a header promises. */
        make_room(&c->in, &c->in_from, &c->in_len, &c->in_cap, READ_STEP);
        ssize_t n = read(c->fd, c->in + c->in_len, c->in_cap - c->in_len);
        if (n > 0) {
            c->in_len += (size_t)n;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return CONN_NOTHING;
        } else if (n == 0 || errno != EINTR) {
            c->eof = true;
        }
    }
}

enum conn_result conn_wait(struct conn *c, uint16_t *type, struct msg_reader *r, int timeout_ms)
{
    int64_t deadline = deadline_in(timeout_ms);
    for (;;) {
        enum conn_result got = conn_next(c, type, r);
        if (got != CONN_NOTHING) {
            return got;
        }
        short events = POLLIN;
        if (conn_queued(c) > 0 && !c->gone) {
            events |= POLLOUT;
        }
        if (!wait_fd(c->fd, events, deadline)) {
            return CONN_NOTHING;
        }
        (void)conn_flush(c);
    }
}
