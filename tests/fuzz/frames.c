#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "vaetop/ipc/messages.h"

static void read_points(struct msg_reader *r)
{
    bool present[3] = {false};
    double value[3] = {0};
    struct point pt = {.n = 3, .present = present, .value = value};
    struct m_suggested m;
    if (read_suggested(&m, &pt, r)) {
        suggestion_release(&m.made);
    }
}

static void read_message(uint16_t type, struct msg_reader *r)
{
    struct epoch_row row;
    struct snapshot snap;
    switch (type) {
#define X(id, name, fields)        \
    case MESSAGE_##id: {           \
        struct m_##name m;         \
        if (read_##name(&m, r)) {  \
            free_##name(&m);       \
        }                          \
        break;                     \
    }
        MESSAGE_LIST(X)
#undef X
    case MESSAGE_EPOCH:
        (void)read_epoch(&row, r);
        break;
    case MESSAGE_SNAPSHOT:
        if (read_snapshot(&snap, r)) {
            MUST(snap.n_points >= 0 && snap.n_points <= SNAPSHOT_POINTS && snap.trial >= 0);
            snapshot_release(&snap);
        }
        break;
    case MESSAGE_SUGGESTED:
        read_points(r);
        break;
    default:
        break;
    }
}

/* First byte odd: {type, length, payload} each of which gets a right header. Even: the bytes as they come. */
static void build(struct sbuf *out, const uint8_t *data, size_t size)
{
    size_t at = 1;
    if (data[0] % 2 == 0) {
        sbuf_add_bytes(out, data + 1, size - 1);
        return;
    }
    while (at + 3 <= size) {
        const uint8_t type = data[at];
        size_t n = (size_t)data[at + 1] | (size_t)data[at + 2] << 8;
        at += 3;
        n = n < size - at ? n : size - at;
        const uint8_t header[8] = {(uint8_t)n, (uint8_t)(n >> 8), 0, 0, PROTOCOL_VERSION, 0, type, 0};
        sbuf_add_bytes(out, header, sizeof header);
        if (n > 0) {
            sbuf_add_bytes(out, data + at, n);
        }
        at += n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sbuf bytes = {0};
    int fd[2];
    uint16_t type;
    struct msg_reader r;
    if (size < 2 || size > 60000) { /* all of it must fit into the socket's buffer */
        return -1;
    }
    build(&bytes, data, size);
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
    struct conn *c = conn_new(fd[1]);
    /* In two pieces, so that frames are cut anywhere. */
    const size_t cut = bytes.len > 0 ? data[0] * bytes.len / 255 : 0;
    for (int piece = 0; piece < 2; piece++) {
        const char *from = bytes.text ? bytes.text + (piece ? cut : 0) : "";
        const size_t n = piece ? bytes.len - cut : cut;
        MUST(write(fd[0], from, n) == (ssize_t)n);
        if (piece) {
            (void)close(fd[0]);
        }
        while (conn_next(c, &type, &r) == CONN_FRAME) {
            MUST(r.left <= FRAME_MAX);
            read_message(type, &r);
        }
    }
    conn_free(c);
    sbuf_release(&bytes);
    return 0;
}
