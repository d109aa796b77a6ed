#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/ipc/frame.h"

int frame_tests(void);

static void make_pair(struct conn **a, int *b)
{
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    *a = conn_new(fd[0]);
    *b = fd[1];
}

/* A header with any length and version. */
static void header(unsigned char h[8], uint32_t n, uint16_t version, uint16_t type)
{
    for (int i = 0; i < 4; i++) {
        h[i] = (unsigned char)(n >> (8 * i));
    }
    h[4] = (unsigned char)version;
    h[5] = (unsigned char)(version >> 8);
    h[6] = (unsigned char)type;
    h[7] = (unsigned char)(type >> 8);
}

static void fields_come_back_as_written(void **state)
{
    (void)state;
    struct conn *a;
    int fd;
    make_pair(&a, &fd);
    struct conn *b = conn_new(fd);
    struct msg_writer w = {0};
    msg_u8(&w, 200);
    msg_i64(&w, -5);
    msg_i64(&w, INT64_MIN);
    msg_f64(&w, -0.1);
    msg_str(&w, "l\xc3\xa4nge");
    msg_str(&w, NULL);
    msg_bytes(&w, "\0\1\2", 3);
    assert_true(conn_send(a, 7, &w));
    assert_true(conn_send(a, 8, NULL));
    uint16_t type;
    struct msg_reader r;
    assert_int_equal(conn_wait(b, &type, &r, 5000), CONN_FRAME);
    assert_int_equal(type, 7);
    assert_int_equal(get_u8(&r), 200);
    assert_true(get_i64(&r) == -5);
    assert_true(get_i64(&r) == INT64_MIN);
    assert_close(get_f64(&r), -0.1, 0, 0);
    char *s = get_str(&r);
    assert_string_equal(s, "l\xc3\xa4nge");
    free(s);
    s = get_str(&r);
    assert_string_equal(s, "");
    free(s);
    size_t n;
    const void *p = get_bytes(&r, &n);
    assert_int_equal(n, 3);
    assert_memory_equal(p, "\0\1\2", 3);
    assert_false(r.bad);
    assert_int_equal(r.left, 0);
    assert_int_equal(conn_wait(b, &type, &r, 5000), CONN_FRAME);
    assert_int_equal(type, 8);
    assert_int_equal(r.left, 0);
    assert_int_equal(conn_next(b, &type, &r), CONN_NOTHING);
    sbuf_release(&w.bytes);
    conn_free(a);
    assert_int_equal(conn_wait(b, &type, &r, 5000), CONN_CLOSED);
    conn_free(b);
}

static void reading_past_the_end_is_bad_and_harmless(void **state)
{
    (void)state;
    unsigned char lying[] = {0xff, 0xff, 0xff, 0xff, 'x'};
    struct msg_reader r = {.p = lying, .left = sizeof lying};
    size_t n = 9;
    assert_null(get_bytes(&r, &n));
    assert_int_equal(n, 0);
    assert_true(r.bad);
    char *s = get_str(&r);
    assert_string_equal(s, "");
    free(s);
    assert_true(get_i64(&r) == 0);
    assert_close(get_f64(&r), 0, 0, 0);
    assert_int_equal(get_u8(&r), 0);

    unsigned char nul_inside[] = {3, 0, 0, 0, 'a', 0, 'b'};
    r = (struct msg_reader){.p = nul_inside, .left = sizeof nul_inside};
    s = get_str(&r);
    assert_string_equal(s, "");
    assert_true(r.bad);
    free(s);
}

static void four_gigabytes_of_promise_end_the_peer(void **state)
{
    (void)state;
    struct conn *a;
    int fd;
    make_pair(&a, &fd);
    unsigned char h[8];
    header(h, 0xffffffffu, PROTOCOL_VERSION, 1);
    assert_int_equal(write(fd, h, 8), 8);
    uint16_t type;
    struct msg_reader r;
    assert_int_equal(conn_wait(a, &type, &r, 5000), CONN_BAD);
    assert_int_equal(conn_wait(a, &type, &r, 5000), CONN_BAD);
    assert_int_equal(conn_foreign_version(a), 0);
    char text[160];
    assert_string_equal(conn_fault(text, sizeof text, a, "it"), "it broke the protocol");
    conn_free(a);
    (void)close(fd);
}

static void another_version_is_named(void **state)
{
    (void)state;
    struct conn *a;
    int fd;
    make_pair(&a, &fd);
    unsigned char h[8];
    header(h, 0, PROTOCOL_VERSION + 41, 1);
    assert_int_equal(write(fd, h, 8), 8);
    uint16_t type;
    struct msg_reader r;
    assert_int_equal(conn_wait(a, &type, &r, 5000), CONN_BAD);
    assert_int_equal(conn_foreign_version(a), PROTOCOL_VERSION + 41);
    char text[160];
    assert_has(conn_fault(text, sizeof text, a, "vaetop-worker"), "vaetop-worker is of another version (protocol");
    assert_has(text, "build or install all programs anew");
    conn_free(a);
    (void)close(fd);
}

static void half_frames_wait_and_end_with_the_peer(void **state)
{
    (void)state;
    struct conn *a;
    int fd;
    make_pair(&a, &fd);
    unsigned char f[12];
    header(f, 4, PROTOCOL_VERSION, 3);
    memcpy(f + 8, "abcd", 4);
    uint16_t type;
    struct msg_reader r;
    for (size_t i = 0; i < sizeof f; i++) {
        assert_int_equal(conn_next(a, &type, &r), CONN_NOTHING);
        assert_int_equal(write(fd, f + i, 1), 1);
    }
    assert_int_equal(conn_wait(a, &type, &r, 5000), CONN_FRAME);
    assert_int_equal(type, 3);
    assert_int_equal(r.left, 4);
    assert_memory_equal(r.p, "abcd", 4);
    assert_int_equal(write(fd, f, 10), 10);
    (void)close(fd);
    assert_int_equal(conn_wait(a, &type, &r, 5000), CONN_CLOSED);
    conn_free(a);
}

static void frames_before_the_end_are_still_delivered(void **state)
{
    (void)state;
    struct conn *a;
    int fd;
    make_pair(&a, &fd);
    struct conn *b = conn_new(fd);
    for (int i = 0; i < 100; i++) {
        assert_true(conn_send(b, (uint16_t)i, NULL));
    }
    conn_free(b);
    uint16_t type;
    struct msg_reader r;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(conn_wait(a, &type, &r, 5000), CONN_FRAME);
        assert_int_equal(type, i);
    }
    assert_int_equal(conn_wait(a, &type, &r, 5000), CONN_CLOSED);
    conn_free(a);
}

static void a_reader_that_never_reads_is_refused_after_a_bound(void **state)
{
    (void)state;
    struct conn *a;
    int fd;
    make_pair(&a, &fd);
    struct msg_writer w = {0};
    char *block = xcalloc(1, 65536);
    msg_bytes(&w, block, 65536);
    int sent = 0;
    while (sent < 1000 && conn_send(a, 1, &w)) {
        sent++;
    }
    assert_in_range(sent, 100, 400);
    assert_in_range(conn_queued(a), 1, 9u << 20);
    assert_false(conn_drain(a, 1));
    free(block);
    sbuf_release(&w.bytes);
    conn_free(a);
    (void)close(fd);
}

static void a_slow_reader_gets_all_of_it(void **state)
{
    (void)state;
    struct conn *a;
    int fd;
    make_pair(&a, &fd);
    struct conn *b = conn_new(fd);
    unsigned char *block = xcalloc(1, 300000);
    int got = 0;
    for (int i = 0; i < 20; i++) {
        memset(block, i, 300000);
        struct msg_writer w = {0};
        msg_bytes(&w, block, 300000);
        assert_true(conn_send(a, (uint16_t)i, &w));
        sbuf_release(&w.bytes);
    }
    while (got < 20) {
        uint16_t type;
        struct msg_reader r;
        assert_true(conn_flush(a));
        enum conn_result c = conn_next(b, &type, &r);
        if (c == CONN_NOTHING) {
            continue;
        }
        assert_int_equal(c, CONN_FRAME);
        size_t n;
        const unsigned char *p = get_bytes(&r, &n);
        assert_int_equal(n, 300000);
        assert_int_equal(type, got);
        assert_int_equal(p[0], got);
        assert_int_equal(p[n - 1], got);
        got++;
    }
    assert_int_equal(conn_queued(a), 0);
    free(block);
    conn_free(a);
    conn_free(b);
}

static void sending_to_a_dead_peer_is_an_error_and_no_signal(void **state)
{
    (void)state;
    struct conn *a;
    int fd;
    make_pair(&a, &fd);
    (void)close(fd);
    assert_false(conn_send(a, 1, NULL));
    assert_false(conn_drain(a, 5000));
    conn_free(a);
}

static void noise_never_passes_for_a_message_of_ours(void **state)
{
    (void)state;
    uint32_t x = 12345;
    for (int round = 0; round < 200; round++) {
        struct conn *a;
        int fd;
        make_pair(&a, &fd);
        unsigned char noise[512];
        for (size_t i = 0; i < sizeof noise; i++) {
            x = x * 1664525u + 1013904223u;
            noise[i] = (unsigned char)(x >> 24);
        }
        assert_int_equal(write(fd, noise, sizeof noise), sizeof noise);
        (void)close(fd);
        uint16_t type;
        struct msg_reader r;
        enum conn_result got = conn_wait(a, &type, &r, 5000);
        while (got == CONN_FRAME) {
            got = conn_wait(a, &type, &r, 5000);
        }
        assert_true(got == CONN_BAD || got == CONN_CLOSED);
        conn_free(a);
    }
}

static void descriptors_do_not_leak_into_children(void **state)
{
    (void)state;
    struct conn *a;
    int fd;
    make_pair(&a, &fd);
    assert_true(fcntl(conn_fd(a), F_GETFD) & FD_CLOEXEC);
    conn_free(a);
    (void)close(fd);
}

int frame_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_come_back_as_written),
        cmocka_unit_test(reading_past_the_end_is_bad_and_harmless),
        cmocka_unit_test(four_gigabytes_of_promise_end_the_peer),
        cmocka_unit_test(another_version_is_named),
        cmocka_unit_test(half_frames_wait_and_end_with_the_peer),
        cmocka_unit_test(frames_before_the_end_are_still_delivered),
        cmocka_unit_test(a_reader_that_never_reads_is_refused_after_a_bound),
        cmocka_unit_test(a_slow_reader_gets_all_of_it),
        cmocka_unit_test(sending_to_a_dead_peer_is_an_error_and_no_signal),
        cmocka_unit_test(noise_never_passes_for_a_message_of_ours),
        cmocka_unit_test(descriptors_do_not_leak_into_children),
    };
    return cmocka_run_group_tests_name("ipc frame", tests, NULL, NULL);
}
