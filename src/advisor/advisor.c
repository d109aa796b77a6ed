#include "vaetop/advisor/advisor.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/log.h"
#include "vaetop/conf/objective.h"
#include "vaetop/conf/trial.h"
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
            if (!rc) {
                sampler_set_objectives(a->sampler, objective_count(objective_of(&a->preset.base)));
            }
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

static enum seen_state state_of(const struct m_observe *m)
{
    switch (m->phase) {
    case PHASE_DONE:
        return m->edited ? SEEN_LEFT_OUT : SEEN_COMPLETE;
    case PHASE_PRUNED:
    case PHASE_HELD:
    case PHASE_STOPPED:
        return m->edited ? SEEN_LEFT_OUT : SEEN_PRUNED;
    case PHASE_DIVERGED:
    case PHASE_NOMEM:
    case PHASE_FAILED: /* its worker died of it more than once, alone on its device */
        return m->edited ? SEEN_FORGOTTEN : SEEN_FAILED;
    default:
        return SEEN_RUNNING;
    }
}

static bool on_observe(struct advice *a, struct msg_reader *r)
{
    struct m_observe m;
    struct point pt;
    bool ok = a->sampler != NULL;
    if (!ok) {
        return false;
    }
    point_init(&pt, &a->preset);
    ok = read_observe(&m, &pt, r) && m.number >= -INT32_MAX && m.number <= INT32_MAX && m.phase >= 0 && m.phase < PHASE_COUNT;
    enum seen_state state = ok ? state_of(&m) : SEEN_FORGOTTEN;
    bool inside = ok && point_in_space(&a->preset, &pt);
    if (ok && (inside || state == SEEN_LEFT_OUT || state == SEEN_FORGOTTEN)) {
        struct seen t = {(int)m.number, inside ? state : SEEN_FORGOTTEN, {m.value[0], m.value[1]}, m.epoch, m.violation, m.expected};
        sampler_observe(a->sampler, &t, &pt);
    }
    point_release(&pt);
    return ok;
}

static char *why(const struct sampler *s)
{
    const struct suggestion_why *w = sampler_why(s);
    if (w->fit > 0) {
        return xasprintf("%s (fit %d, %d finished, %d running)", w->text, w->fit, w->finished, w->running);
    }
    return xasprintf("%s (%d finished, %d running)", w->text, w->finished, w->running);
}

/* Owns: suggestion_release(). */
static struct suggestion record_of(const struct sampler *s, int64_t number, enum err_code rc, const struct err *e)
{
    const struct suggestion_why *w = sampler_why(s);
    struct sbuf running = {0};
    sampler_running(&running, s);
    return (struct suggestion){.number = number,
                               .fit = w->fit,
                               .mean = w->mean,
                               .sd = w->sd,
                               .expected = w->expected,
                               .sampler = xstrdup(knob_choice_name(KNOB_STUDY_SAMPLER, (int)w->used)),
                               .running = sbuf_take(&running),
                               .text = rc ? xstrdup(e->text) : why(s)};
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
    struct m_suggested answer = {rc, record_of(a->sampler, m.number, rc, &e)};
    if (!rc) { /* the next suggestion must know of this one before a word comes back about it */
        sampler_observe(a->sampler, &(struct seen){.number = (int)m.number, .state = SEEN_RUNNING}, &pt);
    }
    (void)send_suggested(a->conn, &answer, &pt);
    suggestion_release(&answer.made);
    point_release(&pt);
    return true;
}

static bool on_review(struct advice *a, struct msg_reader *r)
{
    struct m_review m;
    struct insight in;
    struct sbuf text = {0};
    if (!a->sampler || !read_review(&m, r) || m.told < 0 || m.told > INT32_MAX) {
        return false;
    }
    sampler_review(&in, a->sampler);
    in.finished = (int)m.told;
    insight_format(&text, &in);
    insight_release(&in);
    (void)send_reviewed(a->conn, &(struct m_reviewed){text.text});
    sbuf_release(&text);
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
        } else if (type == MESSAGE_OBSERVE) {
            ok = on_observe(&a, &r);
        } else if (type == MESSAGE_REVIEW) {
            ok = on_review(&a, &r);
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
