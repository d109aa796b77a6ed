#include "vaetop/advisor/advisor.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/log.h"
#include "vaetop/ipc/messages.h"
#include "vaetop/tune/sampler.h"

struct advice {
    struct conn *conn;
    struct preset preset;
    struct sampler *sampler; /* NULL: not open */
};

static bool on_advise(struct advice *a, struct msg_reader *r)
{
    struct m_advise m;
    struct err e = {0};
    if (a->sampler || !read_advise(&m, r)) {
        return false;
    }
    enum err_code rc = preset_parse(&a->preset, m.preset, strlen(m.preset), "the study's preset", &e);
    free_advise(&m);
    if (!rc) {
        rc = preset_check(&a->preset, &e);
        if (!rc) {
            rc = sampler_new(&a->sampler, &a->preset, &e);
        }
        if (rc) {
            preset_release(&a->preset);
        }
    }
    char *text = xstrdup(rc ? e.text : "");
    (void)send_advising(a->conn, &(struct m_advising){rc, text, rc ? 0 : (int64_t)sampler_count(a->sampler)});
    free(text);
    return true;
}

static bool on_suggest(struct advice *a, struct msg_reader *r)
{
    struct m_suggest m;
    struct err e = {0};
    struct point pt;
    if (!a->sampler || !read_suggest(&m, r) || m.number < 0 || m.number > INT32_MAX) {
        return false;
    }
    point_init(&pt, &a->preset);
    enum err_code rc = sampler_suggest(a->sampler, (int)m.number, &pt, &e);
    char *text = xstrdup(rc ? e.text : "");
    (void)send_suggested(a->conn, &(struct m_suggested){m.number, rc, text}, &pt);
    free(text);
    point_release(&pt);
    return true;
}

int advisor_serve(int fd)
{
    struct advice a = {.conn = conn_new(fd)};
    uint16_t type;
    struct msg_reader r;
    bool ok = true;
    enum conn_result got = CONN_NOTHING;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    log_open(STDERR_FILENO, "advisor", LOG_INFO);
    while (ok && (got = conn_wait(a.conn, &type, &r, -1)) == CONN_FRAME) {
        if (type == MESSAGE_ADVISE) {
            ok = on_advise(&a, &r);
        } else {
            ok = type == MESSAGE_SUGGEST && on_suggest(&a, &r);
        }
        if (!ok) {
            log_error("message %d from the engine is not one an advisor knows now", type);
        }
    }
    if (a.sampler) {
        sampler_free(a.sampler);
        preset_release(&a.preset);
    }
    conn_free(a.conn);
    return ok && got == CONN_CLOSED ? 0 : 1;
}
