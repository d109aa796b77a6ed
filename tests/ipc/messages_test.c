#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vaetop/base/alloc.h"
#include "vaetop/ipc/messages.h"

int messages_tests(void);

static struct conn *near_end, *far_end;

static int make_pair(void **state)
{
    (void)state;
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    near_end = conn_new(fd[0]);
    far_end = conn_new(fd[1]);
    return 0;
}

static int drop_pair(void **state)
{
    (void)state;
    conn_free(near_end);
    conn_free(far_end);
    return 0;
}

static struct msg_reader arrives(enum message want)
{
    uint16_t type = 0;
    struct msg_reader r = {0};
    assert_int_equal(conn_wait(far_end, &type, &r, 5000), CONN_FRAME);
    assert_int_equal(type, want);
    return r;
}

static void an_assignment_arrives_as_sent(void **state)
{
    (void)state;
    char config[] = "optimizer.lr=0.001\n";
    char path[] = "/a/b c/7.safetensors";
    char none[] = "";
    struct m_assign got;
    assert_true(send_assign(near_end, &(struct m_assign){7, INT64_MAX, config, none, 3, path, 9}));
    struct msg_reader r = arrives(MESSAGE_ASSIGN);
    assert_true(read_assign(&got, &r));
    assert_int_equal(got.trial, 7);
    assert_true(got.seed == INT64_MAX);
    assert_string_equal(got.config, config);
    assert_string_equal(got.resume, "");
    assert_int_equal(got.stored_epoch, 3);
    assert_string_equal(got.checkpoint, path);
    assert_int_equal(got.until, 9);
    free_assign(&got);
    assert_null(got.config);
}

static void an_epoch_keeps_every_bit_and_its_nan(void **state)
{
    (void)state;
    struct epoch_row row = {.trial = 2, .epoch = 5, .step = 1234567890123, .value = 0.1, .val_rec = NAN, .lr = 5e-324,
                            .beta = -0.0, .seconds = INFINITY};
    struct epoch_row got;
    assert_true(send_epoch(near_end, &row));
    struct msg_reader r = arrives(MESSAGE_EPOCH);
    assert_true(read_epoch(&got, &r));
    assert_int_equal(got.trial, 2);
    assert_int_equal(got.epoch, 5);
    assert_true(got.step == row.step);
    assert_memory_equal(&got.value, &row.value, sizeof row.value);
    assert_true(isnan(got.val_rec));
    assert_memory_equal(&got.lr, &row.lr, sizeof row.lr);
    assert_true(signbit(got.beta));
    assert_true(isinf(got.seconds));
}

static void a_snapshot_arrives_whole_and_one_that_lies_is_refused(void **state)
{
    (void)state;
    float kl[3] = {1, 2, 3};
    int16_t xy[8] = {1, -2, 3, -4, 5, -6, 32767, -32768};
    uint8_t label[4] = {0, 9, 255, 3}, pixels[3 * 2 * 2 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) {
        pixels[i] = (uint8_t)(7 * i);
    }
    struct snapshot s = {.trial = 1, .epoch = 2, .latent = 3, .kl = kl, .n_points = 4, .xy_scale = 0.5F, .xy = xy, .label = label,
                         .explained = 0.75F, .n_images = 2, .image_h = 2, .image_w = 3, .pixels = pixels};
    struct snapshot got;
    assert_true(send_snapshot(near_end, &s));
    struct msg_reader r = arrives(MESSAGE_SNAPSHOT);
    struct msg_reader copy = r;
    assert_true(read_snapshot(&got, &r));
    assert_int_equal(got.n_points, 4);
    assert_memory_equal(got.kl, kl, sizeof kl);
    assert_memory_equal(got.xy, xy, sizeof xy);
    assert_memory_equal(got.label, label, sizeof label);
    assert_close(got.xy_scale, 0.5, 0, 0);
    assert_int_equal(got.n_images, 2);
    assert_int_equal(got.image_h, 2);
    assert_int_equal(got.image_w, 3);
    assert_memory_equal(got.pixels, pixels, sizeof pixels);
    snapshot_release(&got);

    unsigned char *bytes = xcalloc(copy.left, 1);
    memcpy(bytes, copy.p, copy.left);
    for (size_t field = 2; field < 4; field++) { /* latent, n_points: another count than there are bytes */
        for (int value = 0; value < 256; value += 85) {
            unsigned char was = bytes[8 * field];
            bytes[8 * field] = (unsigned char)value;
            struct msg_reader lying = {.p = bytes, .left = copy.left};
            assert_false(read_snapshot(&got, &lying));
            bytes[8 * field] = was;
        }
    }
    const size_t n_images = copy.left - 24 - 4 - sizeof pixels; /* three counts, the length of the bytes, the bytes */
    for (size_t field = 0; field < 3; field++) {
        for (int value = 0; value < 256; value += 85) {
            unsigned char was = bytes[n_images + 8 * field];
            bytes[n_images + 8 * field] = (unsigned char)value;
            assert_false(read_snapshot(&got, &(struct msg_reader){.p = bytes, .left = copy.left}));
            bytes[n_images + 8 * field] = was;
        }
    }
    bytes[8 * 3 + 3] = 0x7f; /* two thousand million points */
    assert_false(read_snapshot(&got, &(struct msg_reader){.p = bytes, .left = copy.left}));
    free(bytes);
}

static void a_suggestion_carries_its_point_or_why_there_is_none(void **state)
{
    (void)state;
    bool present[3] = {true, false, true};
    double value[3] = {0.1, 0, 7};
    bool got_present[3] = {false, true, false};
    double got_value[3];
    const struct point pt = {3, present, value};
    struct point got_pt = {3, got_present, got_value};
    struct m_suggested got;
    char why[] = "the grid has 6 cells";
    char none[] = "", gp[] = "gp", running[] = "1 3";
    assert_true(send_suggested(near_end, &(struct m_suggested){ERR_OK, {.number = 4, .fit = 3, .mean = 1.5, .sd = NAN, .expected = 0.25,
                                                            .sampler = gp, .running = running, .text = none}}, &pt));
    struct msg_reader r = arrives(MESSAGE_SUGGESTED);
    struct msg_reader copy = r;
    assert_true(read_suggested(&got, &got_pt, &r));
    assert_int_equal(got.made.number, 4);
    assert_int_equal(got.made.fit, 3);
    assert_close(got.made.mean, 1.5, 0, 0);
    assert_true(isnan(got.made.sd));
    assert_close(got.made.expected, 0.25, 0, 0);
    assert_string_equal(got.made.sampler, "gp");
    assert_string_equal(got.made.running, "1 3");
    assert_memory_equal(got_present, present, sizeof present);
    assert_close(got_value[2], 7, 0, 0);
    suggestion_release(&got.made);
    struct point small = {2, got_present, got_value};
    assert_false(read_suggested(&got, &small, &copy)); /* of another space */
    assert_true(send_suggested(near_end, &(struct m_suggested){ERR_NOTFOUND, {.number = 5, .text = why}}, &pt));
    r = arrives(MESSAGE_SUGGESTED);
    assert_true(read_suggested(&got, &got_pt, &r));
    assert_int_equal(got.code, ERR_NOTFOUND);
    assert_string_equal(got.made.text, why);
    suggestion_release(&got.made);
}

static void a_payload_cut_anywhere_or_too_long_is_refused(void **state)
{
    (void)state;
    char a[] = "one";
    char b[] = "two";
    char c[] = "three";
    struct m_open got;
    assert_true(send_open(near_end, &(struct m_open){1, 2, a, b, c, 3}));
    struct msg_reader r = arrives(MESSAGE_OPEN);
    unsigned char *bytes = xcalloc(r.left + 1, 1);
    memcpy(bytes, r.p, r.left);
    for (size_t n = 0; n <= r.left + 1; n++) {
        bool ok = read_open(&got, &(struct msg_reader){.p = bytes, .left = n});
        assert_int_equal(ok, n == r.left);
        if (ok) {
            free_open(&got);
        }
    }
    free(bytes);
}

/* Every decoder on noise: what it takes is released, what it refuses leaves nothing behind (under the sanitizers). */
static void noise_is_refused_or_harmless_in_every_message(void **state)
{
    (void)state;
    uint32_t x = 1;
    unsigned char noise[96];
    for (int round = 0; round < 4000; round++) {
        for (size_t i = 0; i < sizeof noise; i++) {
            x = x * 1664525u + 1013904223u;
            noise[i] = round % 2 ? (unsigned char)(x >> 24) : (unsigned char)((x >> 24) % 3); /* small lengths, too */
        }
        size_t n = (x >> 8) % sizeof noise;
#define X(id, name, fields)                                                     \
    {                                                                           \
        struct m_##name m;                                                      \
        if (read_##name(&m, &(struct msg_reader){.p = noise, .left = n})) {     \
            free_##name(&m);                                                    \
        }                                                                       \
    }
        MESSAGE_LIST(X)
#undef X
        struct snapshot s;
        struct epoch_row row;
        if (read_snapshot(&s, &(struct msg_reader){.p = noise, .left = n})) {
            snapshot_release(&s);
        }
        (void)read_epoch(&row, &(struct msg_reader){.p = noise, .left = n});
    }
    assert_int_not_equal(x, 1);
}

int messages_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_assignment_arrives_as_sent, make_pair, drop_pair),
        cmocka_unit_test_setup_teardown(an_epoch_keeps_every_bit_and_its_nan, make_pair, drop_pair),
        cmocka_unit_test_setup_teardown(a_snapshot_arrives_whole_and_one_that_lies_is_refused, make_pair, drop_pair),
        cmocka_unit_test_setup_teardown(a_suggestion_carries_its_point_or_why_there_is_none, make_pair, drop_pair),
        cmocka_unit_test_setup_teardown(a_payload_cut_anywhere_or_too_long_is_refused, make_pair, drop_pair),
        cmocka_unit_test(noise_is_refused_or_harmless_in_every_message),
    };
    return cmocka_run_group_tests_name("ipc messages", tests, NULL, NULL);
}
