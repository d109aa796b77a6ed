#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "check.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/proc.h"
#include "vaetop/conf/trial.h"
#include "vaetop/ipc/advice.h"
#include "vaetop/ipc/messages.h"
#include "vaetop/tune/sampler.h"

int advise_tests(void);

static int link_advisor(void **state)
{
    (void)state;
    char self[4096];
    const char *dir = temp_dir();
    char *path = fs_join(dir, "vaetop-advisor");
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    assert_int_equal(symlink(self, path), 0);
    (void)setenv("VAETOP_LIBEXEC", dir, 1);
    free(path);
    return 0;
}

static void load(struct preset *p, const char *yaml)
{
    struct err e;
    assert_ok(preset_parse(p, yaml, strlen(yaml), "test", &e), &e);
    assert_ok(preset_check(p, &e), &e);
}

static void its_points_are_the_samplers(void **state)
{
    (void)state;
    enum { N = 20 };
    struct preset p;
    struct point got_point[N];
    struct sampler *s;
    struct err e;
    size_t got;
    load(&p,
         "study:\n  seed: 5\noptimizer:\n  kind: adam | sgd\n  lr: 1e-4 .. 1e-2 log\nmodel:\n  latent: 2 .. 64 log\n");
    for (int i = 0; i < N; i++) {
        point_init(&got_point[i], &p);
    }
    assert_ok(advice_once(got_point, N, &got, &p, 3, &e), &e);
    assert_int_equal(got, N);
    assert_ok(sampler_new(&s, &p, &e), &e);
    for (int i = 0; i < N; i++) {
        struct point want;
        point_init(&want, &p);
        assert_ok(sampler_suggest(s, 3 + i, &want, &e), &e);
        for (size_t r = 0; r < p.n_ranges; r++) {
            assert_int_equal(got_point[i].present[r], want.present[r]);
            assert_true(!want.present[r] || got_point[i].value[r] == want.value[r]); /* to the bit */
        }
        point_release(&want);
        point_release(&got_point[i]);
    }
    sampler_free(s);
    preset_release(&p);
}

static void a_grid_ends(void **state)
{
    (void)state;
    struct preset p;
    struct point pt[10];
    struct err e;
    size_t got;
    load(&p, "study:\n  sampler: grid\nmodel:\n  activation: relu | tanh\n  depth: 1 .. 3\n");
    for (int i = 0; i < 10; i++) {
        point_init(&pt[i], &p);
    }
    assert_ok(advice_once(pt, 10, &got, &p, 0, &e), &e);
    assert_int_equal(got, 6);
    for (int i = 0; i < 10; i++) {
        point_release(&pt[i]);
    }
    preset_release(&p);
}

/* A running advisor, its preset taken. */
struct asked {
    struct conn *c;
    pid_t pid;
};

static void open_asked(struct asked *a, const char *yaml)
{
    int fd[2];
    struct err e;
    uint16_t type;
    struct msg_reader r;
    struct m_advising m;
    char *path = proc_find_helper("vaetop-advisor");
    char *argv[] = {xstrdup("vaetop-advisor"), NULL};
    char *text = xstrdup(yaml);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    struct proc_spawn s = {
        .path = path, .argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .socket_fd = fd[1]};
    assert_ok(proc_spawn(&a->pid, &s, &e), &e);
    (void)close(fd[1]);
    a->c = conn_new(fd[0]);
    assert_true(send_advise(a->c, &(struct m_advise){text}));
    assert_int_equal(conn_wait(a->c, &type, &r, 60000), CONN_FRAME);
    assert_true(type == MESSAGE_ADVISING && read_advising(&m, &r));
    assert_int_equal(m.code, 0);
    free_advising(&m);
    free(argv[0]);
    free(text);
    free(path);
}

static void close_asked(struct asked *a)
{
    conn_free(a->c);
    while (waitpid(a->pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

static void ask(struct asked *a, int number, struct point *out, const char *why)
{
    uint16_t type;
    struct msg_reader r;
    struct m_suggested m;
    assert_true(send_suggest(a->c, &(struct m_suggest){number}));
    assert_int_equal(conn_wait(a->c, &type, &r, 60000), CONN_FRAME);
    assert_true(type == MESSAGE_SUGGESTED && read_suggested(&m, out, &r));
    assert_int_equal(m.code, 0);
    assert_has(m.made.text, why);
    suggestion_release(&m.made);
}

static const char learning[] =
    "study:\n  sampler: gp\n  startup: 6\noptimizer:\n  kind: adam | sgd\n  lr: 1e-4 .. 1e-2 log\n"
    "model:\n  latent: 2 .. 64 log\n";

static void outcome(struct asked *a, int number, const struct point *pt)
{
    static const int64_t phase[] = {PHASE_DONE, PHASE_DONE, PHASE_PRUNED, PHASE_DIVERGED, PHASE_DONE};
    struct m_observe m = {
        .number = number, .phase = phase[number % 5], .epoch = 3, .value = {pt->value[0] + number % 3, 0}};
    assert_true(send_observe(a->c, &m, pt));
}

static void killed_and_told_again_it_suggests_the_same(void **state)
{
    (void)state;
    enum { N = 14 };
    struct preset p;
    struct point pt[N + 2], again;
    struct asked a;
    load(&p, learning);
    open_asked(&a, learning);
    for (int i = 0; i < N + 2; i++) {
        point_init(&pt[i], &p);
    }
    point_init(&again, &p);
    for (int i = 0; i < N; i++) {
        ask(&a, i, &pt[i], i < 6 ? "sobol" : "running");
        outcome(&a, i, &pt[i]);
    }
    ask(&a, N, &pt[N], "gp: ");
    ask(&a, N + 1, &pt[N + 1], "14 finished, 1 running"); /* it knows of what it gave out itself */
    close_asked(&a);
    open_asked(&a, learning);
    for (int i = 0; i < N; i++) {
        outcome(&a, i, &pt[i]);
    }
    assert_true(send_observe(a.c, &(struct m_observe){.number = N, .phase = PHASE_QUEUED}, &pt[N]));
    ask(&a, N + 1, &again, "14 finished, 1 running");
    for (size_t d = 0; d < p.n_ranges; d++) {
        assert_int_equal(again.present[d], pt[N + 1].present[d]);
        assert_true(!again.present[d] || again.value[d] == pt[N + 1].value[d]);
    }
    close_asked(&a);
    for (int i = 0; i < N + 2; i++) {
        point_release(&pt[i]);
    }
    point_release(&again);
    preset_release(&p);
}

static void review(struct asked *a, int told, struct insight *in)
{
    uint16_t type;
    struct msg_reader r;
    struct m_reviewed m;
    assert_true(send_review(a->c, &(struct m_review){told}));
    assert_int_equal(conn_wait(a->c, &type, &r, 60000), CONN_FRAME);
    assert_true(type == MESSAGE_REVIEWED && read_reviewed(&m, &r));
    assert_true(insight_parse(in, m.insight));
    free_reviewed(&m);
}

/* Values that only the learning rate decides; nothing is expected any more from the twentieth on. */
static void it_says_what_matters_and_when_it_is_enough(void **state)
{
    (void)state;
    struct preset p;
    struct point pt;
    struct asked a;
    struct insight in;
    struct err e;
    struct sampler *s;
    size_t lr = 0;
    load(&p, learning);
    while (p.range[lr].knob != KNOB_OPTIMIZER_LR) {
        lr++;
    }
    open_asked(&a, learning);
    review(&a, 0, &in);
    assert_true(in.finished == 0 && in.objectives == 1 && in.n_ranges == 3 && !in.stop);
    assert_true(in.share[0] == 0 && in.share[1] == 0 && in.share[2] == 0);
    insight_release(&in);
    assert_ok(sampler_new(&s, &p, &e), &e);
    for (int i = 0; i < 40; i++) {
        struct m_observe m = {.number = i, .phase = PHASE_DONE, .expected = i < 20 ? 1 : 0.001};
        point_init(&pt, &p);
        assert_ok(sampler_suggest(s, i, &pt, &e), &e); /* sobol: nothing is observed */
        m.value[0] = i < 20 ? 1 + fabs(log10(pt.value[lr]) + 3) : 9;
        assert_true(send_observe(a.c, &m, &pt));
        point_release(&pt);
        if (i == 26) {
            review(&a, 27, &in);
            assert_false(in.stop);
            insight_release(&in);
        }
    }
    review(&a, 40, &in);
    assert_int_equal(in.finished, 40);
    assert_int_equal(in.complete, 40);
    assert_true(in.stop && in.since >= 20);
    assert_close(in.expected, 0.001, 0, 0);
    assert_close(in.share[0] + in.share[1] + in.share[2], 1, 1e-12, 0);
    assert_true(in.share[lr] > 0.5);
    insight_release(&in);
    sampler_free(s);
    close_asked(&a);
    preset_release(&p);
}

static void what_says_nothing_about_the_space_is_left_out(void **state)
{
    (void)state;
    struct preset p;
    struct point pt;
    struct asked a;
    load(&p, learning);
    open_asked(&a, learning);
    point_init(&pt, &p);
    ask(&a, 0, &pt, "0 finished, 0 running");
    assert_true(send_observe(a.c, &(struct m_observe){.number = 0, .phase = PHASE_FAILED, .edited = 1}, &pt));
    ask(&a, 1, &pt, "0 finished, 0 running");
    assert_true(send_observe(a.c, &(struct m_observe){.number = 1, .phase = PHASE_DONE, .edited = 1}, &pt));
    ask(&a, 2, &pt, "0 finished, 0 running");
    assert_true(send_observe(a.c, &(struct m_observe){.number = 2, .phase = PHASE_NOMEM}, &pt));
    ask(&a, 3, &pt, "1 finished, 0 running"); /* what does not fit says where not to go, */
    assert_true(send_observe(a.c, &(struct m_observe){.number = 3, .phase = PHASE_FAILED}, &pt));
    ask(&a, 4, &pt, "2 finished, 0 running"); /* and so does what kills its worker */
    pt.value[0] = 1e300; /* another program's trial, outside the space */
    assert_true(send_observe(a.c, &(struct m_observe){.number = 5, .phase = PHASE_DONE}, &pt));
    ask(&a, 6, &pt, "2 finished, 1 running");
    close_asked(&a);
    point_release(&pt);
    preset_release(&p);
}

/* --- what becomes of trials */

enum { DESIGN = 24 };

static size_t range_at(const struct preset *p, enum knob k)
{
    size_t r = 0;
    while (p->range[r].knob != k) {
        r++;
    }
    return r;
}

/* Rates over their whole range, in an order that leaps, the other knobs anyhow. */
static void design(struct point *pt, const struct preset *p, int i)
{
    for (size_t r = 0; r < p->n_ranges; r++) {
        pt->present[r] = true;
    }
    pt->value[range_at(p, KNOB_OPTIMIZER_KIND)] = i / 2 % 2;
    pt->value[range_at(p, KNOB_MODEL_LATENT)] = 2 + i * 5 % 63;
    pt->value[range_at(p, KNOB_OPTIMIZER_LR)] = pow(10, -4 + 2 * (i * 7 % DESIGN + .5) / DESIGN);
}

static double rate(const struct preset *p, const struct point *pt)
{
    return pt->value[range_at(p, KNOB_OPTIMIZER_LR)];
}

#define CLIFF 4e-3

/* The larger the rate the better, up to a cliff. Of the next 10 suggestions, how many lie beyond it? */
static int beyond_the_cliff(const char *sampler, enum trial_phase phase, int edited)
{
    char yaml[300];
    struct preset p;
    struct point pt;
    struct asked a;
    int beyond = 0;
    (void)snprintf(yaml, sizeof yaml, "study:\n  sampler: %s\n  startup: 6\n%s", sampler,
                   "optimizer:\n  kind: adam | sgd\n  lr: 1e-4 .. 1e-2 log\nmodel:\n  latent: 2 .. 64 log\n");
    load(&p, yaml);
    open_asked(&a, yaml);
    point_init(&pt, &p);
    for (int i = 0; i < DESIGN; i++) {
        design(&pt, &p, i);
        bool falls = rate(&p, &pt) > CLIFF;
        struct m_observe m = {.number = i, .phase = falls ? phase : PHASE_DONE, .edited = falls ? edited : 0, .epoch = 3,
                              .value = {-log10(rate(&p, &pt)), (double)NAN}, .expected = (double)NAN};
        if (falls) {
            m.value[0] = (double)NAN;
        }
        assert_true(send_observe(a.c, &m, &pt));
    }
    for (int i = 0; i < 10; i++) {
        ask(&a, DESIGN + i, &pt, strcmp(sampler, "gp") == 0 ? "gp: " : "tpe: ");
        beyond += rate(&p, &pt) > CLIFF;
        struct m_observe m = {.number = DESIGN + i, .phase = rate(&p, &pt) > CLIFF ? phase : PHASE_DONE, .epoch = 3,
                              .value = {-log10(rate(&p, &pt)), (double)NAN}, .expected = (double)NAN};
        m.edited = m.phase == PHASE_DONE ? 0 : edited;
        assert_true(send_observe(a.c, &m, &pt));
    }
    close_asked(&a);
    point_release(&pt);
    preset_release(&p);
    return beyond;
}

/* A model that is not told of the failures walks over the cliff again and again. */
static void what_fails_tells_the_model_where_not_to_go(void **state)
{
    static const enum trial_phase phase[] = {PHASE_DIVERGED, PHASE_NOMEM, PHASE_FAILED};
    static const char *const sampler[] = {"gp", "tpe"};
    (void)state;
    for (size_t s = 0; s < 2; s++) {
        int untold = beyond_the_cliff(sampler[s], PHASE_FAILED, 1);
        for (size_t i = 0; i < 3; i++) {
            int told = beyond_the_cliff(sampler[s], phase[i], 0);
            print_message("%s: %d of 10 beyond the cliff where trials are %s, %d where they say nothing\n", sampler[s], told,
                          trial_phase_word(phase[i]), untold);
            assert_true(told <= 5 && told < untold);
        }
    }
}

/* Trials edited while they ran, with values better than all others: as if they had never been. */
static void an_edited_trial_is_left_out_of_the_model(void **state)
{
    static const char *const sampler[] = {"gp", "tpe"};
    (void)state;
    for (size_t s = 0; s < 2; s++) {
        char yaml[300];
        struct preset p;
        struct point pt, got[3];
        (void)snprintf(yaml, sizeof yaml, "study:\n  sampler: %s\n  startup: 6\noptimizer:\n  kind: adam | sgd\n"
                       "  lr: 1e-4 .. 1e-2 log\nmodel:\n  latent: 2 .. 64 log\n", sampler[s]);
        load(&p, yaml);
        point_init(&pt, &p);
        for (int round = 0; round < 3; round++) { /* without them, with them, and with them as trials like others */
            struct asked a;
            open_asked(&a, yaml);
            for (int i = 0; i < DESIGN; i++) {
                bool special = i % 4 == 3;
                struct m_observe m = {.number = i, .phase = i % 8 == 3 ? PHASE_DONE : special ? PHASE_PRUNED : PHASE_DONE,
                                      .edited = special && round == 1, .epoch = 3, .expected = (double)NAN};
                design(&pt, &p, i);
                m.value[0] = special ? -50 - i : fabs(log10(rate(&p, &pt)) + 3);
                m.value[1] = (double)NAN;
                if (!special || round > 0) {
                    assert_true(send_observe(a.c, &m, &pt));
                }
            }
            point_init(&got[round], &p);
            ask(&a, DESIGN, &got[round], round < 2 ? "18 finished" : "24 finished");
            close_asked(&a);
        }
        assert_true(rate(&p, &got[0]) == rate(&p, &got[1]));
        assert_true(rate(&p, &got[0]) != rate(&p, &got[2]));
        for (int round = 0; round < 3; round++) {
            point_release(&got[round]);
        }
        point_release(&pt);
        preset_release(&p);
    }
}

/* Starts one and sends a frame of this type and text; its exit status. */
static int after(uint16_t type, const char *text)
{
    int fd[2];
    struct err e;
    pid_t pid;
    int status = -1;
    uint16_t answer;
    struct msg_reader r;
    struct msg_writer w = {0};
    char *path = proc_find_helper("vaetop-advisor");
    char *argv[] = {xstrdup("vaetop-advisor"), NULL};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    struct proc_spawn s = {
        .path = path, .argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .socket_fd = fd[1]};
    assert_ok(proc_spawn(&pid, &s, &e), &e);
    (void)close(fd[1]);
    struct conn *c = conn_new(fd[0]);
    if (text) {
        msg_str(&w, text);
        assert_true(conn_send(c, type, &w));
        if (conn_wait(c, &answer, &r, 60000) == CONN_FRAME) {
            struct m_advising m;
            assert_int_equal(answer, MESSAGE_ADVISING);
            assert_true(read_advising(&m, &r));
            assert_int_equal(m.code, ERR_USAGE);
            assert_has(m.text, "the study's preset");
            free_advising(&m);
        }
    }
    conn_free(c);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    sbuf_release(&w.bytes);
    free(argv[0]);
    free(path);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void it_ends_with_its_engine_and_on_nonsense(void **state)
{
    (void)state;
    assert_int_equal(after(0, NULL), 0);
    assert_int_equal(after(MESSAGE_ADVISE, "nonsense: [1, 2\n"),
                     0); /* refused with a reason, and then the engine left */
    assert_int_equal(after(MESSAGE_SUGGEST, "too early"), 1);
    assert_int_equal(after(60000, "what is this"), 1);
}

int advise_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_points_are_the_samplers),
        cmocka_unit_test(a_grid_ends),
        cmocka_unit_test(killed_and_told_again_it_suggests_the_same),
        cmocka_unit_test(it_says_what_matters_and_when_it_is_enough),
        cmocka_unit_test(what_says_nothing_about_the_space_is_left_out),
        cmocka_unit_test(what_fails_tells_the_model_where_not_to_go),
        cmocka_unit_test(an_edited_trial_is_left_out_of_the_model),
        cmocka_unit_test(it_ends_with_its_engine_and_on_nonsense),
    };
    return cmocka_run_group_tests_name("advisor", tests, link_advisor, NULL);
}
