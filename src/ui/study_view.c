/* The Study screen: the space with what was found in it, the values trial by trial, one knob's slice or the front of
 * reconstruction against KL, and what comes next. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "number.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/objective.h"

#define NEXT_ROWS 4 /* rule, next trial, why, what is left to gain */

/* Where things stand; a pane without room has height 0. */
struct places {
    struct area space, best, slice[3], front, next;
    int n_slices;
};

static struct area part(struct area a, int x, int w)
{
    return (struct area){a.x + x, a.y, w, a.h};
}

/* The plots' band, cut into panes about as wide as each other. */
static void place_plots(struct places *p, struct area a, bool front, size_t knobs)
{
    if (a.h < 5 || a.w < 30) {
        return;
    }
    if (a.w < 56) {
        p->best = a;
        return;
    }
    if (a.w < 100) {
        int w = a.w / 2;
        p->best = part(a, 0, w - 1);
        if (front) {
            p->front = part(a, w, a.w - w);
        } else {
            p->slice[0] = part(a, w, a.w - w);
            p->n_slices = 1;
        }
        return;
    }
    struct area low = a;
    int h = a.h / 2;
    low.y += h;
    low.h -= h;
    a.h = h;
    p->best = part(a, 0, a.w / 2 - 1);
    p->front = part(a, a.w / 2, a.w - a.w / 2);
    p->n_slices = a.w >= 140 ? 3 : 2;
    p->n_slices = (int)knobs < p->n_slices ? (int)knobs : p->n_slices;
    for (int i = 0; i < p->n_slices; i++) {
        int from = a.w * i / p->n_slices, to = a.w * (i + 1) / p->n_slices;
        p->slice[i] = part(low, from, to - from - (i + 1 < p->n_slices));
    }
}

static struct places place(struct area a, size_t knobs, bool front)
{
    struct places p = {.n_slices = 0};
    int next = a.h >= 14 ? NEXT_ROWS : a.h >= 5 ? 1 : 0;
    int plots = a.h >= 14 ? a.h * 45 / 100 : 0;
    int rows = 1 + (int)knobs, room = a.h - next - plots;
    p.space = (struct area){a.x, a.y, a.w, rows < room ? rows : room};
    p.next = (struct area){a.x, a.y + a.h - next, a.w, next};
    place_plots(&p, (struct area){a.x, a.y + p.space.h, a.w, a.h - next - p.space.h}, front, knobs);
    return p;
}

/* --- the space */

static double share_of(const struct overview_knob *k, const struct ui_state *s)
{
    return isnan(k->share[1]) || !s->second ? k->share[0] : k->share[1];
}

/* Trials along the range; the bins of the best tenth in another colour. */
static void draw_histogram(struct canvas *c, struct area a, const struct overview_knob *k, enum tier t)
{
    const struct glyphs *g = glyphs_of(t);
    int most = 0;
    for (int i = 0; i < k->bins; i++) {
        most = k->all[i] > most ? k->all[i] : most;
    }
    for (int x = 0; x < a.w && most > 0; x++) {
        int first = x * k->bins / a.w, last = (x + 1) * k->bins / a.w, n = 0, good = 0;
        for (int i = first; i < (last > first ? last : first + 1); i++) {
            n = k->all[i] > n ? k->all[i] : n;
            good += k->good[i];
        }
        double f = (double)n / most;
        if (n > 0) {
            canvas_put(c, a.x + x, a.y, g->ramp[(int)lround(f * (g->n_ramp - 1))], good > 0 ? STYLE(BEST) : STYLE(SPARK));
        }
    }
}

/* Columns: mark, name, range, best, histogram, importance. */
struct columns {
    int name, range, best, bins, bar;
};

static struct columns columns_of(int w)
{
    if (w >= 140) {
        return (struct columns){16, 34, 10, 24, w - 16 - 34 - 10 - 24 - 16};
    }
    if (w >= 100) {
        return (struct columns){16, 26, 9, 24, w - 16 - 26 - 9 - 24 - 16};
    }
    if (w >= 70) {
        return (struct columns){13, 20, 8, 12, w - 13 - 20 - 8 - 12 - 16};
    }
    return (struct columns){13, 0, 8, 0, w - 13 - 8 - 12};
}

static void draw_knob(struct canvas *c, const struct overview_knob *k, const struct ui_state *s, struct area a, bool here)
{
    struct columns w = columns_of(a.w);
    double share = share_of(k, s);
    char x[40];
    int at = a.x + 2;
    if (here) {
        canvas_put(c, a.x, a.y, glyphs_of(s->tier)->select, STYLE(HEAD));
    }
    canvas_text(c, at, a.y, w.name, here ? STYLE(TITLE) : STYLE(TEXT), knob_info(k->knob)->name);
    at += w.name + 1;
    if (w.range > 0) {
        canvas_text(c, at, a.y, w.range, STYLE(DIM), k->range);
        at += w.range + 1;
    }
    canvas_right(c, at, a.y, w.best, STYLE(BEST), overview_text(x, sizeof x, k, k->best));
    at += w.best + 2;
    if (w.bins > 0) {
        int bins = k->bins < w.bins && k->choice ? k->bins * (w.bins / k->bins) : w.bins;
        draw_histogram(c, (struct area){at, a.y, bins, 1}, k, s->tier);
        at += w.bins + 2;
    }
    if (w.bar > 0 && !isnan(share)) {
        bar_draw(c, (struct area){at, a.y, w.bar, 1}, STYLE(BAR), share, s->tier);
        (void)snprintf(x, sizeof x, "%.2f", share);
        canvas_right(c, at + w.bar, a.y, 5, STYLE(TEXT), x);
    }
}

static void draw_space(struct canvas *c, const struct overview *o, const struct ui_state *s, struct area a)
{
    struct columns w = columns_of(a.w);
    char title[64], right[80] = "";
    if (a.h < 2) {
        return;
    }
    int rows = a.h - 1, top = s->knob >= rows ? s->knob - rows + 1 : 0;
    if (o->insight.complete >= 2) {
        const char *of = o->insight.objectives == 2 ? s->second ? " for kl" : " for rec" : "";
        (void)snprintf(right, sizeof right, "importance%s (%s%d done)", of, a.w >= 90 || !of[0] ? "PED-ANOVA, " : "",
                       o->insight.complete);
    } else {
        (void)snprintf(right, sizeof right, "importance: %s", o->n_counts < 2 ? "needs 2 done" : "not known yet");
    }
    (void)snprintf(title, sizeof title, "%zu knob%s searched", o->n_knobs, o->n_knobs == 1 ? "" : "s");
    pane_rule(c, a, s->tier, a.w >= 70 ? title : "knobs", a.w >= 60 ? right : "importance");
    if (a.w >= 70) {
        canvas_right(c, a.x + 2 + w.name + 1 + w.range + 1, a.y, w.best + 1, STYLE(DIM), " best ");
    }
    for (int i = 0; i < rows && (size_t)(top + i) < o->n_knobs; i++) {
        draw_knob(c, &o->knob[o->order[top + i]], s, (struct area){a.x, a.y + 1 + i, a.w, 1}, top + i == s->knob);
    }
}

/* --- the plots */

static double shown(const struct overview *o, double value)
{
    return objective_shown(objective_of(&o->preset.base), value);
}

/* What the plots call it: of two objectives they show the sum. */
static const char *value_name(const struct overview *o)
{
    return objective_count(objective_of(&o->preset.base)) == 2 ? "rec + kl" : "value";
}

static void value_span(struct plot *p, const struct overview *o)
{
    double pad = (o->value_hi - o->value_lo) * 0.05 + fabs(o->value_lo) * 1e-4 + 1e-6;
    double a = shown(o, o->value_lo - pad), b = shown(o, o->value_hi + pad);
    p->y_lo = fmin(a, b);
    p->y_hi = fmax(a, b);
}

static bool value_at(double *x, double *y, const void *of, size_t i)
{
    const struct overview *o = of;
    *x = (double)i;
    *y = shown(o, o->trial[i].value);
    return o->trial[i].counts;
}

static void draw_best(struct canvas *c, const struct view *v, const struct ui_state *s, struct area a)
{
    const struct overview *o = &v->all;
    char title[64], x[32];
    if (a.h < 4) {
        return;
    }
    (void)snprintf(title, sizeof title, "best %s so far %s", value_name(o),
                   o->best >= 0 ? str_fit(x, sizeof x, shown(o, o->trial[o->best].value), 9, 2) : "");
    pane_rule(c, a, s->tier, title, a.w >= 44 ? "dots: all trials" : "");
    struct area body = {a.x, a.y + 1, a.w, a.h - 1};
    if (o->n_counts < 2) {
        pane_empty(c, body, "begins with the second done trial");
        return;
    }
    struct plot p = {.x_lo = 0, .x_hi = v->planned > (int)o->n ? v->planned - 1 : (double)o->n - 1, .x_unit = "trial"};
    value_span(&p, o);
    struct plot_dots dots = {o, o->n, value_at, ROLE_DONE, '.'};
    plot_draw(c, body, &p, s->tier);
    plot_dots(c, body, &p, &dots, s->tier);
    p.line[0] = (struct plot_line){.x = o->best_x, .y = o->best_y, .n = o->n_best, .role = ROLE_BEST, .letter = '='};
    p.n_lines = 1;
    plot_lines(c, body, &p, s->tier);
}

/* One knob against the value; which: all trials or the best tenth. */
struct slice {
    const struct overview *o;
    size_t knob;
    bool good;
};

static bool slice_at(double *x, double *y, const void *of, size_t i)
{
    const struct slice *l = of;
    const struct overview_trial *t = &l->o->trial[i];
    double v = overview_at(l->o, (int)i, l->knob);
    if (!t->counts || t->good != l->good || isnan(v)) {
        return false;
    }
    *x = overview_place(&l->o->knob[l->knob], v);
    *y = shown(l->o, t->value);
    return true;
}

/* Below the axis: the words of a choice, else both ends and the middle of the range. */
static void label_slice(struct canvas *c, struct area a, const struct overview_knob *k)
{
    int x0 = a.x + 8, w = a.w - 8, y = a.y + a.h - 1;
    char text[40];
    if (k->choice) {
        for (size_t i = 0; i < k->n_words; i++) {
            int from = (int)((double)w * (double)i / (double)k->n_words);
            int to = (int)((double)w * ((double)i + 1) / (double)k->n_words), n = text_columns(k->word[i]);
            n = n < to - from - 1 ? n : to - from - 1;
            canvas_text(c, x0 + from + (to - from - n) / 2, y, n, STYLE(DIM), k->word[i]);
        }
        return;
    }
    double middle = k->log ? sqrt(k->lo * k->hi) : (k->lo + k->hi) / 2;
    const double value[] = {k->lo, k->whole ? round(middle) : middle, k->hi};
    for (int i = 0; i < 3; i++) {
        (void)overview_text(text, sizeof text, k, value[i]);
        int n = text_columns(text), x = (int)lround(overview_place(k, value[i]) * (w - 1)) - n / 2;
        x = x < 0 ? 0 : x > w - n ? w - n : x;
        if (i != 1 || w >= 3 * n + 6) {
            canvas_text(c, x0 + x, y, n, STYLE(DIM), text);
        }
    }
}

static void draw_slice(struct canvas *c, const struct overview *o, const struct ui_state *s, struct area a, size_t knob)
{
    const struct overview_knob *k = &o->knob[knob];
    char title[48];
    if (a.h < 4) {
        return;
    }
    (void)snprintf(title, sizeof title, "%s by %s", value_name(o), knob_info(k->knob)->name);
    pane_rule(c, a, s->tier, title, a.w >= 48 ? "bright: best tenth" : "");
    struct area body = {a.x, a.y + 1, a.w, a.h - 1};
    if (o->n_counts < 2) {
        pane_empty(c, body, "begins with the second done trial");
        return;
    }
    struct plot p = {.x_lo = 0, .x_hi = 1};
    value_span(&p, o);
    struct slice rest = {o, knob, false}, good = {o, knob, true};
    plot_draw(c, body, &p, s->tier);
    plot_dots(c, body, &p, &(struct plot_dots){&rest, o->n, slice_at, ROLE_DONE, '.'}, s->tier);
    plot_dots(c, body, &p, &(struct plot_dots){&good, o->n, slice_at, ROLE_BEST, 'o'}, s->tier);
    label_slice(c, body, k);
}

/* Reconstruction against KL; which: the front or the others. */
struct plane {
    const struct overview *o;
    bool front;
};

static bool plane_at(double *x, double *y, const void *of, size_t i)
{
    const struct plane *l = of;
    const struct overview_trial *t = &l->o->trial[i];
    *x = t->rec;
    *y = t->kl;
    return t->counts && t->front == l->front;
}

/* The span that shows the front whole and of the others the nearest. */
static void reach(const struct overview *o, double *lo, double *hi, bool kl)
{
    double least = HUGE_VAL, most = -HUGE_VAL, widest = -HUGE_VAL;
    for (size_t i = 0; i < o->n; i++) {
        double v = kl ? o->trial[i].kl : o->trial[i].rec;
        if (o->trial[i].counts && isfinite(v)) {
            least = fmin(least, v);
            widest = fmax(widest, v);
            most = o->trial[i].front ? fmax(most, v) : most;
        }
    }
    double room = fmax((most - least) * 0.5, (widest - least) * 0.1);
    *hi = fmin(widest, most + room);
    double pad = (*hi - least) * 0.03 + fabs(least) * 1e-4 + 1e-6;
    *lo = least - pad;
    *hi += pad;
}

/* Nothing stands in these cells and in those beside them. */
static bool is_blank(const struct canvas *c, int x, int y, int w)
{
    bool blank = x > 0 && x + w < c->w && y >= 0 && y < c->h;
    for (int i = x - 1; blank && i <= x + w; i++) {
        blank = c->cell[y * c->w + i].ch == ' ';
    }
    return blank;
}

/* The chosen knob's value beside each point of the front, where there is room: what makes the trade-off. */
static void label_front(struct canvas *c, const struct overview *o, const struct plot *p, struct area a, size_t knob,
                        enum tier tier)
{
    const struct area in = {a.x + 8, a.y, a.w - 8, a.h - 1}; /* where plot_dots() puts them */
    const struct glyphs *g = glyphs_of(tier);
    for (size_t i = 0; i < o->n_front; i++) {
        const struct overview_trial *t = &o->trial[o->front[i]];
        char text[40];
        double fx = (t->rec - p->x_lo) / (p->x_hi - p->x_lo), fy = (p->y_hi - t->kl) / (p->y_hi - p->y_lo);
        if (!(fx >= 0 && fx <= 1 && fy >= 0 && fy <= 1)) {
            continue;
        }
        int dot = in.x + (int)lround(fx * (in.w * g->sub_w - 1)) / g->sub_w;
        int y = in.y + (int)lround(fy * (in.h * g->sub_h - 1)) / g->sub_h;
        (void)overview_text(text, sizeof text, &o->knob[knob], overview_at(o, o->front[i], knob));
        int n = text_columns(text), right = dot + 2 + n <= in.x + in.w ? dot + 2 : 0, left = dot - 1 - n;
        int x = is_blank(c, right, y, n) ? right : left >= in.x && is_blank(c, left, y, n) ? left : 0;
        if (x > 0) {
            canvas_text(c, x, y, n, STYLE(DIM), text);
        }
    }
}

static void draw_front(struct canvas *c, const struct overview *o, const struct ui_state *s, struct area a)
{
    char title[64], right[64];
    if (a.h < 4) {
        return;
    }
    size_t chosen = o->order[(size_t)s->knob];
    bool labels = a.w >= 36;
    (void)snprintf(title, sizeof title, "kl by rec, front of %zu", o->n_front);
    (void)snprintf(right, sizeof right, labels ? "front: its %s" : "bright: front", knob_info(o->knob[chosen].knob)->name);
    pane_rule(c, a, s->tier, title, a.w >= 36 && o->n_front > 0 ? right : "");
    struct area body = {a.x, a.y + 1, a.w, a.h - 1};
    if (o->n_front == 0) {
        pane_empty(c, body, "begins with the first done trial");
        return;
    }
    struct plot p = {.x_unit = "rec"};
    struct plane rest = {o, false}, front = {o, true};
    reach(o, &p.x_lo, &p.x_hi, false);
    reach(o, &p.y_lo, &p.y_hi, true);
    plot_draw(c, body, &p, s->tier);
    plot_dots(c, body, &p, &(struct plot_dots){&rest, o->n, plane_at, ROLE_DONE, '.'}, s->tier);
    plot_dots(c, body, &p, &(struct plot_dots){&front, o->n, plane_at, ROLE_BEST, '*'}, s->tier);
    if (labels) {
        label_front(c, o, &p, body, chosen, s->tier);
    }
}

/* --- what comes */

static void draw_next(struct canvas *c, const struct overview *o, struct area a, enum tier t)
{
    char next[400], left[240];
    if (a.h == 0) {
        return;
    }
    (void)overview_next(next, sizeof next, o);
    (void)overview_left(left, sizeof left, o);
    if (a.h < NEXT_ROWS) {
        canvas_text(c, a.x + 1, a.y, a.w - 2, STYLE(TEXT), next);
        return;
    }
    pane_rule(c, a, t, "next", "");
    canvas_text(c, a.x + 1, a.y + 1, a.w - 2, STYLE(TEXT), next);
    canvas_text(c, a.x + 1, a.y + 2, a.w - 2, STYLE(DIM), o->next.text ? o->next.text : "");
    canvas_text(c, a.x + 1, a.y + 3, a.w - 2, STYLE(DIM), left);
}

/* Knobs for the slices: the chosen one, then those that matter most. */
static size_t slice_knob(const struct overview *o, const struct ui_state *s, int slice)
{
    size_t chosen = (size_t)s->knob, at = (size_t)slice;
    if (slice == 0) {
        return o->order[chosen];
    }
    return o->order[at <= chosen ? at - 1 : at];
}

void study_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    const struct overview *o = &v->all;
    struct area a = s->layout.body;
    if (!v->has_preset) {
        return;
    }
    if (o->n_knobs == 0) {
        pane_empty(c, a, "nothing is searched: every knob of this study has one value");
        return;
    }
    bool two = objective_count(objective_of(&o->preset.base)) == 2; /* the front is what the study is for */
    struct places p = place(a, o->n_knobs, s->front != two);
    draw_space(c, o, s, p.space);
    draw_best(c, v, s, p.best);
    for (int i = 0; i < p.n_slices; i++) {
        draw_slice(c, o, s, p.slice[i], slice_knob(o, s, i));
    }
    draw_front(c, o, s, p.front);
    draw_next(c, o, p.next, s->tier);
}
