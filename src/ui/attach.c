/* ui_attach(): the loop between keys, store, engine and screen. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dashboard.h"
#include "keys.h"
#include "term.h"
#include "tty.h"
#include "vaetop/base/clock.h"
#include "vaetop/store/store.h"
#include "vaetop/ui/ui.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

struct attach {
    const char *dir;
    struct store *store;
    struct client *client; /* NULL: no engine */
    bool own_client;
    struct term *term;
    struct view view;
    struct ui_state state;
    struct canvas canvas;
    int64_t interval_ns; /* at most one draw of new data in this time */
    int64_t data_ns, clock_ns, retry_ns, sort_ns, key_ns; /* when last done */
    bool data_due, sort_due, paint_due;
    int sort;
    bool invert;
    bool stopping, hangup, done;
    int mute; /* times in a row that input was there but no key */
    enum ui_end end;
};

static void say_error(struct attach *a, const struct err *e)
{
    state_say(&a->state, true, e->text);
    a->paint_due = true;
}

static void drop_client(struct attach *a)
{
    if (a->own_client) {
        client_free(a->client);
    }
    a->client = NULL;
    a->own_client = false;
    a->view.link = view_ended(&a->view) ? LINK_OFFLINE : LINK_LOST;
    a->view.banner[0] = 0;
    a->data_due = a->paint_due = true;
}

/* --- data */

static void load(struct attach *a, int64_t now)
{
    struct err e;
    bool changed = false;
    a->view.now_us = clock_utc_us();
    if (view_load(&a->view, a->store, &changed, &e)) {
        say_error(a, &e);
    }
    a->data_due = false;
    a->data_ns = now;
    if (changed) {
        view_total(&a->view);
        a->sort_due = a->paint_due = true;
    }
}

/* Rows do not jump under the hand: sorting anew waits a second after the last key and the last time. New trials and a
 * new choice of column cannot wait. */
static void sort_if_due(struct attach *a, int64_t now)
{
    bool chosen = a->sort != a->state.sort || a->invert != a->state.invert || a->view.n_order != a->view.n;
    bool quiet = now - a->sort_ns >= NS_PER_S && now - a->key_ns >= NS_PER_S;
    if (chosen || (a->sort_due && quiet)) {
        view_sort(&a->view, a->state.sort, a->state.invert);
        a->sort = a->state.sort;
        a->invert = a->state.invert;
        a->sort_due = false;
        a->sort_ns = now;
        a->paint_due = true;
    }
}

static void paint(struct attach *a)
{
    int w, h, visible[VIEW_SERIES / 2];
    struct err e;
    term_size(a->term, &w, &h);
    canvas_resize(&a->canvas, w, h);
    state_fit(&a->state, &a->view, a->canvas.w, a->canvas.h);
    size_t n = state_visible(&a->state, &a->view, visible, sizeof visible / sizeof *visible);
    if (view_load_series(&a->view, a->store, visible, n, &e) ||
        view_load_snapshot(&a->view, a->store, a->state.selected, &e)) {
        state_say(&a->state, true, e.text);
    }
    view_select(&a->view, a->state.selected);
    dashboard_draw(&a->canvas, &a->view, &a->state);
    term_paint(a->term, &a->canvas);
    a->paint_due = false;
}

/* --- engine */

static void try_connect(struct attach *a, int64_t now)
{
    a->retry_ns = now;
    if (client_connect(&a->client, a->dir, NULL) == ERR_OK) {
        a->own_client = true;
        a->view.link = LINK_LIVE;
        a->data_due = a->paint_due = true;
    } else {
        a->client = NULL;
    }
}

static void leave(struct attach *a, enum ui_end end)
{
    a->done = true;
    a->end = end;
}

static void on_reply(struct attach *a, const struct client_event *ev)
{
    if (!ev->ok) {
        a->stopping = false;
        state_say(&a->state, true, ev->text);
    } else if (ev->text[0]) {
        state_say(&a->state, false, ev->text);
    }
    a->paint_due = true;
}

static void on_client(struct attach *a)
{
    struct client_event ev;
    for (client_next(a->client, &ev); ev.kind != CLIENT_NOTHING; client_next(a->client, &ev)) {
        switch (ev.kind) {
        case CLIENT_COMMITTED:
            a->data_due = true;
            break;
        case CLIENT_BANNER:
            (void)str_clean(a->view.banner, sizeof a->view.banner, ev.text);
            a->paint_due = true;
            break;
        case CLIENT_REPLY:
            on_reply(a, &ev);
            break;
        case CLIENT_FINISHED:
            a->data_due = true;
            state_say(&a->state, false, ev.text[0] ? ev.text : "the study has ended; q leaves");
            if (a->stopping) {
                leave(a, UI_STOPPED);
            }
            break;
        case CLIENT_CLOSED:
            drop_client(a);
            if (a->stopping) {
                leave(a, UI_STOPPED);
            }
            return;
        default:
            break;
        }
    }
}

/* --- person */

static void grant(struct attach *a, struct wish w)
{
    switch (w.kind) {
    case WISH_COMMAND:
        if (a->client) {
            client_send(a->client, w.command, w.trial, "");
        }
        break;
    case WISH_STOP_STUDY:
        if (a->client) {
            client_send(a->client, COMMAND_SHUTDOWN, -1, "");
            a->stopping = true;
            state_say(&a->state, false, "stopping: every trial writes its checkpoint; q leaves without waiting");
        }
        break;
    case WISH_LEAVE:
        leave(a, a->stopping ? UI_STOPPED : view_ended(&a->view) ? UI_ENDED : UI_DETACHED);
        break;
    case WISH_SUSPEND:
        term_suspend(a->term);
        break;
    case WISH_REDRAW:
        term_redraw(a->term);
        break;
    default:
        break;
    }
}

static void on_keys(struct attach *a, int64_t now)
{
    bool any = false;
    for (int key = term_key(a->term); key != 0 && !a->done; key = term_key(a->term)) {
        any = true;
        if (key != UK_IGNORE && key != UK_RESIZE) {
            struct wish w = state_key(&a->state, &a->view, key);
            if (w.kind == WISH_NOTHING && a->stopping && a->state.question == ASK_QUIT) {
                leave(a, UI_STOPPED); /* already told to stop: the second q does not ask again */
            }
            grant(a, w);
            a->key_ns = now;
            a->paint_due = true;
        }
    }
    /* Input that is there and cannot be read: a terminal that is gone without saying so. */
    a->mute = any ? 0 : a->mute + 1;
    if (a->mute > 50) {
        a->hangup = true;
        leave(a, UI_HANGUP);
    }
}

static void on_signals(struct attach *a)
{
    for (int signo = tty_signal_next(); signo != 0; signo = tty_signal_next()) {
        if (signo == SIGWINCH) {
            term_resized(a->term);
        } else if (signo == SIGCONT) {
            term_resume(a->term);
        } else if (signo == SIGTSTP) {
            term_suspend(a->term);
        } else if (signo == SIGHUP) {
            a->hangup = true;
            leave(a, UI_HANGUP);
        } else if (signo == SIGINT) {
            grant(a, state_key(&a->state, &a->view, 'q'));
        } else { /* TERM, QUIT: leave at once, training goes on */
            leave(a, UI_DETACHED);
        }
        a->paint_due = true;
    }
}

/* --- loop */

static int64_t earlier(int64_t a, int64_t b)
{
    return b < 0 ? a : a < 0 ? b : a < b ? a : b;
}

/* Milliseconds until something is due by itself; -1: never. */
static int wait_ms(const struct attach *a, int64_t now)
{
    int64_t at = -1;
    if (a->data_due) {
        at = earlier(at, a->data_ns + a->interval_ns);
    }
    if (a->sort_due) {
        int64_t last = a->sort_ns > a->key_ns ? a->sort_ns : a->key_ns;
        at = earlier(at, last + NS_PER_S);
    }
    if (!a->client) {
        at = earlier(at, a->retry_ns + NS_PER_S);
    } else if (view_running(&a->view)) {
        at = earlier(at, a->clock_ns + (a->interval_ns > NS_PER_S ? a->interval_ns : NS_PER_S));
    }
    if (at < 0) {
        return -1;
    }
    return at <= now ? 0 : (int)((at - now) / NS_PER_MS) + 1;
}

static void due_by_time(struct attach *a, int64_t now)
{
    if (!a->client && now - a->retry_ns >= NS_PER_S) {
        try_connect(a, now);
        a->data_due = true; /* without an engine another process may still write: fsck, an export */
    }
    if (a->data_due && now - a->data_ns >= a->interval_ns) {
        load(a, now);
    }
    int64_t tick = a->interval_ns > NS_PER_S ? a->interval_ns : NS_PER_S;
    if (a->client && view_running(&a->view) && now - a->clock_ns >= tick) {
        a->clock_ns = now;
        a->paint_due = true;
    }
    if (a->paint_due) {
        a->view.now_us = clock_utc_us();
        view_clock(&a->view);
    }
}

static void loop(struct attach *a)
{
    while (!a->done) {
        int64_t now = clock_mono_ns();
        due_by_time(a, now);
        sort_if_due(a, now);
        if (a->paint_due) {
            paint(a);
        }
        struct pollfd p[3] = {{STDIN_FILENO, POLLIN, 0}, {tty_signal_fd(), POLLIN, 0}, {-1, POLLIN, 0}};
        p[2].fd = a->client ? client_fd(a->client) : -1;
        int n = poll(p, 3, wait_ms(a, clock_mono_ns()));
        if (n < 0 && errno != EINTR) {
            return;
        }
        if (n <= 0) {
            continue;
        }
        if (p[1].revents) {
            on_signals(a);
        }
        /* A terminal that hung up reads as "no key" for ever: without this the loop would spin. */
        if (p[0].revents & (POLLHUP | POLLERR | POLLNVAL)) {
            a->hangup = true;
            leave(a, UI_HANGUP);
        } else if (p[0].revents & POLLIN) {
            on_keys(a, clock_mono_ns());
        }
        if (p[2].revents && a->client && !a->done) {
            on_client(a);
        }
    }
}

static void attach_release(struct attach *a)
{
    if (a->hangup) {
        term_abandon(a->term);
    } else {
        term_close(a->term);
    }
    if (a->own_client) {
        client_free(a->client);
    }
    store_close(a->store);
    view_release(&a->view);
    canvas_release(&a->canvas);
}

enum err_code ui_attach(enum ui_end *end, const char *study_dir, struct client *client, const struct ui_options *o,
                        struct err *e)
{
    struct attach a = {.dir = study_dir, .client = client, .end = UI_DETACHED, .sort = -1};
    bool changed;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        return err_set(e, ERR_IO, "standard input and output are not both a terminal: use --no-tui");
    }
    view_init(&a.view);
    enum err_code rc = store_open(&a.store, study_dir, false, e);
    rc = rc ? rc : view_open(&a.view, a.store, e);
    rc = rc ? rc : view_load(&a.view, a.store, &changed, e);
    if (!rc) {
        struct term_options to = {.ascii = o->ascii, .color = o->color};
        rc = term_open(&a.term, &to, e);
    }
    if (!rc) {
        state_init(&a.state, term_tier(a.term));
        state_say(&a.state, false, term_notice(a.term));
        a.interval_ns = o->slow ? 2 * NS_PER_S : NS_PER_S / 4;
        a.view.link = client ? LINK_LIVE : LINK_OFFLINE;
        a.retry_ns = clock_mono_ns();
        a.paint_due = a.sort_due = true;
        view_total(&a.view);
        loop(&a);
        *end = a.end;
    }
    attach_release(&a);
    return rc;
}
