/* Showing a study until it ends: the screen on a terminal, else progress lines. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "vaetop/base/clock.h"
#include "vaetop/ipc/client.h"
#include "vaetop/ui/ui.h"

int command_signal;

bool screen_wanted(const struct options *o)
{
    const char *term = getenv("TERM");
    return !o->no_tui && !o->quiet && isatty(0) && isatty(1) && term && *term && strcmp(term, "dumb") != 0;
}

/* --- progress lines --- */

static volatile sig_atomic_t caught; /* last of INT, TERM */
static volatile sig_atomic_t n_caught;
static int wake[2] = {-1, -1};

static void on_stop(int signo)
{
    int saved = errno;
    caught = signo;
    n_caught++;
    if (write(wake[1], "", 1) < 0) {
        /* full: awake anyway */
    }
    errno = saved;
}

static void catch_stop_signals(bool on)
{
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on ? on_stop : SIG_DFL;
    if (on && wake[0] < 0 && pipe(wake) == 0) {
        for (int i = 0; i < 2; i++) {
            (void)fcntl(wake[i], F_SETFD, FD_CLOEXEC);
            (void)fcntl(wake[i], F_SETFL, O_NONBLOCK);
        }
    }
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
}

struct progress {
    struct study *study;
    int64_t began_ns, printed_ns;
    double began_epochs;
    char last[256];
    bool owner;              /* `run`: INT and TERM stop the study; else they only end this client */
    bool finished, closed;
    struct err why;          /* the study could not go on: code and text; ERR_OK otherwise */
};

/* Epochs trained, and epochs still to train if every trial runs all of its own. */
static void count_epochs(const struct study *s, double *done, double *left)
{
    double planned = 0;
    *done = 0;
    *left = 0;
    for (size_t i = 0; i < s->n_trials; i++) {
        const struct trial_row *t = &s->trial[i];
        double now = t->steps > 0 ? (double)t->epochs * (double)t->step / (double)t->steps
                                  : t->has_epoch ? t->last.epoch : 0;
        *done += now;
        planned += t->epochs;
        if (trial_phase_state(t->phase) == TRIAL_RUNNING || trial_phase_state(t->phase) == TRIAL_WAITING) {
            *left += t->epochs - now;
        }
    }
    if (s->n_trials > 0 && s->total > (int)s->n_trials) {
        *left += (s->total - (double)s->n_trials) * planned / (double)s->n_trials;
    }
}

static void print_progress(struct progress *p)
{
    const struct study *s = p->study;
    char line[sizeof p->last];
    char eta[32] = "-";
    char best[96] = "none yet";
    double done;
    double left;
    double seconds;
    count_epochs(s, &done, &left);
    if (done <= p->began_epochs) {
        p->began_ns = clock_mono_ns(); /* workers still start: their time says nothing of an epoch's */
    }
    seconds = (double)(clock_mono_ns() - p->began_ns) * 1e-9;
    if (done >= p->began_epochs + 1 && seconds > 1) { /* under an epoch it would be a guess */
        (void)str_duration(eta, sizeof eta, left * seconds / (done - p->began_epochs));
    }
    if (s->best) {
        char value[64];
        (void)snprintf(best, sizeof best, "#%d %s", s->best->number, study_value_text(value, sizeof value, s, s->best));
    }
    (void)snprintf(line, sizeof line, "trials %d/%d  running %d  epochs %.0f  best %s  ETA %s", study_ended_trials(s),
                   s->total, s->count[PHASE_ACTIVE], done, best, eta);
    if (strcmp(line, p->last) != 0) {
        (void)printf("%s\n", line);
        (void)fflush(stdout);
        (void)str_copy(p->last, sizeof p->last, line);
    }
    p->printed_ns = clock_mono_ns();
}

/* INT or TERM: the first checkpoints and stops the study, a second does not wait for checkpoints. */
static void pass_on_signals(struct client *client, int *passed)
{
    char sink[16];
    while (read(wake[0], sink, sizeof sink) > 0) {
    }
    while (*passed < n_caught && *passed < 2) {
        bool now = *passed > 0;
        (void)fprintf(stderr, now ? "vaetop: stopping at once\n"
                                  : "vaetop: stopping the study after its checkpoints; again to stop at once\n");
        client_send(client, now ? COMMAND_SHUTDOWN_NOW : COMMAND_SHUTDOWN, -1, "");
        (*passed)++;
    }
}

static void take_events(struct progress *p, struct client *client, bool quiet)
{
    struct client_event ev;
    for (;;) {
        char clean[sizeof ev.text];
        client_next(client, &ev);
        switch (ev.kind) {
        case CLIENT_NOTHING:
            return;
        case CLIENT_BANNER:
            if (ev.text[0] && !quiet) {
                (void)fprintf(stderr, "vaetop: %s\n", str_clean(clean, sizeof clean, ev.text));
            }
            break;
        case CLIENT_REPLY:
            if (!ev.ok) {
                (void)fprintf(stderr, "vaetop: %s\n", str_clean(clean, sizeof clean, ev.text));
            }
            break;
        case CLIENT_FINISHED:
            p->finished = true;
            if (!ev.ok) {
                (void)err_set(&p->why, ev.code, "%s", ev.text);
            }
            return;
        case CLIENT_CLOSED:
            p->closed = true;
            return;
        case CLIENT_COMMITTED:
            break;
        }
    }
}

/* Follows one connection until the study ends or the connection does. */
static enum err_code follow(struct progress *p, struct client *client, const struct options *o, int *passed, struct err *e)
{
    const int64_t pause_ns = 1000000000;
    enum err_code rc = ERR_OK;
    p->finished = p->closed = false;
    while (!rc && !p->finished && !p->closed && (p->owner || n_caught == 0)) {
        struct pollfd fd[2] = {{.fd = client_fd(client), .events = POLLIN}, {.fd = wake[0], .events = POLLIN}};
        (void)poll(fd, 2, 500);
        if (p->owner) {
            pass_on_signals(client, passed);
        }
        take_events(p, client, o->quiet);
        if (p->finished || (!o->quiet && clock_mono_ns() - p->printed_ns >= pause_ns)) {
            rc = study_refresh(p->study, e);
            if (!rc && !o->quiet) {
                print_progress(p);
            }
        }
    }
    return rc;
}

static enum err_code progress_lines(struct study *s, struct client *client, const struct options *o, bool owner,
                                    struct err *e)
{
    struct progress p = {.study = s, .began_ns = clock_mono_ns(), .owner = owner};
    struct client *own = NULL; /* a connection of ours after the first one broke */
    double left;
    int passed = 0;
    int tries = 0;
    enum err_code rc;
    count_epochs(s, &p.began_epochs, &left);
    catch_stop_signals(true);
    do {
        rc = follow(&p, own ? own : client, o, &passed, e);
        if (rc || p.finished || n_caught > 0) {
            break;
        }
        /* The engine died: its supervisor brings it back, or starting does. */
        client_free(own);
        own = NULL;
        rc = client_start(&own, NULL, s->dir, NULL, e);
    } while (!rc && ++tries < 20);
    client_free(own);
    catch_stop_signals(false);
    return rc || !p.why.code ? rc : err_set(e, p.why.code, "%s: %s", s->name, p.why.text);
}

static enum err_code show_screen(struct study *s, struct client *client, const struct options *o, struct err *e)
{
    const struct ui_options ui = screen_options(o);
    enum ui_end end = UI_ENDED;
    enum err_code rc = ui_attach(&end, s->dir, client, &ui, e);
    if (rc) {
        return rc;
    }
    switch (end) {
    case UI_DETACHED:
        (void)printf("%s trains on; vaetop attach %s shows it again\n", s->name, s->name);
        break;
    case UI_STOPPED:
        (void)printf("%s stops at its checkpoints; vaetop resume %s goes on\n", s->name, s->name);
        break;
    case UI_HANGUP:
        command_signal = SIGHUP;
        break;
    case UI_ENDED:
        rc = study_refresh(s, e);
        if (!rc) {
            study_print_table(s, 10);
            rc = study_verdict(s, e);
        }
        break;
    }
    return rc;
}

enum err_code watch_study(struct study *s, struct client *client, const struct options *o, bool owner, struct err *e)
{
    enum err_code rc;
    if (screen_wanted(o)) {
        return show_screen(s, client, o, e);
    }
    rc = client ? progress_lines(s, client, o, owner, e) : ERR_OK;
    if (!rc) {
        rc = study_refresh(s, e);
    }
    if (rc) {
        return rc;
    }
    if (!o->quiet) {
        (void)printf("\n");
    }
    study_print_table(s, o->quiet ? 1 : 0);
    if (n_caught > 0) {
        if (!owner) {
            (void)fprintf(stderr, "vaetop: %s trains on; vaetop stop %s ends it\n", s->name, s->name);
        }
        command_signal = caught;
        return ERR_OK;
    }
    return study_verdict(s, e);
}
