/* The study's stages and the engine's end.
 *
 * RUNNING <-> PAUSED; FINISHED when all trials are final (back to RUNNING when `trials` is raised); LEAVING is the way
 * out on request, by a signal, by time-out or because the study cannot go on. The engine ends when its workers are
 * gone and all is committed: at once after LEAVING, else when nobody looks any more. */
#include "engine_private.h"

#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/paths.h"

#define FIRST_CLIENT_S 10 /* who started a finished study comes to look at it */
#define SAVE_S 10
#define LOG_MOST (4 << 20)
#define LAST_WORD_S 10 /* the advisor's, of a finished study */

void engine_log(struct engine *en, int trial, const char *fmt, ...)
{
    char text[240];
    char clean[240];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)str_clean(clean, sizeof clean, text);
    if (trial >= 0) {
        log_info("trial %d: %s", trial, clean);
    } else {
        log_info("%s", clean);
    }
    write_log(en, trial, clean);
}

void engine_banner(struct engine *en)
{
    char raw[sizeof en->banner];
    char text[sizeof en->banner];
    (void)str_copy(raw, sizeof raw, en->fatal.code         ? en->fatal.text
                                    : en->store_banner[0]  ? en->store_banner
                                    : en->checkpoint_banner[0] ? en->checkpoint_banner
                                                               : en->device_banner);
    (void)str_clean(text, sizeof text, raw);
    if (strcmp(text, en->banner) != 0) {
        (void)str_copy(en->banner, sizeof en->banner, text);
        links_banner(en);
    }
}

static const char *stage_word(enum stage s)
{
    static const char *const word[] = {"running", "paused", "stopped", "finished"};
    return word[s];
}

void engine_stage(struct engine *en, enum stage stage)
{
    if (en->stage == stage) {
        return;
    }
    en->stage = stage;
    write_fact(en, "phase", stage_word(stage));
    engine_log(en, -1, "%s", stage_word(stage));
    if (stage == STAGE_FINISHED || stage == STAGE_LEAVING) {
        if (stage == STAGE_FINISHED) {
            advisor_finish(en);
        } else {
            advisor_end(en);
        }
        (void)writer_flush(en);
    } else {
        en->told_finished = false;
        slices_start(en);
    }
    if (stage == STAGE_FINISHED) {
        en->finished_s = en->quiet_s = 0;
        slices_quit(en, false);
    }
}

/* Every trial on a worker is asked to come back to the queue after its epoch. */
static void yield_after_epoch(struct engine *en)
{
    for (size_t i = en->first_open; i < en->n_runs; i++) {
        struct run *r = &en->run[i];
        if (r->slice >= 0 && r->wish != WISH_STOP && r->wish != WISH_PAUSE) {
            r->wish = WISH_YIELD;
            (void)send_stop(en->slice[r->slice].conn, &(struct m_stop){r->number, 1});
        }
    }
}

void engine_leave(struct engine *en, bool checkpoint, bool after_epoch)
{
    stops_now(en); /* decided before this */
    engine_stage(en, STAGE_LEAVING);
    en->leave_s = 0;
    en->after_epoch = after_epoch && checkpoint;
    if (en->after_epoch) {
        yield_after_epoch(en);
    } else if (checkpoint) {
        slices_quit(en, true);
    } else {
        slices_quit(en, false);
        slices_kill(en);
    }
    engine_check_end(en);
}

void engine_fail(struct engine *en, const struct err *e)
{
    if (en->fatal.code) {
        return;
    }
    en->fatal = *e;
    log_error("%s", e->text);
    engine_log(en, -1, "the study cannot go on: %.200s", e->text);
    write_fact(en, "error", e->text);
    engine_banner(en);
    engine_leave(en, true, false);
}

static void tell_finished(struct engine *en)
{
    bool last_word = en->stage == STAGE_FINISHED && en->advisor.conn && en->finished_s < LAST_WORD_S;
    if (!en->told_finished && !last_word && (writer_idle(en) || writer_flush(en))) {
        en->told_finished = true;
        links_finished(en);
    }
}

void engine_check_end(struct engine *en)
{
    if (en->stage == STAGE_FINISHED) {
        tell_finished(en);
        if (!slices_gone(en)) {
            return;
        }
        cards_unlock(en);
        bool nobody = !en->client && (en->had_client || en->finished_s >= FIRST_CLIENT_S);
        if (en->told_finished && writer_idle(en) && (nobody || en->quiet_s > en->idle_limit_s)) {
            loop_stop(en->loop);
        }
    } else if (en->stage == STAGE_LEAVING) {
        if (en->after_epoch && runs_active(en) == 0) {
            en->after_epoch = false;
            slices_quit(en, true);
        }
        if (slices_gone(en)) {
            tell_finished(en);
            foreign_look(en); /* what another program has ended since the last tick has its place in the order */
            /* A store that still refuses after a while keeps its last good state; checkpoints hold the rest. */
            if (writer_idle(en) || en->leave_s > CHECKPOINT_S) {
                loop_stop(en->loop);
            }
        }
    }
}

/* Nothing is running and nothing can start by itself. */
static bool idle(struct engine *en)
{
    if (en->client || runs_active(en) > 0) {
        return false;
    }
    if (en->stage == STAGE_PAUSED) {
        return true;
    }
    return en->stage == STAGE_RUNNING && runs_queued(en) == 0 &&
           (en->advisor.exhausted || (int64_t)en->n_runs >= en->total);
}

static void count_time(struct engine *en)
{
    int64_t now = clock_mono_ns();
    double dt = (double)(now - en->tick_ns) * 1e-9;
    double limit = config_f64(&en->preset.base, KNOB_STUDY_TIMEOUT);
    en->tick_ns = now;
    if (runs_active(en) == 0) {
        return;
    }
    en->run_s += dt;
    if (en->ticks % SAVE_S == 0) {
        char text[32];
        write_fact(en, "seconds", str_from_f64(text, sizeof text, floor(en->run_s)));
    }
    if (limit > 0 && en->run_s >= limit && en->stage == STAGE_RUNNING) {
        engine_log(en, -1, "its time (study.timeout, %.0f s) is over", limit);
        engine_leave(en, true, false);
    }
}

/* A log is for days: what grows beyond LOG_MOST goes to a second file, over what was in that. All processes of the
 * study write to the end of the same open file, so it is emptied, not replaced. */
static void keep_log_small(struct engine *en)
{
    struct stat st;
    struct err e;
    if (fstat(STDERR_FILENO, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= LOG_MOST) {
        return;
    }
    char *path = fs_join(en->dir, STUDY_LOG);
    char *old = fs_join(en->dir, STUDY_OLD_LOG);
    char *text = xcalloc(LOG_MOST, 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd >= 0 ? pread(fd, text, LOG_MOST, st.st_size - LOG_MOST) : -1;
    if (n > 0 && !fs_write(old, text, (size_t)n, &e) && ftruncate(STDERR_FILENO, 0) != 0) {
        log_warn("%s: cannot be emptied", path);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(text);
    free(old);
    free(path);
}

void engine_tick(void *arg)
{
    struct engine *en = arg;
    (void)loop_timer(en->loop, SECOND_NS, engine_tick, en);
    en->ticks++;
    for (size_t i = 0; i < en->n_slices; i++) {
        slice_tick(&en->slice[i]);
    }
    links_tick(en);
    cards_tick(en);
    keep_log_small(en);
    slices_reap(en); /* a lost SIGCHLD would otherwise leave a trial behind for ever */
    count_time(en);
    if (en->stage == STAGE_RUNNING && en->n_cards > 0) {
        cards_lock(en);
        slices_start(en);
    }
    en->idle_s = idle(en) ? en->idle_s + 1 : 0;
    if (en->idle_s >= en->idle_limit_s) {
        engine_log(en, -1, "nothing to do and nobody looking: the engine ends");
        slices_quit(en, true);
        loop_stop(en->loop);
        return;
    }
    en->finished_s += en->stage == STAGE_FINISHED;
    en->quiet_s++;
    en->leave_s += en->stage == STAGE_LEAVING && !en->after_epoch;
    if (en->leave_s == CHECKPOINT_S) {
        slices_kill(en);
    }
    foreign_look(en);
    schedule(en);
    advisor_review(en);
    engine_check_end(en);
}
