#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

/* Deflate's best: a two-bit code for a run of 258 bytes. */
#define MAX_RATIO 1032

struct unpack {
    z_stream z;
    bool in_member; /* false between members, where the file may end */
    bool eof;
    uint8_t packed[1 << 16];
};

enum err_code input_bad(const struct input *in, uint64_t offset, struct err *e, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(e, ERR_DATA, "%s: offset %" PRIu64 "%s: %s", in->shown, offset, in->gz ? " unpacked" : "", text);
}

static const char *kind_name(mode_t mode)
{
    return S_ISDIR(mode)                      ? "a folder"
           : S_ISFIFO(mode)                   ? "a pipe"
           : S_ISCHR(mode) || S_ISBLK(mode)   ? "a device"
           : S_ISSOCK(mode)                   ? "a socket"
                                              : "no file";
}

static enum err_code start_unpack(struct input *in, struct err *e)
{
    in->gz = try_calloc(1, sizeof *in->gz);
    if (!in->gz || inflateInit2(&in->gz->z, 15 + 16) != Z_OK) {
        free(in->gz);
        in->gz = NULL;
        return err_set(e, ERR_NOMEM, "%s: no memory to unpack it", in->shown);
    }
    in->gz->in_member = true;
    return ERR_OK;
}

enum err_code input_open(struct input *in, const char *path, bool gzip, struct err *e)
{
    struct stat st;
    uint8_t magic[2];
    enum err_code rc;
    memset(in, 0, sizeof *in);
    (void)str_clean(in->shown, sizeof in->shown, path);
    /* O_NONBLOCK: opening a pipe must not wait for its writer. */
    in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (in->fd < 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        return err_set(e, missing ? ERR_NOTFOUND : ERR_IO, "%s: %s", in->shown,
                       missing ? "no such file" : strerror(errno));
    }
    if (fstat(in->fd, &st) < 0) {
        rc = err_set(e, ERR_IO, "%s: %s", in->shown, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        rc = input_bad(in, 0, e, "found %s, expected a regular file", kind_name(st.st_mode));
    } else {
        in->disk = (uint64_t)st.st_size;
        rc = gzip && pread(in->fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b ? start_unpack(in, e)
                                                                                               : ERR_OK;
    }
    if (rc) {
        input_close(in);
    }
    return rc;
}

void input_close(struct input *in)
{
    if (in->gz) {
        (void)inflateEnd(&in->gz->z);
        free(in->gz);
        in->gz = NULL;
    }
    if (in->fd >= 0) {
        (void)close(in->fd);
    }
    in->fd = -1;
}

/* Up to n bytes from the descriptor; 0 at its end. */
static enum err_code read_some(struct input *in, void *out, size_t n, size_t *got, struct err *e)
{
    ssize_t r;
    do {
        r = read(in->fd, out, n < (1u << 30) ? n : (1u << 30));
    } while (r < 0 && errno == EINTR);
    if (r < 0) {
        return err_set(e, ERR_IO, "%s: %s after %" PRIu64 " bytes", in->shown, strerror(errno), in->pos);
    }
    *got = (size_t)r;
    return ERR_OK;
}

/* Another member or the end; anything else behind a member is refused. */
static enum err_code next_member(struct input *in, struct err *e)
{
    struct unpack *u = in->gz;
    if (u->z.avail_in == 0) {
        return ERR_OK;
    }
    if (u->z.next_in[0] != 0x1f) {
        return input_bad(in, in->pos, e, "found byte 0x%02x behind the gzip data, expected the end of the file",
                         u->z.next_in[0]);
    }
    (void)inflateReset(&u->z);
    u->in_member = true;
    return ERR_OK;
}

static enum err_code inflate_some(struct input *in, void *out, size_t n, size_t *got, struct err *e)
{
    struct unpack *u = in->gz;
    *got = 0;
    for (;;) {
        enum err_code rc;
        if (u->z.avail_in == 0 && !u->eof) {
            size_t more;
            rc = read_some(in, u->packed, sizeof u->packed, &more, e);
            if (rc) {
                return rc;
            }
            u->eof = more == 0;
            u->z.next_in = u->packed;
            u->z.avail_in = (uInt)more;
        }
        if (!u->in_member) {
            rc = next_member(in, e);
            if (rc || !u->in_member) {
                return rc;
            }
        }
        uInt room = n < (1u << 30) ? (uInt)n : 1u << 30;
        u->z.next_out = out;
        u->z.avail_out = room;
        int z = inflate(&u->z, Z_NO_FLUSH);
        *got = room - u->z.avail_out;
        if (z == Z_STREAM_END) {
            u->in_member = false;
        } else if (z != Z_OK && z != Z_BUF_ERROR) {
            return input_bad(in, in->pos + *got, e,
                             "found damaged gzip data (%s), expected a sound file: copy it again",
                             u->z.msg ? u->z.msg : "no reason given");
        }
        if (*got > 0 || (u->eof && u->in_member)) {
            return ERR_OK;
        }
    }
}

static enum err_code read_any(struct input *in, void *out, size_t n, size_t *got, struct err *e)
{
    if (in->ahead_at < in->ahead_end) {
        *got = in->ahead_end - in->ahead_at < n ? in->ahead_end - in->ahead_at : n;
        memcpy(out, in->ahead + in->ahead_at, *got);
        in->ahead_at += *got;
        return ERR_OK;
    }
    return in->gz ? inflate_some(in, out, n, got, e) : read_some(in, out, n, got, e);
}

enum err_code input_peek(struct input *in, uint8_t out[static INPUT_AHEAD], size_t *got, struct err *e)
{
    size_t n = 0, more = 1;
    while (n < INPUT_AHEAD && more > 0) {
        enum err_code rc = read_any(in, out + n, INPUT_AHEAD - n, &more, e);
        if (rc) {
            return rc;
        }
        n += more;
    }
    memcpy(in->ahead, out, n);
    in->ahead_end = n;
    *got = n;
    return ERR_OK;
}

enum err_code input_some(struct input *in, void *out, size_t n, size_t *got, struct err *e)
{
    enum err_code rc = read_any(in, out, n, got, e);
    in->pos += rc ? 0 : *got;
    return rc;
}

enum err_code input_read(struct input *in, void *out, size_t n, const char *what, struct err *e)
{
    uint8_t *p = out;
    size_t done = 0;
    while (done < n) {
        size_t got;
        enum err_code rc = read_any(in, p + done, n - done, &got, e);
        if (rc) {
            return rc;
        }
        if (got == 0) {
            return input_bad(in, in->pos, e, "found the end of the file, expected %zu more bytes of %s", n - done,
                             what);
        }
        done += got;
        in->pos += got;
    }
    return ERR_OK;
}

enum err_code input_expect(const struct input *in, uint64_t rest, struct err *e)
{
    if (in->gz) {
        uint64_t most = in->disk > UINT64_MAX / MAX_RATIO ? UINT64_MAX : in->disk * MAX_RATIO;
        if (rest > most) {
            return input_bad(in, in->pos, e,
                             "found %" PRIu64 " bytes of gzip, which unpack to at most %" PRIu64
                             ", expected %" PRIu64 " as the header says",
                             in->disk, most, rest);
        }
        return ERR_OK;
    }
    uint64_t have = in->disk - (in->pos < in->disk ? in->pos : in->disk);
    if (have != rest) {
        return input_bad(in, in->pos, e, "found %" PRIu64 " bytes up to the end of the file, expected %" PRIu64
                         " as the header says: it is %s", have, rest, have < rest ? "cut short" : "too long");
    }
    return ERR_OK;
}

enum err_code input_end(struct input *in, struct err *e)
{
    uint8_t byte;
    size_t got;
    enum err_code rc = read_any(in, &byte, 1, &got, e);
    if (rc) {
        return rc;
    }
    if (got > 0) {
        return input_bad(in, in->pos, e, "found byte 0x%02x, expected the end of the file as the header says",
                         byte);
    }
    if (in->gz && in->gz->in_member) {
        return input_bad(in, in->pos, e, "found the end of the file, expected the checksum of the gzip data");
    }
    return ERR_OK;
}
