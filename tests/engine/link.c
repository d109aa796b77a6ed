/* Clients: many, slow, hostile, of another version; and two studies that want one device. */
#include "rig.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/ipc/endpoint.h"
#include "vaetop/ipc/messages.h"

int link_tests(void);

#define STUDY(trials, slots, epochs) \
    "study:\n  trials: " #trials "\n  slots: " #slots "\ntrain:\n  epochs: " #epochs \
    "\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n"
#define DEADLINE_NS INT64_C(60000000000)

static void several_clients_hear_of_the_end(void **state)
{
    (void)state;
    struct rig r;
    struct rig other;
    struct err e;
    rig_study(&r, STUDY(2, 1, 2));
    rig_set("hold-0-1");
    rig_start(&r);
    other = r;
    other.finished = false;
    assert_ok(client_connect(&other.client, r.dir, &e), &e);
    rig_until_epoch(&r, 0, 1);
    rig_clear_all();
    rig_until_finished(&r);
    rig_until_finished(&other);
    client_free(other.client);
    rig_end(&r);
}

/* Waits until the engine has closed the connection, throwing away what it says. */
static void until_closed(int fd)
{
    int64_t deadline = clock_mono_ns() + DEADLINE_NS;
    char buf[4096];
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 100) > 0 && read(fd, buf, sizeof buf) <= 0) {
            return;
        }
        if (clock_mono_ns() > deadline) {
            fail_msg("the engine keeps the connection");
        }
    }
}

static void a_hostile_client_is_closed_and_the_study_goes_on(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    static const unsigned char giant[] = {0xff, 0xff, 0xff, 0xff, PROTOCOL_VERSION, 0, 1, 0};
    static const unsigned char foreign[] = {0, 0, 0, 0, 0x77, 0, 1, 0};
    static const unsigned char unknown[] = {0, 0, 0, 0, PROTOCOL_VERSION, 0, 0xff, 0xff};
    const unsigned char *const noise[] = {giant, foreign, unknown};
    int half;
    rig_study(&r, STUDY(2, 1, 3));
    rig_set("hold-0-1");
    rig_start(&r);
    assert_ok(endpoint_connect(&half, ENDPOINT_ENGINE, r.dir, &e), &e);
    assert_int_equal(write(half, giant, 3), 3); /* says no more, for ever: nobody waits for it */
    for (int i = 0; i < 3; i++) {
        int fd;
        assert_ok(endpoint_connect(&fd, ENDPOINT_ENGINE, r.dir, &e), &e);
        assert_int_equal(write(fd, noise[i], 8), 8);
        until_closed(fd);
        (void)close(fd);
    }
    rig_until_epoch(&r, 0, 1);
    rig_clear_all();
    rig_until_finished(&r);
    (void)close(half);
    rig_end(&r);
}

static void a_client_that_never_reads_is_let_go(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    int fd;
    rig_held(&r, STUDY(2, 1, 3), 0, 1);
    assert_ok(endpoint_connect(&fd, ENDPOINT_ENGINE, r.dir, &e), &e);
    struct conn *c = conn_new(fd);
    char none[] = "";
    assert_true(send_hello(c, &(struct m_hello){1}));
    bool alive = true;
    for (int i = 0; i < 200000 && alive; i++) { /* each is answered; no answer is read */
        alive = send_command(c, &(struct m_command){i, COMMAND_RESUME, 0, none}) && conn_drain(c, 60000);
    }
    assert_false(alive);
    conn_free(c);
    rig_do(&r, COMMAND_RESUME, 0, NULL);
    rig_clear_all();
    rig_until_finished(&r);
    rig_end(&r);
}

/* A client that does not read its answers, says one thing more and leaves: the engine finds that it can send it nothing,
 * and what the client said counts all the same. */
static void a_client_that_leaves_at_once_is_heard(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    int fd;
    char none[] = "";
    rig_held(&r, STUDY(2, 1, 3), 0, 1);
    assert_ok(endpoint_connect(&fd, ENDPOINT_ENGINE, r.dir, &e), &e);
    struct conn *c = conn_new(fd);
    assert_true(send_hello(c, &(struct m_hello){1}));
    for (int i = 0; i < 1500; i++) { /* more answers than a socket holds, fewer than make the engine turn it away */
        assert_true(send_command(c, &(struct m_command){i, COMMAND_RESUME, 0, none}) && conn_drain(c, 60000));
    }
    for (int i = 0; i < 2; i++) rig_do(&r, COMMAND_RESUME, 0, NULL); /* by then they have been answered */
    assert_true(send_command(c, &(struct m_command){1500, COMMAND_PAUSE, 0, none}) && conn_drain(c, 60000));
    conn_free(c);
    rig_until_phase(&r, 0, PHASE_PAUSED);
    rig_clear_all();
    rig_do(&r, COMMAND_RESUME, 0, NULL);
    rig_until_finished(&r);
    rig_end(&r);
}

static void an_engine_of_another_version_is_named(void **state)
{
    (void)state;
    struct err e;
    struct client *c;
    const char *dir = temp_dir();
    static const unsigned char foreign[] = {0, 0, 0, 0, 0x77, 0, 1, 0};
    int fd;
    assert_err(client_connect(&c, dir, &e), ERR_NOTFOUND, &e);
    assert_ok(endpoint_listen(&fd, ENDPOINT_ENGINE, dir, &e), &e);
    int twice;
    assert_err(endpoint_listen(&twice, ENDPOINT_ENGINE, dir, &e), ERR_BUSY, &e);
    int ours;
    assert_ok(endpoint_connect(&ours, ENDPOINT_ENGINE, dir, &e), &e);
    int again;
    int theirs = endpoint_accept(fd, &again);
    assert_true(theirs >= 0);
    (void)close(ours);
    (void)close(theirs);
    /* The answer waits in the socket before the client asks: accepted by the kernel, answered once connected. */
    pid_t pid = fork();
    if (pid == 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        (void)poll(&p, 1, 60000);
        int s = endpoint_accept(fd, &again);
        _exit(s < 0 || write(s, foreign, 8) != 8 || poll(&(struct pollfd){.fd = s, .events = POLLHUP}, 1, 60000) < 0);
    }
    assert_err(client_connect(&c, dir, &e), ERR_BUSY, &e);
    assert_has(e.text, "another version of vaetop (protocol 119");
    (void)close(fd);
}

static bool has_banner(struct rig *r, const void *arg)
{
    return strstr(r->banner, arg) != NULL;
}

static bool no_banner(struct rig *r, const void *arg)
{
    (void)arg;
    return r->banner[0] == '\0';
}

static void a_second_study_waits_for_the_device_and_says_for_whom(void **state)
{
    (void)state;
    struct rig a;
    struct rig b;
    rig_study(&a, STUDY(1, 1, 2));
    rig_study(&b, STUDY(1, 1, 2));
    rig_set("hold-0-1");
    rig_start(&a);
    rig_until_epoch(&a, 0, 1);
    rig_start(&b);
    rig_until(&b, has_banner, "in use by study test-study (process", "the banner");
    assert_int_equal(rig_count(&b, PHASE_ACTIVE), 0);
    rig_clear("hold-0-1");
    rig_until_finished(&a);
    rig_until_finished(&b);
    assert_string_equal(b.banner, "");
    rig_end(&a);
    rig_end(&b);
}

static void a_locked_store_stops_nothing_and_is_written_once_it_is_free(void **state)
{
    (void)state;
    struct rig r;
    rig_held(&r, STUDY(2, 1, 4), 0, 1);
    struct sqlite3 *db = rig_meddle(&r);
    rig_clear_all();
    rig_until(&r, has_banner, "not saved yet", "the banner");
    rig_do(&r, COMMAND_TRIALS, -1, "2"); /* it still answers */
    rig_meddle_end(db, "");
    rig_until_finished(&r);
    rig_until(&r, no_banner, NULL, "the banner to go");
    rig_check_epochs(&r, 0, 4);
    rig_check_epochs(&r, 1, 4);
    rig_end(&r);
}

static void replies_come_as_events_to_who_did_not_wait(void **state)
{
    (void)state;
    struct rig r;
    rig_held(&r, STUDY(1, 1, 2), 0, 1);
    client_send(r.client, COMMAND_PAUSE, 7, NULL);
    client_send(r.client, COMMAND_PAUSE, 0, NULL);
    struct client_event ev;
    int replies = 0;
    int64_t deadline = clock_mono_ns() + DEADLINE_NS;
    while (replies < 2 && clock_mono_ns() < deadline) {
        client_next(r.client, &ev);
        if (ev.kind == CLIENT_REPLY) {
            assert_int_equal(ev.ok, replies == 1);
            assert_has(ev.text, replies == 1 ? "trial 0 pauses" : "trial 7: the study has 1 trials");
            replies++;
        } else if (ev.kind == CLIENT_NOTHING) {
            struct pollfd p = {.fd = client_fd(r.client), .events = POLLIN};
            (void)poll(&p, 1, 100);
        }
    }
    assert_int_equal(replies, 2);
    rig_end(&r);
}

int link_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_clients_hear_of_the_end),
        cmocka_unit_test(a_hostile_client_is_closed_and_the_study_goes_on),
        cmocka_unit_test(a_client_that_never_reads_is_let_go),
        cmocka_unit_test(a_client_that_leaves_at_once_is_heard),
        cmocka_unit_test(an_engine_of_another_version_is_named),
        cmocka_unit_test(a_second_study_waits_for_the_device_and_says_for_whom),
        cmocka_unit_test(a_locked_store_stops_nothing_and_is_written_once_it_is_free),
        cmocka_unit_test(replies_come_as_events_to_who_did_not_wait),
    };
    return cmocka_run_group_tests_name("engine links", tests, rig_setup, rig_teardown);
}
