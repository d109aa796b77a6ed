#include "scene.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void scene_make(struct scene *s, enum demo_kind kind, enum tier tier)
{
    memset(s, 0, sizeof *s);
    (void)setenv("TZ", "UTC0", 1); /* the log shows local time */
    tzset();
    demo_make(&s->demo, kind);
    view_init(&s->view);
    (void)str_copy(s->view.name, sizeof s->view.name, "mnist-3");
    (void)str_copy(s->view.study_phase, sizeof s->view.study_phase, "running");
    view_set_preset(&s->view, &s->demo.preset);
    s->view.now_us = DEMO_NOW_US;
    s->view.link = LINK_LIVE;
    for (size_t i = 0; i < s->demo.n; i++) {
        view_put_trial(&s->view, &s->demo.trial[i]);
        if (i < VIEW_SERIES) {
            view_put_epochs(&s->view, (int)i, s->demo.epoch[i], s->demo.n_epochs[i]);
        }
    }
    for (int i = 0; i < s->demo.n_devices; i++) {
        view_put_device(&s->view, &s->demo.device[i]);
    }
    for (int i = 0; i < s->demo.n_logs; i++) {
        view_put_log(&s->view, &s->demo.log[i]);
    }
    if (s->demo.n > 0) {
        view_put_snapshot(&s->view, &s->demo.snapshot);
    }
    view_total(&s->view);
    view_sort(&s->view, COL_VALUE, false);
    state_init(&s->state, tier);
    s->state.selected = s->demo.n > 0 ? 0 : -1;
    s->state.follow = false;
    state_fit(&s->state, &s->view, 80, 24);
}

void scene_release(struct scene *s)
{
    canvas_release(&s->canvas);
    view_release(&s->view);
    demo_release(&s->demo);
}

struct wish scene_keys(struct scene *s, const char *keys)
{
    struct wish w = {WISH_NOTHING, 0, 0};
    for (; *keys; keys++) {
        w = state_key(&s->state, &s->view, *keys);
        view_sort(&s->view, s->state.sort, s->state.invert);
        state_fit(&s->state, &s->view, s->state.w, s->state.h);
    }
    return w;
}

void scene_draw(struct scene *s, int w, int h)
{
    canvas_resize(&s->canvas, w, h);
    state_fit(&s->state, &s->view, s->canvas.w, s->canvas.h);
    view_select(&s->view, s->state.selected);
    dashboard_draw(&s->canvas, &s->view, &s->state);
}

char *scene_text(struct scene *s, int w, int h)
{
    struct sbuf b = {0};
    scene_draw(s, w, h);
    canvas_dump(&b, &s->canvas);
    return sbuf_take(&b);
}
