/* The panes around the leaderboard. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "leaderboard.h"
#include "number.h"
#include "vaetop/base/str.h"

/* Columns of the text's leading parts, two blanks between them, that fit into w. */
static int parts_that_fit(const char *text, int w)
{
    int n = text_columns(text), fits = n <= w ? n : 0;
    for (const char *s = strstr(text, "  "); s && n > w; s = strstr(s + 1, "  ")) {
        int columns = n - text_columns(s);
        fits = columns <= w && s[-1] != ' ' ? columns : fits;
    }
    return fits;
}

/* "-- title --------- right --"; where the right side is too long its first parts stay. */
void pane_rule(struct canvas *c, struct area a, enum tier t, const char *title, const char *right)
{
    canvas_fill(c, (struct area){a.x, a.y, a.w, 1}, glyphs_of(t)->hline, STYLE(BORDER));
    int used = 2;
    if (title[0] && a.w > 6) {
        canvas_put(c, a.x + 1, a.y, ' ', STYLE(BORDER));
        used += canvas_text(c, a.x + 2, a.y, a.w - 4, STYLE(TITLE), title);
        canvas_put(c, a.x + used, a.y, ' ', STYLE(BORDER));
    }
    int n = parts_that_fit(right, a.w - used - 5);
    if (n > 0) {
        char text[160];
        (void)snprintf(text, sizeof text, "%.*s", n, right); /* ASCII */
        canvas_put(c, a.x + a.w - n - 3, a.y, ' ', STYLE(BORDER));
        canvas_text(c, a.x + a.w - n - 2, a.y, n, STYLE(DIM), text);
        canvas_put(c, a.x + a.w - 2, a.y, ' ', STYLE(BORDER));
    }
}

static void draw_device(struct canvas *c, const struct view_device *d, struct area a, enum tier t)
{
    char text[64], used[16], total[16];
    int name_w = a.w >= 120 ? 44 : a.w >= 76 ? 28 : 18, x = a.x + 1;
    bool lost = strcmp(d->state, "lost") == 0;
    (void)snprintf(text, sizeof text, "%.8s", d->type);
    x += canvas_text(c, x, a.y, 4, STYLE(HEAD), text) + 1;
    canvas_text(c, x, a.y, name_w, lost ? STYLE(BAD) : STYLE(TEXT), d->name);
    x += name_w + 1;
    int bar_w = a.w >= 120 ? 24 : a.w >= 76 ? 12 : 8;
    canvas_put(c, x, a.y, '[', STYLE(BORDER));
    bar_draw(c, (struct area){x + 1, a.y, bar_w, 1}, STYLE(BAR), d->busy, t);
    canvas_put(c, x + 1 + bar_w, a.y, ']', STYLE(BORDER));
    x += bar_w + 2;
    if (isnan(d->busy)) {
        (void)snprintf(text, sizeof text, "    -");
    } else {
        (void)snprintf(text, sizeof text, "%4.0f%%", fmin(fmax(d->busy, 0), 1) * 100);
    }
    x += canvas_text(c, x, a.y, 5, STYLE(TEXT), text) + 2;
    (void)snprintf(text, sizeof text, "%d/%d slot%s", d->slots_used, d->slots, d->slots == 1 ? "" : "s");
    x += canvas_text(c, x, a.y, a.x + a.w - x - 1, STYLE(TEXT), text) + 2;
    if (strcmp(d->state, "ready") != 0 && d->state[0]) {
        x += canvas_text(c, x, a.y, a.x + a.w - x - 1, lost ? STYLE(BAD) : STYLE(WARN), d->state) + 2;
    }
    (void)snprintf(text, sizeof text, "%s of %s", str_bytes(used, sizeof used, d->bytes_used),
                   str_bytes(total, sizeof total, d->bytes_total));
    if (d->bytes_total > 0 && x + text_columns(text) < a.x + a.w) {
        x += canvas_text(c, x, a.y, 40, STYLE(DIM), text) + 2;
    }
    (void)snprintf(text, sizeof text, "%d slices", d->slices);
    if (d->slices > 1 && x + text_columns(text) < a.x + a.w) {
        canvas_text(c, x, a.y, 20, STYLE(DIM), text);
    }
}

void pane_devices(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.devices;
    int y = 0;
    for (int i = 0; y < a.h && i < v->n_devices; i++) {
        if (view_device_used(&v->device[i])) {
            draw_device(c, &v->device[i], (struct area){a.x, a.y + y++, a.w, 1}, s->tier);
        }
    }
}

void line_add(struct text_line *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(b->text + b->len, sizeof b->text - b->len, fmt, ap);
    va_end(ap);
    b->len += n < 0 ? 0 : (size_t)n;
    b->len = b->len >= sizeof b->text ? sizeof b->text - 1 : b->len;
}

static void detail_value(struct text_line *b, const struct view *v, const struct view_trial *t)
{
    char x[32], y[32], z[32];
    line_add(b, "#%d %s", t->number, trial_phase_word(t->phase));
    if (!isnan(t->value)) {
        line_add(b, "   value %s", str_fit(x, sizeof x, view_shown(v, t->value), 9, 2));
    }
    if (!isnan(t->rec) && !isnan(t->kl)) {
        const enum objective o = v->has_preset ? objective_of(&v->preset.base) : OBJECTIVE_ELBO;
        const bool sum = o == OBJECTIVE_ELBO || objective_count(o) == 2;
        line_add(b, sum ? " = rec %s + KL %s" : "   rec %s   KL %s", str_fit(y, sizeof y, t->rec, 9, 2),
                 str_fit(z, sizeof z, t->kl, 9, 2));
    }
    if (!isnan(t->train)) {
        line_add(b, "   train %s", str_fit(x, sizeof x, t->train, 9, 2));
    }
    if (!isnan(t->active) && t->latent > 0) {
        line_add(b, "   %.0f of %d latents active", t->active, t->latent);
    }
}

static void detail_params(struct text_line *b, const struct view *v, const struct view_trial *t)
{
    for (int i = 0; i < v->n_params; i++) {
        char x[64];
        if (view_param_text(x, sizeof x, v, t, i)[0]) {
            line_add(b, "%s%s %s", b->len ? "   " : "", knob_info(v->param[i].knob)->name, x);
        }
    }
}

static void detail_work(struct text_line *b, const struct view_trial *t)
{
    char x[32];
    line_add(b, "epoch %d of %d", t->epoch, t->epochs);
    if (!isnan(t->rate)) {
        line_add(b, "   %s images/s", num_si(x, sizeof x, t->rate));
    }
    if (t->eta_s > 0) {
        line_add(b, "   %s left", num_eta(x, sizeof x, t->eta_s));
    }
    if (t->device) {
        line_add(b, "   on %s", t->device);
    }
    if (t->attempts > 1) {
        line_add(b, "   attempt %d", t->attempts);
    }
    if (t->edited) {
        line_add(b, "   edited");
    }
}

void pane_detail(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.detail;
    const struct view_trial *t = view_trial(v, s->selected);
    if (!t || a.h == 0) {
        return;
    }
    int y = a.y;
    if (a.h >= 4) {
        pane_rule(c, a, s->tier, "selected", "");
        y++;
    }
    for (int i = 0; i < 3 && y < a.y + a.h; i++) {
        struct text_line b = {.len = 0};
        if (i == 0) {
            detail_value(&b, v, t);
        } else if (i == 1) {
            detail_params(&b, v, t);
        } else {
            detail_work(&b, t);
        }
        canvas_text(c, a.x + (i > 0 ? 3 : 1), y++, a.w - 4, i == 0 ? STYLE(TITLE) : STYLE(TEXT), b.text);
    }
}

void pane_empty(struct canvas *c, struct area a, const char *text)
{
    int n = text_columns(text);
    if (a.h > 0) {
        canvas_text(c, a.x + (n < a.w ? (a.w - n) / 2 : 0), a.y + a.h / 2, a.w, STYLE(DIM), text);
    }
}

void pane_progress(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.progress;
    struct text_line title = {.len = 0};
    char x[32];
    if (a.h < 3) {
        return;
    }
    line_add(&title, "best so far");
    if (v->n_done > 0) {
        line_add(&title, "  %s", str_fit(x, sizeof x, (double)v->done_best[v->n_done - 1], 9, 2));
    }
    pane_rule(c, a, s->tier, title.text, view_maximised(v) ? "after N finished trials" : "nats after N finished trials");
    struct area body = {a.x, a.y + 1, a.w, a.h - 1};
    if (v->n_done < 3) {
        pane_empty(c, body, v->n > 0 ? "the curve begins with the second finished trial" : "");
        return;
    }
    double hi = (double)v->done_best[0], lo = (double)v->done_best[v->n_done - 1],
           last = (double)v->done_x[v->n_done - 1];
    double pad = (hi - lo) * 0.05 + fabs(lo) * 1e-4 + 1e-6;
    struct plot p = {.n_lines = 1, .x_lo = 1, .x_hi = v->planned > last ? v->planned : last, .y_lo = lo - pad,
                     .y_hi = hi + pad, .x_unit = "trial"};
    p.line[0] =
        (struct plot_line){.x = v->done_x, .y = v->done_best, .n = v->n_done, .role = ROLE_BEST, .letter = 'o'};
    plot_draw(c, body, &p, s->tier);
}

/* Inputs above reconstructions, or samples. */
static void draw_gallery(struct canvas *c, const struct view *v, const struct ui_state *s, struct area a)
{
    const struct view_latent *l = &v->latent;
    struct area body = {a.x + 1, a.y + 1, a.w - 1, a.h - 1};
    char title[64], right[48];
    bool samples = s->pictures == PICTURES_SAMPLES;
    if (a.h < 3) {
        return;
    }
    if (l->trial < 0 || l->trial != s->selected) {
        pane_rule(c, a, s->tier, "images", "");
        pane_empty(c, body, v->n > 0 ? "they come with an epoch" : "");
        return;
    }
    if (l->gallery.n == 0) {
        pane_rule(c, a, s->tier, "images", "");
        pane_empty(c, body, "none: the data are no images, or an older vaetop wrote this");
        return;
    }
    int rows = gallery_draw(c, body, &l->gallery, samples ? PICTURES_SAMPLES : PICTURES_RECON, s->tier, s->greys);
    (void)snprintf(title, sizeof title, "%s e%d", samples ? "samples" : "input, output", l->epoch);
    (void)snprintf(right, sizeof right, "%s", samples ? "of the prior" : rows > 2 ? "below: samples" : "v samples");
    pane_rule(c, a, s->tier, title, right);
}

void pane_pictures(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    draw_gallery(c, v, s, s->layout.pictures);
}

void pane_latent(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.latent;
    const struct view_latent *l = &v->latent;
    char title[64], right[64];
    if (s->pictures != PICTURES_LATENT && s->layout.pictures.h == 0) {
        draw_gallery(c, v, s, a);
        return;
    }
    if (a.h < 3) {
        return;
    }
    struct area body = {a.x, a.y + 1, a.w, a.h - 1};
    if (l->trial < 0 || l->trial != s->selected) {
        pane_rule(c, a, s->tier, "latent", "");
        pane_empty(c, body, v->n > 0 ? "it comes with an epoch" : "");
        return;
    }
    (void)snprintf(title, sizeof title, "latent #%d e%d", l->trial, l->epoch);
    if (l->latent > 2) {
        (void)snprintf(right, sizeof right, "PCA %.0f%%  %s", l->explained * 100, scatter_mode_name(s->latent_mode));
    } else {
        (void)snprintf(right, sizeof right, "%s", scatter_mode_name(s->latent_mode));
    }
    pane_rule(c, a, s->tier, title, right);
    struct scatter points = l->scatter;
    points.plain = s->set.value[SET_SLOW] != 0; /* a change of colour costs ten times the bytes of a glyph */
    scatter_draw(c, body, &points, s->latent_mode, s->tier);
}

/* The newest lines that concern the pane, the last one lowest. */
void pane_log(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.log;
    bool mine_only = s->screen == SCREEN_TRIAL;
    char title[48] = "log";
    if (a.h < 2) {
        return;
    }
    if (mine_only) {
        (void)snprintf(title, sizeof title, "log #%d", s->selected);
    }
    pane_rule(c, a, s->tier, title, "");
    int want = a.h - 1, first = v->n_logs, k = 0;
    for (; first > 0 && k < want; first--) {
        k += !mine_only || v->log[first - 1].trial == s->selected;
    }
    if (k == 0) {
        pane_empty(c, (struct area){a.x, a.y + 1, a.w, a.h - 1}, "no line yet");
    }
    for (int i = first, y = a.y + 1; i < v->n_logs && y < a.y + a.h; i++) {
        bool mine = v->log[i].trial >= 0 && v->log[i].trial == s->selected;
        if (mine_only && !mine) {
            continue;
        }
        int x = a.x + 1 + canvas_text(c, a.x + 1, y, 8, STYLE(DIM), v->log[i].time) + 1;
        canvas_text(c, x, y++, a.x + a.w - x - 1, mine && !mine_only ? STYLE(TITLE) : STYLE(TEXT), v->log[i].text);
    }
}
