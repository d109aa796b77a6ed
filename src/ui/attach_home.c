/* The Studies screen's part of the loop: the list, and another study on the screen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"

/* Another study on the screen. dir and client are taken over. */
static void show_study(struct attach *a, char *dir, struct client *client, bool ended)
{
    struct err e;
    bool changed;
    struct store *store = NULL;
    struct view v;
    view_init(&v);
    enum err_code rc = store_open(&store, dir, false, &e);
    rc = rc ? rc : view_open(&v, store, &e);
    rc = rc ? rc : view_load(&v, store, &changed, &e);
    if (rc) {
        attach_say_error(a, &e);
        store_close(store);
        view_release(&v);
        client_free(client);
        free(dir);
        return;
    }
    if (a->own_client) {
        client_free(a->client);
    }
    store_close(a->store);
    view_release(&a->view);
    free(a->dir);
    a->dir = dir;
    a->store = store;
    a->view = v;
    a->client = client;
    a->own_client = client != NULL;
    a->view.link = client ? LINK_LIVE : ended || view_ended(&a->view) ? LINK_OFFLINE : LINK_LOST;
    struct ui_state fresh;
    state_init(&fresh, a->state.tier_most);
    fresh.set = a->state.set;
    setup_apply(&fresh);
    fresh.home = a->state.home;
    fresh.latent_mode = a->state.latent_mode;
    fresh.pictures = a->state.pictures;
    fresh.greys = a->state.greys;
    a->state = fresh;
    view_total(&a->view);
    a->sort = -1;
    a->sort_due = a->paint_due = true;
    home_close_form(&a->home);
}

void attach_from_home(struct attach *a, enum wish_kind kind)
{
    struct err e;
    char *dir = NULL;
    struct client *client = NULL;
    const struct ui_study *t = home_study(&a->home);
    bool ended = t && strcmp(t->state, "running") != 0;
    char text[160];
    if (!a->hooks) {
        return;
    }
    (void)snprintf(text, sizeof text, kind == WISH_START ? "starting %.80s: devices are asked, data is read"
                                                         : "opening %.80s",
                   kind == WISH_START ? a->home.name : t ? t->name : "");
    state_say(&a->state, false, text);
    attach_paint(a); /* it takes a moment */
    a->state.message[0] = 0;
    enum err_code rc =
        kind == WISH_START
            ? a->hooks->start(a->hooks->ctx, &a->home.p, a->home.name,
                              strcmp(a->home.device, "default") == 0 ? NULL : a->home.device, &dir, &client, &e)
            : a->hooks->open(a->hooks->ctx, t->name, &dir, &client, &e);
    if (rc) {
        attach_say_error(a, &e);
    } else {
        a->state.n_pending = 0; /* another study's trials have these numbers */
        show_study(a, dir, client, ended);
    }
}

void attach_probe(struct attach *a)
{
    struct err e;
    struct probe p = {0};
    state_say(&a->state, false, "the OpenCL drivers are asked what there is");
    attach_paint(a); /* it takes a moment */
    a->state.message[0] = 0;
    if (probe_devices(&p, &e)) {
        attach_say_error(a, &e);
    } else {
        home_ticks_open(&a->state, &p);
    }
}

void attach_load_home(struct attach *a, int64_t now)
{
    struct ui_study *list = NULL;
    size_t n = a->hooks->studies(a->hooks->ctx, &list);
    bool same = n == a->home.n_studies && a->home_ns > 0 &&
                (n == 0 || memcmp(list, a->home.study, n * sizeof *list) == 0);
    home_put_studies(&a->home, list, n);
    a->home_ns = now;
    a->paint_due = a->paint_due || !same;
}
