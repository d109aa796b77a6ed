/* Bare `vaetop`: the Studies screen, and what it needs of the command line. */
#include <langinfo.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/conf/paths.h"
#include "vaetop/ipc/client.h"
#include "vaetop/ui/ui.h"

/* The newest first; those that never began last. */
static int by_age(const void *pa, const void *pb)
{
    const struct ui_study *a = pa, *b = pb;
    if (a->changed_us != b->changed_us) {
        return a->changed_us < b->changed_us ? 1 : -1;
    }
    return strcmp(a->name, b->name);
}

static void fill(struct ui_study *to, const struct study *s)
{
    memset(to, 0, sizeof *to); /* compared as bytes */
    (void)str_clean(to->name, sizeof to->name, s->name);
    (void)str_copy(to->state, sizeof to->state, study_standing(s));
    to->ended = study_ended_trials(s);
    to->total = s->total;
    (void)study_best_text(to->best, sizeof to->best, s);
    to->changed_us = study_last_change(s);
    to->bytes = fs_tree_bytes(s->dir);
}

/* What changes whenever anything of a study does: sizes and times of its data base, and whether an engine runs it. */
struct stamp {
    struct timespec changed[2];
    off_t size[2];
    bool live;
};

static struct stamp stamp_of(const char *dir)
{
    static const char *const file[] = {STUDY_DB, STUDY_DB "-wal"};
    struct stamp s;
    memset(&s, 0, sizeof s); /* compared as bytes */
    for (int i = 0; i < 2; i++) {
        struct stat st;
        char *path = fs_join(dir, file[i]);
        if (stat(path, &st) == 0) {
            s.changed[i] = st.st_mtim;
            s.size[i] = st.st_size;
        }
        free(path);
    }
    s.live = study_lock_held(dir);
    return s;
}

/* The studies as last read. One that has not changed since is not read again: the screen asks every few seconds. */
struct known {
    struct stamp stamp;
    struct ui_study study;
};
static struct known *kept;
static size_t n_kept;

static const struct ui_study *known_as(const char *name, const struct stamp *stamp)
{
    for (size_t i = 0; i < n_kept; i++) {
        if (strcmp(kept[i].study.name, name) == 0 && memcmp(&kept[i].stamp, stamp, sizeof *stamp) == 0) {
            return &kept[i].study;
        }
    }
    return NULL;
}

static size_t list(void *ctx, struct ui_study **out)
{
    const struct options *o = ctx;
    char *parent = studies_dir(o);
    char **name = NULL;
    size_t n = studies_list(&name, parent), got = 0;
    struct known *now = xcalloc(n + 1, sizeof *now);
    *out = xcalloc(n + 1, sizeof **out);
    for (size_t i = 0; i < n; i++) {
        struct study s;
        struct err e;
        char *dir = fs_join(parent, name[i]);
        struct stamp stamp = stamp_of(dir); /* before it is read: a change meanwhile is seen next time */
        const struct ui_study *same = known_as(name[i], &stamp);
        if (same) {
            now[got].study = *same;
        } else if (study_open(&s, o, name[i], &e) == ERR_OK) { /* `vaetop ls` says what is wrong with the others */
            fill(&now[got].study, &s);
            study_close(&s);
        }
        if (now[got].study.name[0]) {
            now[got].stamp = stamp;
            (*out)[got] = now[got].study;
            got++;
        }
        free(dir);
        free(name[i]);
    }
    free(kept);
    kept = now;
    n_kept = got;
    free(name);
    free(parent);
    qsort(*out, got, sizeof **out, by_age);
    return got;
}

static enum err_code open_named(void *ctx, const char *name, char **dir, struct client **client, struct err *e)
{
    const struct options *o = ctx;
    struct study s;
    enum err_code rc = study_open(&s, o, name, e);
    if (rc) {
        return rc;
    }
    *client = NULL;
    rc = client_connect(client, s.dir, e);
    rc = rc == ERR_NOTFOUND ? ERR_OK : rc;
    if (!rc) {
        *dir = xstrdup(s.dir);
    }
    study_close(&s);
    return rc;
}

static enum err_code start(void *ctx, const struct preset *p, const char *name, const char *device, char **dir,
                           struct client **client, struct err *e)
{
    struct options o = *(const struct options *)ctx;
    o.device = device ? device : o.device;
    return study_start(dir, client, p, name, &o, e);
}

static const struct ui_hooks *screen_hooks(const struct options *o)
{
    static struct ui_hooks hooks = {.studies = list, .open = open_named, .start = start};
    static struct options own;
    own = *o;
    hooks.ctx = &own;
    return &hooks;
}

struct ui_options screen_options(const struct options *o)
{
    return (struct ui_options){
        .ascii = o->ascii, .slow = o->slow, .color = o->color, .theme = o->theme, .hooks = screen_hooks(o)};
}

enum err_code check_theme(const struct options *o, struct err *e)
{
    char words[128];
    char *rest = words, *word;
    (void)str_copy(words, sizeof words, ui_themes());
    while (o->theme && (word = strtok_r(rest, "|", &rest)) != NULL) {
        if (strcmp(word, o->theme) == 0) {
            return ERR_OK;
        }
    }
    char clean[64];
    return o->theme ? err_set(e, ERR_USAGE, "--theme %s: there are %s", str_clean(clean, sizeof clean, o->theme), ui_themes())
                    : ERR_OK;
}

/* One line after the screen has gone: how to come back. */
static void say_left(enum ui_end end, const char *name, const struct options *o)
{
    struct study s;
    if (end == UI_HANGUP) {
        command_signal = SIGHUP;
    } else if (name[0] && study_open(&s, o, name, NULL) == ERR_OK) {
        if (s.live) {
            (void)printf("%s trains on; vaetop attach %s shows it again\n", name, name);
        } else if (end == UI_STOPPED) {
            (void)printf("%s stops at its checkpoints; vaetop resume %s goes on\n", name, name);
        }
        study_close(&s);
    }
}

enum err_code home_command(const struct options *o, struct err *e)
{
    const struct ui_options ui = screen_options(o);
    enum ui_end end = UI_DETACHED;
    char name[80] = "";
    enum err_code rc = check_theme(o, e);
    if (rc) {
        return rc;
    }
    if (o->demo) {
        struct ui_options demo = ui;
        demo.hooks = NULL;
        rc = ui_demo(&end, &demo, e);
    } else if (screen_wanted(o)) {
        rc = ui_home(&end, name, sizeof name, &ui, e);
    } else {
        return studies_overview(e);
    }
    if (!rc) {
        say_left(end, name, o);
    }
    return rc;
}

/* --- show --once, show --json-lines */

static void screen_size(int *w, int *h)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    const char *columns = getenv("COLUMNS"), *lines = getenv("LINES");
    int64_t n;
    *w = known ? size.ws_col : 120;
    *h = known ? size.ws_row : 40;
    *w = columns && str_to_i64(&n, columns) && n > 0 && n < 1000 ? (int)n : *w;
    *h = lines && str_to_i64(&n, lines) && n > 0 && n < 1000 ? (int)n : *h;
}

enum err_code show_once(const struct study *s, const struct options *o, struct err *e)
{
    struct sbuf out = {0};
    int w, h;
    screen_size(&w, &h);
    bool ascii = o->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    enum err_code rc = ui_dump(&out, s->dir, w, h, ascii, e);
    rc = rc ? rc : write_text(o->output, out.text, out.len, e);
    sbuf_release(&out);
    return rc;
}

static void forward_int(int signo)
{
    command_signal = signo;
}

/* Every trial that changed since the last look as one line; ends with the study's engine, or at once with --once. */
enum err_code show_json_lines(struct study *s, const struct options *o, struct err *e)
{
    struct sigaction sa = {.sa_handler = forward_int}, old_int, old_term;
    int64_t seen = -1, now = 0;
    int idle = 0;
    enum err_code rc = ERR_OK;
    (void)sigaction(SIGINT, &sa, &old_int);
    (void)sigaction(SIGTERM, &sa, &old_term);
    for (bool last = false; !rc && !last && command_signal == 0;) {
        last = o->once || !s->live; /* what the engine wrote before it went is still read */
        for (size_t i = 0; i < s->n_trials && !rc; i++) {
            if (s->trial[i].changed > seen) {
                rc = report_trial_line(s, &s->trial[i], e);
            }
        }
        for (size_t i = 0; i < s->n_trials; i++) {
            seen = s->trial[i].changed > seen ? s->trial[i].changed : seen;
        }
        while (!rc && !last && command_signal == 0) {
            (void)poll(NULL, 0, 250);
            rc = store_changed(s->store, &now, e);
            if (!rc && (now > seen || ++idle % 8 == 0)) { /* a rest is looked into too: has the engine gone? */
                rc = study_refresh(s, e);
                break;
            }
        }
    }
    (void)sigaction(SIGINT, &old_int, NULL);
    (void)sigaction(SIGTERM, &old_term, NULL);
    return rc;
}
