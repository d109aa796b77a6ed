#include "scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vaetop/base/alloc.h"
#include "vaetop/conf/objective.h"

/* Studies and presets that no machine's folders decide. */
static void make_home(struct scene *s, enum demo_kind kind)
{
    static const char *const state[] = {"running", "finished", "interrupted"};
    static const char *const lesson[] = {
        "what a VAE is: trials train on built-in digits within a minute, and the best ones sort to the top",
        "how learning rate and latent size trade off on digits", "that a grid shows every corner and costs for it"};
    static const char *const name[] = {"quickstart", "random", "grid"};
    struct home *h = &s->home;
    h->preset = xcalloc(3, sizeof *h->preset);
    for (int i = 0; i < 3; i++) {
        struct home_preset *p = &h->preset[h->n_presets++];
        preset_copy(&p->preset, &s->demo.preset);
        (void)str_copy(p->name, sizeof p->name, name[i]);
        (void)str_copy(p->lesson, sizeof p->lesson, lesson[i]);
    }
    if (kind != DEMO_EMPTY) {
        struct ui_study *t = xcalloc(3, sizeof *t);
        for (int i = 0; i < 3; i++) {
            (void)snprintf(t[i].name, sizeof t[i].name, i == 0 ? "mnist-3" : "quickstart%.0d", i > 1 ? i : 0);
            (void)str_copy(t[i].state, sizeof t[i].state, state[i]);
            t[i].ended = i == 1 ? 16 : 9 * i;
            t[i].total = 16 * (i + 1);
            (void)str_copy(t[i].best, sizeof t[i].best, i == 0 ? "93.90" : i == 1 ? "123.5/14.3" : "-");
            t[i].changed_us = DEMO_NOW_US - (i * 90 + 1) * INT64_C(61000000);
            t[i].bytes = (uint64_t)(i + 1) << 22;
        }
        home_put_studies(h, t, 3);
    }
}

/* What the advisor of such a study says. */
static void make_insight(struct overview *o)
{
    static const double share[] = {0.04, 0.02, 0.11, 0.03, 0.19, 0.57, 0.04, 0.02, 0.05, 0.71, 0.02, 0.10, 0.06, 0.04};
    struct insight in = {.finished = 60, .complete = 54, .since = 12, .expected = 0.031,
                         .objectives = objective_count(objective_of(&o->preset.base)), .n_ranges = o->preset.n_ranges};
    in.share = xcalloc(2 * in.n_ranges, sizeof(double));
    for (size_t r = 0; r < (size_t)in.objectives * in.n_ranges; r++) {
        in.share[r] = share[r % 14];
    }
    overview_insight(o, &in);
    o->next = (struct suggestion){.number = 64, .mean = 93.1, .sd = 1.4, .expected = 0.029, .sampler = xstrdup("gp"),
                                  .running = xstrdup("60 61 62 63"),
                                  .text = xstrdup("gp: predicts 93.1 +- 1.4, expects to gain 0.029 sd; auto took gp: trials are "
                                                  "few and dear (fit 21, 60 finished, 4 running)")};
}

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
    view_put_devices(&s->view, s->demo.card, (size_t)s->demo.n_cards, s->demo.device, (size_t)s->demo.n_devices, true);
    for (int i = 0; i < s->demo.n_logs; i++) {
        view_put_log(&s->view, &s->demo.log[i]);
    }
    const bool searched = kind == DEMO_SEARCHED || kind == DEMO_TWO;
    if (searched) {
        make_insight(&s->view.all);
    }
    if (s->demo.n > 0 && !searched) {
        view_put_snapshot(&s->view, &s->demo.snapshot);
    }
    view_total(&s->view);
    view_sort(&s->view, COL_VALUE, false);
    state_init(&s->state, tier);
    make_home(s, kind);
    s->state.home = &s->home;
    s->state.selected = s->demo.n > 0 ? 0 : -1;
    s->state.follow = false;
    state_fit(&s->state, &s->view, 80, 24);
}

void scene_release(struct scene *s)
{
    canvas_release(&s->canvas);
    home_release(&s->home);
    view_release(&s->view);
    demo_release(&s->demo);
}

/* A machine of three devices, one of which no driver lets us use. */
static struct probe made_up_machine(void)
{
    struct probe p = {.device = xcalloc(3, sizeof *p.device), .n = 3};
    static const char *const name[] = {"NVIDIA H200", "AMD EPYC 9654", "Xilinx U280"},
                             *const type[] = {"gpu", "cpu", "accelerator"};
    for (int i = 0; i < 3; i++) {
        (void)str_copy(p.device[i].name, sizeof p.device[i].name, name[i]);
        (void)str_copy(p.device[i].type, sizeof p.device[i].type, type[i]);
        (void)str_copy(p.device[i].platform, sizeof p.device[i].platform, "made up");
        p.device[i].memory_bytes = UINT64_C(8) << 30;
        p.device[i].usable = i < 2;
    }
    (void)str_copy(p.device[2].why_not, sizeof p.device[2].why_not, "OpenCL 1.0 is too old");
    return p;
}

void scene_probe(struct scene *s)
{
    struct probe p = made_up_machine();
    home_ticks_open(&s->state, &p);
}

struct wish scene_keys(struct scene *s, const char *keys)
{
    struct wish w = wish_nothing();
    for (; *keys; keys++) {
        w = state_key(&s->state, &s->view, *keys);
        state_order(&s->state, &s->view);
        state_fit(&s->state, &s->view, s->state.w, s->state.h);
    }
    return w;
}

void scene_draw(struct scene *s, int w, int h)
{
    canvas_resize(&s->canvas, w, h);
    state_fit(&s->state, &s->view, s->canvas.w, s->canvas.h);
    int compared[8];
    double lo, hi;
    state_window(&s->state, &s->view, &lo, &hi);
    view_select(&s->view, s->state.selected, lo, hi, compared, state_compared(&s->state, compared, 8));
    view_overview(&s->view);
    screen_draw(&s->canvas, &s->view, &s->state);
}

char *scene_text(struct scene *s, int w, int h)
{
    struct sbuf b = {0};
    scene_draw(s, w, h);
    canvas_dump(&b, &s->canvas);
    return sbuf_take(&b);
}
