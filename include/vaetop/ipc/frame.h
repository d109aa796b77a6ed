/* Frames on a stream socket: header {u32 length of payload, u16 protocol version, u16 type}, little-endian, then the
 * payload. Payloads are at most FRAME_MAX bytes; a longer one, another version or a short read ends the peer.
 * Payload fields are written and read in order with the msg_* calls; a read past the end sets the reader's `bad`. */
#ifndef VAETOP_IPC_FRAME_H
#define VAETOP_IPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/base/str.h"

#define PROTOCOL_VERSION 6 /* bump when any message changes */
#define FRAME_MAX (1u << 20)

struct msg_writer {
    struct sbuf bytes;
};
void msg_u8(struct msg_writer *w, uint8_t v);
void msg_i64(struct msg_writer *w, int64_t v);
void msg_f64(struct msg_writer *w, double v);
void msg_str(struct msg_writer *w, const char *s); /* NULL is sent as "" */
void msg_bytes(struct msg_writer *w, const void *p, size_t n);

struct msg_reader {
    const unsigned char *p;
    size_t left;
    bool bad; /* a field ran past the end, or a text had a NUL inside */
};
uint8_t get_u8(struct msg_reader *r);
int64_t get_i64(struct msg_reader *r);
double get_f64(struct msg_reader *r);
char *get_str(struct msg_reader *r); /* Owns: caller frees; "" when bad */
const void *get_bytes(struct msg_reader *r, size_t *n); /* inside the frame */

/* A connection with its own buffers; works blocking (worker, one-off commands) and in a poll loop (engine, TUI). */
struct conn;
struct conn *conn_new(int fd); /* takes the fd; makes it non-blocking */
void conn_free(struct conn *c); /* closes the fd */
int conn_fd(const struct conn *c);

/* How many bytes may wait to be sent; 8 MiB unless told. */
void conn_queue_most(struct conn *c, size_t bytes);
/* Queues a frame and tries to send. False when the peer is gone, or so slow that more than may wait: close it. */
bool conn_send(struct conn *c, uint16_t type, const struct msg_writer *w); /* w may be NULL: empty payload */
size_t conn_queued(const struct conn *c);
/* For poll loops: send what is queued; false when the peer is gone. */
bool conn_flush(struct conn *c);
/* Waits until all is sent, at most timeout_ms. False: gone or timed out. */
bool conn_drain(struct conn *c, int timeout_ms);

enum conn_result { CONN_FRAME, CONN_NOTHING, CONN_CLOSED, CONN_BAD };
/* Next whole frame without waiting; *r points into the connection until the next call. */
enum conn_result conn_next(struct conn *c, uint16_t *type, struct msg_reader *r);
/* The same, waiting at most timeout_ms (-1: for ever). */
enum conn_result conn_wait(struct conn *c, uint16_t *type, struct msg_reader *r, int timeout_ms);

/* After CONN_BAD: the version the peer speaks, when that is why; else 0. */
unsigned conn_foreign_version(const struct conn *c);
/* After CONN_BAD: what is wrong with the peer, and what to do. Returns out. */
const char *conn_fault(char *out, size_t cap, const struct conn *c, const char *who);

#endif
