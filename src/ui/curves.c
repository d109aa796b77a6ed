/* The selected trial's curves over its epochs, and its KL per latent dimension. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "number.h"
#include "vaetop/base/str.h"

static const struct {
    const char *name, *unit;
    uint8_t role;
} metric[SERIES_METRICS] = {
    [SERIES_VALUE] = {"value", "nats", ROLE_VAL},  [SERIES_TRAIN] = {"train", "nats", ROLE_TRAIN},
    [SERIES_REC] = {"reconstruction", "nats", ROLE_CLASS2}, [SERIES_KL] = {"KL", "nats", ROLE_CLASS4},
    [SERIES_LR] = {"lr", "", ROLE_CLASS5},         [SERIES_BETA] = {"beta", "", ROLE_CLASS6},
    [SERIES_RATE] = {"images/s", "", ROLE_CLASS8}};

/* Lines of several trials are told apart by colour and, in the title, by order. */
static uint8_t compare_role(int i)
{
    static const uint8_t role[] = {ROLE_VAL, ROLE_TRAIN, ROLE_CLASS2, ROLE_CLASS4, ROLE_CLASS5, ROLE_CLASS6, ROLE_CLASS7,
                                   ROLE_CLASS8};
    return role[i % 8];
}

/* The newest value, or the one under the crosshair; NaN when there is none. */
static double value_at(const struct view_series *e, const struct ui_state *s, enum series_metric m)
{
    size_t i = e && e->n > 0 ? (s->at > 0 ? series_at(e, s->at) : e->n - 1) : 0;
    return e && i < e->n ? (double)e->y[m][i] : (double)NAN;
}

static void loss_title(struct text_line *b, const struct view *v, const struct view_series *e, const struct ui_state *s)
{
    const struct glyphs *g = glyphs_of(s->tier);
    char x[32];
    line_add(b, "%s #%d", view_maximised(v) ? "value" : "loss", s->selected);
    if (s->at > 0) {
        line_add(b, " e%d", s->at);
    }
    if (e && e->n > 0) {
        line_add(b, "  %s val %s", g->dash, str_fit(x, sizeof x, value_at(e, s, SERIES_VALUE), 8, 2));
    }
    if (e && e->n > 0 && !view_maximised(v)) {
        line_add(b, "  %s train %s", g->dots, str_fit(x, sizeof x, value_at(e, s, SERIES_TRAIN), 8, 2));
    }
}

static void set_x(struct plot *p, const struct view *v, const struct ui_state *s)
{
    state_window(s, v, &p->x_lo, &p->x_hi);
    p->x_unit = "epoch";
    p->mark = s->at;
}

/* "2 off scale  nats": points that the axis leaves out are counted. */
static const char *off_scale(char *buf, size_t cap, int off, const char *unit)
{
    if (off > 0) {
        (void)snprintf(buf, cap, "%d off scale%s%s", off, unit[0] ? "  " : "", unit);
    } else {
        (void)snprintf(buf, cap, "%s", unit);
    }
    return buf;
}

static const char *value_unit(const struct view *v, bool log_y)
{
    return view_maximised(v) ? (log_y ? "log" : "") : log_y ? "nats, log" : "nats";
}

/* The tagged trials' validation curves on one pair of axes. */
static void draw_compared(struct canvas *c, const struct view *v, const struct ui_state *s, struct plot *p,
                          const int *number, int n)
{
    struct area a = s->layout.loss;
    char right[48];
    int x = a.x + 2;
    pane_rule(c, a, s->tier, "value", off_scale(right, sizeof right, v->loss.off, value_unit(v, p->log_y)));
    x += 6;
    for (int i = 0; i < n; i++) {
        const struct view_series *e = view_series(v, number[i]);
        char text[40], y[16], letter = (char)('a' + i);
        if (e && e->n > 0) {
            p->line[p->n_lines++] = (struct plot_line){.x = e->epoch, .y = e->y[SERIES_VALUE], .n = e->n,
                                                       .role = compare_role(i), .letter = letter, .tag = letter};
        }
        (void)snprintf(text, sizeof text, "%c #%d %s", letter, number[i],
                       str_fit(y, sizeof y, e ? value_at(e, s, SERIES_VALUE) : (double)NAN, 7, 2));
        if (x + text_columns(text) + 14 > a.x + a.w) {
            break;
        }
        x += canvas_text(c, x, a.y, 30, (struct style){compare_role(i), ATTR_BOLD}, text);
        canvas_put(c, x++, a.y, ' ', STYLE(BORDER));
    }
    plot_draw(c, (struct area){a.x, a.y + 1, a.w, a.h - 1}, p, s->tier);
}

void pane_loss(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.loss;
    const struct view_series *e = view_series(v, s->selected);
    const struct view_trial *t = view_trial(v, s->selected);
    struct text_line title = {.len = 0};
    char right[64] = "";
    int compared[8], n = state_compared(s, compared, 8);
    if (a.h < 3) {
        return;
    }
    bool log_y = s->log_y && v->loss.lo > 0;
    struct plot p = {.y_lo = v->loss.lo, .y_hi = v->loss.hi, .log_y = log_y};
    set_x(&p, v, s);
    if (n > 1 && e && v->loss_of == s->selected) {
        draw_compared(c, v, s, &p, compared, n);
        return;
    }
    loss_title(&title, v, e, s);
    (void)off_scale(right, sizeof right, v->loss.off, value_unit(v, log_y));
    pane_rule(c, a, s->tier, t ? title.text : "loss", right);
    struct area body = {a.x, a.y + 1, a.w, a.h - 1};
    if (!e || e->n == 0 || v->loss_of != s->selected) {
        pane_empty(c, body, t && t->phase == PHASE_ACTIVE ? "the curve begins after the first epoch" : "no epoch yet");
        return;
    }
    if (!view_maximised(v)) {
        p.line[p.n_lines++] = (struct plot_line){.x = e->epoch, .y = e->y[SERIES_TRAIN], .n = e->n, .role = ROLE_TRAIN,
                                                 .letter = 't', .dotted = true};
    }
    p.line[p.n_lines++] = (struct plot_line){.x = e->epoch, .y = e->y[SERIES_VALUE], .n = e->n, .role = ROLE_VAL, .letter = 'v'};
    plot_draw(c, body, &p, s->tier);
}

/* "lr   3.1e-3 cosine": what the schedule does, where it does anything. */
static const char *schedule_of(const struct view *v, enum series_metric m)
{
    if (!v->has_preset || (m != SERIES_LR && m != SERIES_BETA)) {
        return "";
    }
    enum knob k = m == SERIES_LR ? KNOB_OPTIMIZER_LR_SCHEDULE : KNOB_LOSS_BETA_SCHEDULE;
    for (int i = 0; i < v->n_params; i++) {
        if (v->param[i].knob == k) {
            return "";
        }
    }
    return knob_choice_name(k, config_choice(&v->preset.base, k));
}

void pane_curve(struct canvas *c, const struct view *v, const struct ui_state *s, enum series_metric m, struct area a)
{
    const struct view_series *e = view_series(v, s->selected);
    char text[48], x[32], right[48];
    double now = value_at(e, s, m);
    bool small = m == SERIES_LR || m == SERIES_BETA;
    (void)(small ? num_short(x, sizeof x, now) : str_fit(x, sizeof x, now, 8, 2));
    if (a.h == 1 && e && e->n > 0) {
        struct plot_line l = {.x = e->epoch, .y = e->y[m], .n = e->n, .role = metric[m].role};
        const char *name = m == SERIES_REC ? "rec" : metric[m].name;
        canvas_text(c, a.x + 1, a.y, 5, STYLE(HEAD), name);
        canvas_right(c, a.x + 6, a.y, 8, STYLE(TEXT), isnan(now) ? "-" : x);
        spark_draw(c, (struct area){a.x + 16, a.y, a.w - 18, 1}, &l, e->last_epoch, s->tier);
        return;
    }
    if (a.h < 3) {
        return;
    }
    (void)snprintf(text, sizeof text, "%s %s", metric[m].name, isnan(now) ? "" : x);
    int off = v->loss_of == s->selected ? v->span[m].off : 0;
    pane_rule(c, a, s->tier, text, off_scale(right, sizeof right, off, small ? schedule_of(v, m) : metric[m].unit));
    if (!e || e->n == 0 || v->loss_of != s->selected) {
        return;
    }
    struct plot p = {.n_lines = 1, .y_lo = v->span[m].lo, .y_hi = v->span[m].hi};
    set_x(&p, v, s);
    p.log_y = s->log_y && (m == SERIES_LR || m == SERIES_REC);
    p.line[0] = (struct plot_line){.x = e->epoch, .y = e->y[m], .n = e->n, .role = metric[m].role, .letter = '*'};
    plot_draw(c, (struct area){a.x, a.y + 1, a.w, a.h - 1}, &p, s->tier);
}

/* One bar a dimension, the greatest first; more dimensions than columns: the first ones. */
void pane_dims(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.dims;
    const struct view_latent *l = &v->latent;
    const struct glyphs *g = glyphs_of(s->tier);
    char title[64], right[48] = "";
    bool known = l->trial == s->selected && l->n_dims > 0 && l->trial >= 0;
    if (a.h < 2) {
        return;
    }
    int rows = a.h - 2, active = 0;
    for (int i = 0; known && i < l->n_dims; i++) {
        active += (double)l->dim[i].kl > 0.01;
    }
    (void)snprintf(title, sizeof title, "KL per dimension");
    if (known) {
        (void)snprintf(title, sizeof title, "KL per dimension e%d", l->epoch);
        (void)snprintf(right, sizeof right, "%d of %d over 0.01", active, l->n_dims);
    }
    pane_rule(c, a, s->tier, title, right);
    if (!known || rows < 1) {
        pane_empty(c, (struct area){a.x, a.y + 1, a.w, a.h - 1}, known ? "" : "it comes with an epoch");
        return;
    }
    double most = fmax((double)l->dim[0].kl, 1e-6);
    char label[16];
    canvas_right(c, a.x, a.y + 1, 6, STYLE(DIM), str_fit(label, sizeof label, most, 5, 1));
    canvas_right(c, a.x, a.y + rows, 6, STYLE(DIM), rows > 1 ? "0" : "");
    int room = a.w - 8, step = l->n_dims > 0 ? room / l->n_dims : 1;
    step = step > 4 ? 4 : step < 1 ? 1 : step;
    int bar = step > 1 ? step - 1 : 1;
    for (int i = 0; i < l->n_dims && (i + 1) * step <= room; i++) {
        double height = fmax((double)l->dim[i].kl, 0) / most * rows;
        for (int r = 0; r < rows; r++) {
            double part = height - (rows - 1 - r);
            int level = part >= 1 ? g->n_ramp : part > 0 ? (int)ceil(part * g->n_ramp) : 0;
            for (int k = 0; k < bar && level > 0; k++) {
                canvas_put(c, a.x + 7 + i * step + k, a.y + 1 + r, level == g->n_ramp && s->tier == TIER_ASCII ? '#'
                           : g->ramp[level - 1], STYLE(CLASS4));
            }
        }
        (void)snprintf(label, sizeof label, "%d", l->dim[i].dim);
        if (step > (int)strlen(label) || (step > 1 && i % (4 / step) == 0) || (step == 1 && i % 5 == 0)) {
            canvas_text(c, a.x + 7 + i * step, a.y + rows + 1, 4, STYLE(DIM), label);
        }
    }
}
