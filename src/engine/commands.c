/* What people ask for. Every command is answered at once; what a worker has to do for it happens at its next chunk's
 * end. */
#include "engine_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

struct request {
    struct engine *en;
    struct run *run; /* NULL: the study */
    const char *arg;
    char *reply;
    size_t cap;
};

#define SAY(q, ...) ((void)snprintf((q)->reply, (q)->cap, __VA_ARGS__))

enum err_code final_already(const struct run *r, struct err *e)
{
    return err_set(e, ERR_USAGE, "trial %d is %s already", r->number, trial_phase_word(r->phase));
}

static struct conn *worker_of(struct request *q)
{
    return q->en->slice[q->run->slice].conn;
}

/* --- one trial */

static enum err_code pause_trial(struct request *q, struct err *e)
{
    struct run *r = q->run;
    if (run_final(r)) {
        return final_already(r, e);
    }
    r->resume_after = false;
    if (r->slice >= 0) {
        r->wish = r->wish == WISH_STOP ? WISH_STOP : WISH_PAUSE;
        (void)send_pause(worker_of(q), &(struct m_pause){r->number});
        SAY(q, "trial %d pauses after a checkpoint", r->number);
    } else if (r->phase != PHASE_PAUSED) {
        run_phase(q->en, r, PHASE_PAUSED, (double)NAN, NULL);
        SAY(q, "trial %d is paused", r->number);
    } else {
        SAY(q, "trial %d is paused already", r->number);
    }
    return ERR_OK;
}

static enum err_code resume_trial(struct request *q, struct err *e)
{
    struct run *r = q->run;
    if (run_final(r)) {
        return final_already(r, e);
    }
    bool paused = r->phase == PHASE_PAUSED;
    if (paused) {
        prune_requeue(q->en, r);
    }
    if (r->slice >= 0 && r->wish == WISH_PAUSE) {
        r->resume_after = true;
        SAY(q, "trial %d goes on", r->number);
    } else if (r->phase == PHASE_HELD) {
        SAY(q, "trial %d is held at its rung: it goes on when it is among the best there", r->number);
    } else if (paused) {
        bool held = q->en->stage == STAGE_PAUSED;
        SAY(q, "trial %d waits for %s", r->number, held ? "the study to be resumed" : "a slot");
    } else {
        SAY(q, "trial %d is not paused", r->number);
    }
    return ERR_OK;
}

static enum err_code edit_trial(struct request *q, struct err *e)
{
    struct run *r = q->run;
    const char *eq = strchr(q->arg, '=');
    if (!eq) {
        return err_set(e, ERR_USAGE, "set %s: expected knob=value", q->arg);
    }
    char *name = xstrndup(q->arg, (size_t)(eq - q->arg));
    enum knob k = knob_find(name);
    free(name);
    if (k != KNOB_OPTIMIZER_LR && k != KNOB_LOSS_BETA && k != KNOB_TRAIN_EPOCHS) {
        return err_set(e, ERR_USAGE, "set %s: only lr, beta and epochs of a trial can be changed", q->arg);
    }
    if (run_final(r)) {
        return final_already(r, e);
    }
    struct config probe;
    config_init(&probe);
    enum err_code rc = config_set(&probe, k, eq + 1, e);
    config_release(&probe);
    if (rc) {
        return rc;
    }
    if (r->slice < 0) { /* recorded now; its worker makes it again, as every earlier one, when it goes on */
        r->edited = true;
        write_edit(q->en, r->number, k, eq + 1, r->step > r->checkpoint_step ? r->step : r->checkpoint_step);
        engine_log(q->en, r->number, "%s=%s once it goes on", knob_info(k)->full, eq + 1);
        SAY(q, "trial %d: %s once it goes on", r->number, q->arg);
        return ERR_OK;
    }
    char *value = xstrdup(eq + 1);
    (void)send_edit(worker_of(q), &(struct m_edit){r->number, k, value, 0});
    free(value);
    SAY(q, "trial %d: %s from its next step on", r->number, q->arg);
    return ERR_OK;
}

static enum err_code do_trial(struct request *q, enum command c, struct err *e)
{
    switch (c) {
    case COMMAND_PAUSE:
        return pause_trial(q, e);
    case COMMAND_RESUME:
        return resume_trial(q, e);
    case COMMAND_STOP_NOW:
    case COMMAND_STOP_EPOCH:
        return stop_trial(q->en, q->run, c == COMMAND_STOP_EPOCH, q->arg, q->reply, q->cap, e);
    case COMMAND_UNDO:
        return stop_undo(q->run, q->reply, q->cap, e);
    case COMMAND_EDIT:
        return edit_trial(q, e);
    case COMMAND_CLONE:
        return enqueue_trial(q->en, q->run, q->arg, q->reply, q->cap, e);
    case COMMAND_RERUN:
        return rerun_trial(q->en, q->run, q->reply, q->cap, e);
    default:
        return err_set(e, ERR_USAGE, "%s is for a study, not for a trial", command_word(c));
    }
}

/* --- the study */

enum err_code engine_is_ending(struct err *e)
{
    return err_set(e, ERR_BUSY, "the study is ending; vaetop resume goes on with it");
}

static enum err_code not_going_on(const struct engine *en, struct err *e)
{
    return en->stage == STAGE_FINISHED ? err_set(e, ERR_USAGE, "the study has finished: all its trials are final")
                                       : engine_is_ending(e);
}

static enum err_code pause_study(struct request *q, struct err *e)
{
    struct engine *en = q->en;
    if (en->stage != STAGE_RUNNING) {
        if (en->stage == STAGE_PAUSED) {
            SAY(q, "the study is paused already");
            return ERR_OK;
        }
        return not_going_on(en, e);
    }
    for (size_t i = en->first_open; i < en->n_runs; i++) {
        struct run *r = &en->run[i];
        if (r->slice >= 0 && r->wish == WISH_NONE) {
            r->wish = WISH_YIELD;
            (void)send_pause(en->slice[r->slice].conn, &(struct m_pause){r->number});
        }
    }
    engine_stage(en, STAGE_PAUSED);
    SAY(q, "the study pauses; its trials write their checkpoints");
    return ERR_OK;
}

/* A paused study goes on; in one that is not, every paused trial does. */
static enum err_code resume_study(struct request *q, struct err *e)
{
    struct engine *en = q->en;
    if (en->stage == STAGE_PAUSED) {
        engine_stage(en, STAGE_RUNNING);
        SAY(q, "the study goes on");
        return ERR_OK;
    }
    if (en->stage == STAGE_FINISHED) {
        SAY(q, "the study has finished: all its trials are final");
        return ERR_OK;
    }
    if (en->stage != STAGE_RUNNING) {
        return not_going_on(en, e);
    }
    int n = 0;
    for (size_t i = en->first_open; i < en->n_runs; i++) {
        struct run *r = &en->run[i];
        if (!run_final(r) && (r->phase == PHASE_PAUSED || r->wish == WISH_PAUSE)) {
            struct request one = *q;
            one.run = r;
            n += resume_trial(&one, e) == ERR_OK;
        }
    }
    SAY(q, "trials going on: %d", n);
    return ERR_OK;
}

/* The argument as a value of a knob, recorded as a fact of the study. */
static enum err_code new_number(int *out, struct request *q, enum knob knob, struct err *e)
{
    const struct knob_info *k = knob_info(knob);
    int64_t n;
    if (!str_to_i64(&n, q->arg) || n < (int64_t)k->min || n > (int64_t)k->max) {
        return err_set(e, ERR_USAGE, "%s %s: expected a whole number from %.0f to %.0f", k->name, q->arg, k->min,
                       k->max);
    }
    if (q->en->stage == STAGE_LEAVING) {
        return not_going_on(q->en, e);
    }
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)n);
    write_fact(q->en, k->name, text);
    *out = (int)n;
    return ERR_OK;
}

static enum err_code set_slots(struct request *q, struct err *e)
{
    enum err_code rc = new_number(&q->en->slots, q, KNOB_STUDY_SLOTS, e);
    if (!rc) {
        slices_share(q->en);
        SAY(q, "trials at once: %d", q->en->slots);
    }
    return rc;
}

static enum err_code set_trials(struct request *q, struct err *e)
{
    struct engine *en = q->en;
    enum err_code rc = new_number(&en->total, q, KNOB_STUDY_TRIALS, e);
    if (rc) {
        return rc;
    }
    SAY(q, "trials in all: %d", en->total);
    if (en->may_stop) { /* who wants more knows better than the rule */
        en->may_stop = false;
        write_fact(en, "stop", "never");
    }
    if (en->stage == STAGE_FINISHED && !runs_all_final(en)) {
        rc = engine_devices(en, e);
        if (rc) {
            return rc;
        }
        engine_stage(en, STAGE_RUNNING);
    }
    return ERR_OK;
}

static enum err_code do_study(struct request *q, enum command c, struct err *e)
{
    switch (c) {
    case COMMAND_PAUSE:
        return pause_study(q, e);
    case COMMAND_RESUME:
        return resume_study(q, e);
    case COMMAND_STOP_NOW:
    case COMMAND_SHUTDOWN:
        engine_leave(q->en, true, false);
        SAY(q, "the study stops; its trials write their checkpoints");
        return ERR_OK;
    case COMMAND_STOP_EPOCH:
        engine_leave(q->en, true, true);
        SAY(q, "the study stops after each trial's epoch");
        return ERR_OK;
    case COMMAND_SHUTDOWN_NOW:
        engine_leave(q->en, false, false);
        SAY(q, "the study stops at once");
        return ERR_OK;
    case COMMAND_TRIALS:
        return set_trials(q, e);
    case COMMAND_SLOTS:
        return set_slots(q, e);
    case COMMAND_ENQUEUE:
        return enqueue_trial(q->en, NULL, q->arg, q->reply, q->cap, e);
    case COMMAND_SPACE:
        return change_space(q->en, q->arg, q->reply, q->cap, e);
    case COMMAND_DEVICE_ON:
    case COMMAND_DEVICE_OFF:
    case COMMAND_DEVICE_DRAIN:
    case COMMAND_DEVICE_ONLY:
    case COMMAND_DEVICE_TEST:
        return q->en->stage == STAGE_LEAVING ? not_going_on(q->en, e)
                                             : card_command(q->en, c, q->arg, q->reply, q->cap, e);
    default:
        return err_set(e, ERR_USAGE, "%s is for a trial: name one", command_word(c));
    }
}

enum err_code command_do(struct engine *en, const struct m_command *m, char *reply, size_t cap, struct err *e)
{
    struct request q = {.en = en, .arg = m->arg, .reply = reply, .cap = cap};
    if (m->command < 0 || m->command >= COMMAND_COUNT) {
        return err_set(e, ERR_USAGE, "command %lld is unknown", (long long)m->command);
    }
    if (m->trial >= 0) {
        q.run = run_find(en, m->trial);
        if (!q.run) {
            return err_set(e, ERR_NOTFOUND, "trial %lld: the study has %zu trials", (long long)m->trial, en->n_runs);
        }
        if (en->stage == STAGE_LEAVING) {
            return engine_is_ending(e);
        }
        return do_trial(&q, (enum command)m->command, e);
    }
    return do_study(&q, (enum command)m->command, e);
}
