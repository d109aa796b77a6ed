/* ui_attach(): the loop between keys, store, engine and screen. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "keys.h"
#include "tty.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"

void attach_say_error(struct attach *a, const struct err *e)
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
    a->echoes = 0;
    a->data_due = a->paint_due = true;
}

/* --- data */

static void load(struct attach *a, int64_t now)
{
    struct err e;
    bool changed = false;
    a->view.now_us = clock_utc_us();
    if (a->store && view_load(&a->view, a->store, &changed, &e)) {
        attach_say_error(a, &e);
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
    bool chosen = a->sort != a->state.sort || a->invert != a->state.invert || a->view.n_sorted != a->view.n ||
                  a->pins != a->state.pins.n || strcmp(a->filter, a->state.filter.text) != 0;
    bool quiet = now - a->sort_ns >= NS_PER_S && now - a->key_ns >= NS_PER_S;
    if (chosen || (a->sort_due && quiet)) {
        state_order(&a->state, &a->view);
        a->pins = a->state.pins.n;
        (void)str_copy(a->filter, sizeof a->filter, a->state.filter.text);
        a->sort = a->state.sort;
        a->invert = a->state.invert;
        a->sort_due = false;
        a->sort_ns = now;
        a->paint_due = true;
    }
}

/* Brings what is drawn, and what the next key acts on, into line with the state. */
static void settle(struct attach *a)
{
    int w, h, visible[VIEW_SERIES / 2], compared[8];
    double lo, hi;
    struct err e;
    term_size(a->term, &w, &h);
    canvas_resize(&a->canvas, w, h);
    if (a->store && a->state.screen == SCREEN_LOG && view_load_log(&a->view, a->store, &e)) {
        state_say(&a->state, true, e.text);
    }
    state_select(&a->state, &a->view);
    if (a->store && view_load_note(&a->view, a->store, a->state.selected, &e)) {
        state_say(&a->state, true, e.text);
    }
    state_fit(&a->state, &a->view, a->canvas.w, a->canvas.h); /* makes room for the note */
    size_t n = state_visible(&a->state, &a->view, visible, sizeof visible / sizeof *visible);
    if (a->store && (view_load_series(&a->view, a->store, visible, n, &e) ||
                     view_load_snapshot(&a->view, a->store, a->state.selected, a->state.at, &e))) {
        state_say(&a->state, true, e.text);
    }
    state_window(&a->state, &a->view, &lo, &hi);
    view_select(&a->view, a->state.selected, lo, hi, compared, state_compared(&a->state, compared, 8));
    if (a->state.screen == SCREEN_STUDY) {
        view_overview(&a->view);
    }
}

void attach_paint(struct attach *a)
{
    settle(a);
    screen_draw(&a->canvas, &a->view, &a->state);
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
    bool echo = a->echoes > 0;
    a->echoes -= echo;
    if (!ev->ok) {
        a->stopping = false;
        state_say(&a->state, true, ev->text);
    } else if (ev->text[0] && !echo) {
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

static void send(struct attach *a, enum command c, int trial, const char *arg)
{
    if (a->script) {
        char reply[160];
        bool ok = script_command(a->script, c, trial, arg, reply, sizeof reply);
        if (reply[0]) {
            state_say(&a->state, !ok, reply);
        }
        a->data_due = true;
    } else if (a->client) {
        client_send(a->client, c, trial, arg);
    }
}

/* Stops that can no longer be taken back. */
static void forget_pending(struct attach *a, int64_t now)
{
    struct ui_state *s = &a->state;
    int n = 0;
    for (int i = 0; i < s->n_pending; i++) {
        struct pending *p = &s->pending[i];
        p->due_ns = p->due_ns == 0 ? now + UNDO_S * NS_PER_S : p->due_ns;
        if (p->due_ns > now) {
            s->pending[n++] = *p;
        }
    }
    a->paint_due = a->paint_due || n < s->n_pending;
    s->n_pending = n;
}

static void command_wish(struct attach *a, const struct wish *w)
{
    const struct marks *m = &a->state.asked;
    a->echoes += a->client && w->each && m->n > 1 ? m->n : 0;
    for (int i = 0; w->each && i < m->n; i++) {
        send(a, w->command, m->number[i], w->arg);
    }
    if (!w->each) {
        send(a, w->command, w->trial, w->arg);
    }
}

static void save_settings(struct attach *a)
{
    char *path = NULL, *text;
    struct err e;
    if (settings_save(&path, &a->state.set, &e)) {
        attach_say_error(a, &e);
    } else {
        text = xasprintf("settings saved in %s", path);
        state_say(&a->state, false, text);
        free(text);
    }
    free(path);
}

/* Settings that lie outside the state. */
static void use_settings(struct attach *a)
{
    const int *set = a->state.set.value;
    term_set_theme(a->term, (enum theme)set[SET_THEME]);
    term_set_mouse(a->term, set[SET_MOUSE] != 0);
    a->interval_ns = set[SET_SLOW] ? 2 * NS_PER_S : NS_PER_S / 4;
    a->state.greys = term_greys(a->term) && !set[SET_SLOW]; /* grey cells cost four times the bytes of plain ones */
}

/* The file's, and over it what the command line says. */
static void start_settings(struct attach *a, const struct ui_options *o)
{
    struct err e;
    if (settings_load(&a->state.set, &e)) {
        attach_say_error(a, &e);
    }
    a->state.set.value[SET_GLYPHS] = o->ascii ? 1 + TIER_ASCII : a->state.set.value[SET_GLYPHS];
    a->state.set.value[SET_THEME] = o->theme ? theme_find(o->theme) : a->state.set.value[SET_THEME];
    a->state.set.value[SET_SLOW] = o->slow ? 1 : a->state.set.value[SET_SLOW];
    setup_apply(&a->state);
    use_settings(a);
}

static void grant(struct attach *a, struct wish w)
{
    switch (w.kind) {
    case WISH_COMMAND:
        command_wish(a, &w);
        break;
    case WISH_STOP_STUDY:
        if (a->script) {
            leave(a, UI_STOPPED);
        } else if (a->client) {
            client_send(a->client, COMMAND_SHUTDOWN, -1, "");
            a->stopping = true;
            state_say(&a->state, false, "stopping: every trial writes its checkpoint; q leaves without waiting");
        }
        break;
    case WISH_LEAVE:
        leave(a, a->stopping ? UI_STOPPED : view_ended(&a->view) ? UI_ENDED : UI_DETACHED);
        break;
    case WISH_PROBE:
        attach_probe(a);
        break;
    case WISH_OPEN:
    case WISH_START:
        attach_from_home(a, w.kind);
        break;
    case WISH_SAVE:
        save_settings(a);
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
        if (any) { /* typed ahead: it means the screen that its forerunner led to, drawn or not */
            sort_if_due(a, now);
            settle(a);
        }
        any = true;
        if (key != UK_IGNORE && key != UK_RESIZE) {
            term_click(a->term, &a->state.click_x, &a->state.click_y);
            struct wish w = state_key(&a->state, &a->view, key);
            use_settings(a);
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
    for (int i = 0; i < a->state.n_pending; i++) {
        at = earlier(at, a->state.pending[i].due_ns);
    }
    if (a->state.screen == SCREEN_STUDIES && a->hooks) {
        at = earlier(at, a->home_ns + HOME_NS);
    }
    if (a->script) {
        at = earlier(at, script_next_ns(a->script));
    }
    if (!a->dir) {
        return at < 0 ? -1 : at <= now ? 0 : (int)((at - now) / NS_PER_MS) + 1;
    }
    if (!a->client && !a->script) {
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
    forget_pending(a, now);
    if (a->state.screen == SCREEN_STUDIES && a->hooks && (a->home_ns == 0 || now - a->home_ns >= HOME_NS)) {
        attach_load_home(a, now);
    }
    if (a->script && script_step(a->script, now)) {
        a->data_due = true;
    }
    if (!a->client && !a->script && a->dir && now - a->retry_ns >= NS_PER_S) {
        try_connect(a, now);
        a->data_due = true; /* without an engine another process may still write: fsck, an export */
    }
    if (a->data_due && now - a->data_ns >= a->interval_ns) {
        load(a, now);
    }
    int64_t tick = a->interval_ns > NS_PER_S ? a->interval_ns : NS_PER_S;
    if ((a->client || a->script) && view_running(&a->view) && now - a->clock_ns >= tick) {
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
        if (a->client) {
            on_client(a); /* what came with the connection, too, for which no poll wakes us */
        }
        if (a->done) {
            return;
        }
        due_by_time(a, now);
        sort_if_due(a, now);
        if (a->paint_due) {
            attach_paint(a);
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
    home_release(&a->home);
    canvas_release(&a->canvas);
    free(a->dir);
}

/* Takes the terminal, runs the loop and gives everything back. */
static enum err_code run(struct attach *a, enum ui_end *end, const struct ui_options *o, struct err *e)
{
    const struct term_options to = {.ascii = o->ascii, .color = o->color};
    enum err_code rc = term_open(&a->term, &to, e);
    if (rc) {
        return rc;
    }
    state_init(&a->state, term_tier(a->term));
    state_say(&a->state, false, term_notice(a->term));
    start_settings(a, o);
    if (a->hooks) {
        home_init(&a->home);
        a->state.home = &a->home;
    }
    if (!a->dir) {
        a->state.screen = SCREEN_STUDIES;
    }
    a->retry_ns = clock_mono_ns();
    a->paint_due = a->sort_due = true;
    a->view.now_us = clock_utc_us();
    view_total(&a->view);
    loop(a);
    *end = a->end;
    return ERR_OK;
}

static enum err_code need_terminal(struct err *e)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        return err_set(e, ERR_IO, "standard input and output are not both a terminal: use --no-tui");
    }
    return ERR_OK;
}

static enum err_code attach_study(enum ui_end *end, const char *study_dir, struct client *client, struct script *script,
                                  const struct ui_options *o, struct err *e)
{
    struct attach a = {.client = client, .script = script, .end = UI_DETACHED, .sort = -1, .hooks = o->hooks};
    bool changed;
    enum err_code rc = need_terminal(e);
    if (rc) {
        return rc;
    }
    view_init(&a.view);
    rc = store_open(&a.store, study_dir, false, e);
    rc = rc ? rc : view_open(&a.view, a.store, e);
    rc = rc ? rc : view_load(&a.view, a.store, &changed, e);
    if (!rc) {
        a.dir = xstrdup(study_dir);
        a.view.link = client || script ? LINK_LIVE : LINK_OFFLINE;
        rc = run(&a, end, o, e);
    }
    attach_release(&a);
    return rc;
}

enum err_code ui_attach(enum ui_end *end, const char *study_dir, struct client *client, const struct ui_options *o,
                        struct err *e)
{
    return attach_study(end, study_dir, client, NULL, o, e);
}

enum err_code ui_demo(enum ui_end *end, const struct ui_options *o, struct err *e)
{
    struct script *d = NULL;
    enum err_code rc = need_terminal(e);
    rc = rc ? rc : script_open(&d, e);
    if (!rc) {
        rc = attach_study(end, script_dir(d), NULL, d, o, e);
    }
    script_close(d);
    return rc;
}

enum err_code ui_home(enum ui_end *end, char *name, size_t cap, const struct ui_options *o, struct err *e)
{
    struct attach a = {.end = UI_DETACHED, .sort = -1, .hooks = o->hooks};
    name[0] = 0;
    enum err_code rc = need_terminal(e);
    if (rc) {
        return rc;
    }
    view_init(&a.view);
    rc = run(&a, end, o, e);
    (void)str_copy(name, cap, a.view.name);
    attach_release(&a);
    return rc;
}
