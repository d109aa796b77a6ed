#include "vaetop/engine/engine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>

#include "engine_private.h"
#include "owner.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/limits.h"
#include "vaetop/base/log.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/paths.h"
#include "vaetop/ipc/endpoint.h"

#define IDLE_S 60

/* --- whose study it is */

static enum err_code lock_study(struct engine *en, struct err *e)
{
    char *path = fs_join(en->dir, STUDY_LOCK);
    enum err_code rc = owner_lock(&en->lock_fd, path, e);
    if (rc == ERR_BUSY) {
        char holder[200];
        (void)err_set(e, ERR_BUSY, "%s: in use by an engine (%s)", en->dir,
                      *fs_line(holder, sizeof holder, path) ? holder : "unknown process");
    }
    free(path);
    return rc;
}

/* Workers of an engine that died are killed before their trials are queued again. They die with their engine anyway;
 * one that hangs in a driver may not. */
static enum err_code kill_strays(struct engine *en, struct err *e)
{
    struct device_row *row = NULL;
    size_t n = 0;
    char boot[64];
    char *then = NULL;
    (void)fs_line(boot, sizeof boot, "/proc/sys/kernel/random/boot_id");
    enum err_code rc = store_fact_get(en->store, "boot", &then, e);
    if (!rc) {
        rc = store_devices(en->store, &row, &n, e);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        if (then && strcmp(then, boot) == 0 && row[i].worker.pid > 0 && proc_alive(row[i].worker)) {
            log_warn("worker %d of the engine before still runs: ended", (int)row[i].worker.pid);
            if (!proc_kill(row[i].worker)) {
                rc = err_set(e, ERR_BUSY, "process %d, a worker of the engine before, cannot be ended",
                             (int)row[i].worker.pid);
            }
        }
        row[i].worker = (struct proc_id){0};
        row[i].slots_used = 0;
        row[i].bytes_used = 0;
        (void)str_copy(row[i].state, sizeof row[i].state, "off");
        write_slice(en, &row[i]);
    }
    write_fact(en, "boot", boot);
    free(row);
    free(then);
    return rc;
}

/* --- opening */

static enum err_code fact_or(struct engine *en, char **out, const char *key, const char *otherwise, struct err *e)
{
    enum err_code rc = store_fact_get(en->store, key, out, e);
    if (!rc && !*out) {
        *out = xstrdup(otherwise);
    }
    return rc;
}

static enum err_code read_facts(struct engine *en, const char *device, struct err *e)
{
    char *phase = NULL;
    char *trials = NULL;
    char *slots = NULL;
    char *seconds = NULL;
    char *stop = NULL;
    int64_t n;
    enum err_code rc = fact_or(en, &phase, "phase", "", e);
    if (!rc) {
        rc = fact_or(en, &trials, "trials", "", e);
    }
    if (!rc) {
        rc = fact_or(en, &slots, "slots", "", e);
    }
    if (!rc) {
        rc = fact_or(en, &seconds, "seconds", "", e);
    }
    if (!rc) {
        rc = fact_or(en, &stop, "stop", "", e);
    }
    if (!rc && device && *device) {
        en->device_text = xstrdup(device);
        en->device_new = true;
    } else if (!rc) {
        rc = fact_or(en, &en->device_text, "device", "", e);
    }
    if (!rc) {
        en->total = str_to_i64(&n, trials) ? (int)n : (int)config_i64(&en->preset.base, KNOB_STUDY_TRIALS);
        en->slots = str_to_i64(&n, slots) ? (int)n : (int)config_i64(&en->preset.base, KNOB_STUDY_SLOTS);
        en->objectives = objective_count(objective_of(&en->preset.base));
        en->rungs = asha_rule_of(&en->preset);
        en->keep = (int)config_i64(&en->preset.base, KNOB_STUDY_KEEP);
        en->stage = strcmp(phase, "paused") == 0 ? STAGE_PAUSED : STAGE_RUNNING;
        /* A study that was stopped and is run again has its whole time before it; one whose engine died has not. */
        if (strcmp(phase, "running") != 0 || !str_to_f64(&en->run_s, seconds)) {
            en->run_s = 0;
        }
        en->may_stop = config_choice(&en->preset.base, KNOB_STUDY_STOP) == STOP_NO_GAIN && strcmp(stop, "never") != 0;
    }
    free(phase);
    free(trials);
    free(slots);
    free(seconds);
    free(stop);
    return rc;
}

static enum err_code open_store(struct engine *en, struct err *e)
{
    char *checkpoints = fs_join(en->dir, STUDY_CHECKPOINTS);
    enum err_code rc = fs_mkdirs(checkpoints, e);
    free(checkpoints);
    if (!rc) {
        rc = store_open(&en->store, en->dir, true, e);
    }
    if (!rc) {
        rc = store_preset(en->store, &en->preset, e);
    }
    if (!rc) {
        rc = store_suggested_space(en->store, &en->space, e);
        if (rc) {
            preset_release(&en->preset);
        }
    }
    if (!rc) {
        rc = store_name(en->store, &en->name, e);
        if (rc) {
            preset_release(&en->preset);
            preset_release(&en->space);
        }
    }
    return rc;
}

enum err_code engine_devices(struct engine *en, struct err *e)
{
    if (en->n_cards == 0) {
        enum err_code rc = cards_choose(en, e);
        if (!rc) {
            rc = slices_make(en);
        }
        if (rc) {
            return rc;
        }
    }
    cards_lock(en);
    return ERR_OK;
}

static void on_child(void *arg, int signo)
{
    (void)signo;
    slices_reap(arg);
    advisor_reap(arg);
}

static void on_end_signal(void *arg, int signo)
{
    struct engine *en = arg;
    engine_log(en, -1, "signal %d (%s): checkpoints are written and the engine ends", signo, strsignal(signo));
    engine_leave(en, en->stage != STAGE_LEAVING, false);
}

static void set_signals(struct engine *en)
{
    static const int ignored[] = {SIGPIPE, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU, SIGXFSZ};
    static const int ending[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGXCPU};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
    loop_signal(en->loop, SIGCHLD, on_child, en);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        loop_signal(en->loop, ending[i], on_end_signal, en);
    }
}

enum err_code engine_open(struct engine *en, const char *dir, const char *device, struct err *e)
{
    const char *limit = getenv("VAETOP_IDLE_S");
    int64_t n;
    *en = (struct engine){.lock_fd = -1, .listen_fd = -1, .dir = realpath(dir, NULL)};
    if (!en->dir) {
        return errno == ENOENT || errno == ENOTDIR ? err_set(e, ERR_NOTFOUND, "%s: no such study", dir)
                                                   : err_set(e, ERR_IO, "%s: %s", dir, strerror(errno));
    }
    en->idle_limit_s = limit && str_to_i64(&n, limit) && n >= 0 && n < 86400 ? (int)n : IDLE_S;
    en->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    en->loop = loop_new();
    en->writer = writer_new(en);
    en->tick_ns = clock_mono_ns();
    set_signals(en);
    enum err_code rc = lock_study(en, e);
    if (!rc) {
        rc = open_store(en, e);
    }
    if (!rc) {
        writer_start(en);
        rc = kill_strays(en, e);
    }
    if (!rc) {
        rc = read_facts(en, device, e);
    }
    if (!rc) {
        rc = runs_load(en, e);
    }
    if (!rc && !runs_all_final(en)) {
        advisor_start(en); /* gets ready while the devices are looked for */
        rc = engine_devices(en, e);
    }
    if (!rc) {
        rc = endpoint_listen(&en->listen_fd, ENDPOINT_ENGINE, en->dir, e);
    }
    if (!rc) {
        write_fact(en, "phase", en->stage == STAGE_PAUSED ? "paused" : "running");
        write_fact(en, "error", "");
    }
    return rc;
}

void engine_close(struct engine *en)
{
    if (en->listen_fd >= 0) { /* a start that was refused leaves the study as it was */
        (void)writer_flush(en);
    }
    if (en->store) {
        writer_end(en);
    }
    links_close(en);
    advisor_end(en);
    for (size_t i = 0; i < en->n_slices; i++) {
        if (en->slice[i].pid > 0) {
            (void)proc_kill(en->slice[i].id);
        }
        conn_free(en->slice[i].conn);
    }
    if (en->listen_fd >= 0) {
        (void)close(en->listen_fd);
    }
    cards_release(en);
    if (en->name) {
        runs_release(en);
        preset_release(&en->preset);
        preset_release(&en->space);
    }
    store_close(en->store);
    writer_free(en->writer);
    loop_free(en->loop);
    free(en->slice);
    free(en->device_text);
    free(en->name);
    free(en->dir);
    (void)close(en->spare_fd);
    if (en->lock_fd >= 0) {
        (void)close(en->lock_fd);
    }
}

/* --- running */

static void say(int fd, const char *line)
{
    if (fd >= 0) {
        (void)fs_write_all(fd, line, strlen(line));
    }
}

static void run(struct engine *en)
{
    char low[LIMITS_TEXT];
    engine_log(en, -1, "engine started (process %d)", (int)getpid());
    if (*limits_low(low, sizeof low)) {
        engine_log(en, -1, "limits here that may be too low: %s", low);
    }
    loop_fd(en->loop, en->listen_fd, POLLIN, links_accept, en);
    slices_start(en);
    (void)loop_timer(en->loop, SECOND_NS, engine_tick, en);
    schedule(en);
    engine_check_end(en);
    loop_run(en->loop);
    log_info("engine ends");
}

int engine_main(const char *study_dir, const char *device, int ready_fd)
{
    struct engine en;
    struct err e = {0};
    (void)umask(077);
    log_open(STDERR_FILENO, "engine", LOG_INFO);
    (void)fcntl(ready_fd, F_SETFD, FD_CLOEXEC); /* its end is ours, whatever a driver's process does */
    enum err_code rc = engine_open(&en, study_dir, device, &e);
    if (rc) {
        log_error("%s", e.text);
        char *line = xasprintf("%d %s\n", (int)e.code, e.text);
        engine_close(&en);
        say(ready_fd, line);
        free(line);
        return err_exit_status(rc);
    }
    if (chdir("/") != 0) {
        log_warn("the engine keeps its folder busy");
    }
    (void)writer_flush(&en); /* the next engine knows the device, should this one die at once */
    say(ready_fd, "ok\n");
    run(&en);
    rc = en.fatal.code;
    engine_close(&en);
    say(ready_fd, "end\n");
    return err_exit_status(rc);
}
