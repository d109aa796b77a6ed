/* Trials ended by the person. A screen asks for a stop with a few seconds in which it can be taken back; they pass here,
 * so that a screen that dies meanwhile changes nothing. */
#include "engine_private.h"

#include <math.h>
#include <stdio.h>

#include "vaetop/base/clock.h"
#include "vaetop/base/str.h"

#define WAIT_MOST_S 60

static void stop(struct engine *en, struct run *r, bool after_epoch)
{
    r->stop_due_ns = 0;
    if (r->slice >= 0) {
        r->wish = WISH_STOP;
        (void)send_stop(en->slice[r->slice].conn, &(struct m_stop){r->number, after_epoch});
    } else {
        run_phase(en, r, PHASE_STOPPED, r->last_value, "");
        engine_log(en, r->number, "stopped");
        retain(en, r);
    }
}

/* Those due at `now`. */
static void stop_due(struct engine *en, int64_t now)
{
    for (size_t i = en->first_open; i < en->n_runs; i++) {
        struct run *r = &en->run[i];
        if (r->stop_due_ns > 0 && r->stop_due_ns <= now) {
            if (run_final(r)) {
                r->stop_due_ns = 0; /* it has ended by itself */
            } else {
                stop(en, r, r->stop_epoch);
            }
        }
    }
}

static void on_due(void *arg)
{
    stop_due(arg, clock_mono_ns());
    schedule(arg);
}

void stops_now(struct engine *en)
{
    stop_due(en, INT64_MAX);
}

enum err_code stop_trial(struct engine *en, struct run *r, bool after_epoch, const char *wait_s, char *reply, size_t cap,
                         struct err *e)
{
    int64_t wait = 0;
    if (run_final(r)) {
        return final_already(r, e);
    }
    if (*wait_s && (!str_to_i64(&wait, wait_s) || wait < 0 || wait > WAIT_MOST_S)) {
        return err_set(e, ERR_USAGE, "stop: %s is no number of seconds up to %d", wait_s, WAIT_MOST_S);
    }
    const char *when = after_epoch ? "after this epoch" : "now";
    if (wait > 0) {
        r->stop_due_ns = clock_mono_ns() + wait * SECOND_NS;
        r->stop_epoch = after_epoch;
        (void)loop_timer(en->loop, wait * SECOND_NS, on_due, en);
        (void)snprintf(reply, cap, "trial %d stops %s, in %d s; u takes it back", r->number, when, (int)wait);
        return ERR_OK;
    }
    bool runs = r->slice >= 0;
    stop(en, r, after_epoch);
    (void)snprintf(reply, cap, runs ? "trial %d stops %s" : "trial %d is stopped", r->number, when);
    return ERR_OK;
}

enum err_code stop_undo(struct run *r, char *reply, size_t cap, struct err *e)
{
    if (r->stop_due_ns == 0) {
        return err_set(e, ERR_USAGE, "trial %d: there is no stop to take back", r->number);
    }
    r->stop_due_ns = 0;
    (void)snprintf(reply, cap, "trial %d is not stopped", r->number);
    return ERR_OK;
}
