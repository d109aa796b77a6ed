#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

#define LABEL_W 7 /* y labels, without the axis */

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    if (!isfinite(x) || !isfinite(y)) {
        return isfinite(y) - isfinite(x);
    }
    return (x > y) - (x < y);
}

struct plot_span plot_span_of(float *values, size_t n)
{
    size_t finite = 0;
    if (n > 0) {
        qsort(values, n, sizeof *values, by_value);
    }
    while (finite < n && isfinite(values[finite])) {
        finite++;
    }
    if (finite == 0) {
        return (struct plot_span){0, 1, 0};
    }
    size_t edge = finite / 50; /* 2 % on each side */
    double q10 = (double)values[finite / 10], q90 = (double)values[finite - 1 - finite / 10];
    double reach = 4 * (q90 - q10), lo = (double)values[edge], hi = (double)values[finite - 1 - edge];
    if (finite >= 8) { /* fewer points are no crowd to be an outlier of */
        size_t first = edge, last = finite - 1 - edge;
        while (first < last && (double)values[first] < q10 - reach) {
            first++;
        }
        while (last > first && (double)values[last] > q90 + reach) {
            last--;
        }
        lo = (double)values[first];
        hi = (double)values[last];
    }
    if (!(hi > lo)) { /* a tenth around a constant: the ticks must differ in the two digits that labels show */
        double pad = fabs(lo) * 0.1;
        lo -= pad;
        hi = lo == 0 ? 1 : hi + pad;
    }
    struct plot_span s = {lo, hi, 0};
    for (size_t i = 0; i < finite; i++) {
        s.off += (double)values[i] < lo || (double)values[i] > hi;
    }
    return s;
}

static void reach_to(struct plot_column *c, double y)
{
    c->lo = fmin(c->lo, y);
    c->hi = fmax(c->hi, y);
}

void plot_envelope(struct plot_column *col, int n_col, const struct plot_line *l, double x_lo, double x_hi)
{
    for (int i = 0; i < n_col; i++) {
        col[i] = (struct plot_column){INFINITY, -INFINITY};
    }
    if (!(x_hi > x_lo) || n_col < 1) {
        x_hi = x_lo + 1;
    }
    double scale = (n_col - 1) / (x_hi - x_lo);
    bool joined = false;
    double px = 0, py = 0;
    for (size_t i = 0; i < l->n; i++) {
        double x = ((double)l->x[i] - x_lo) * scale, y = (double)l->y[i];
        if (!isfinite(y) || !isfinite(x)) {
            joined = false;
            continue;
        }
        int at = (int)lround(fmin(fmax(x, -1), n_col));
        if (at >= 0 && at < n_col) {
            reach_to(&col[at], y);
        }
        if (joined && x > px) {
            /* The segment's y at the borders of every column it crosses, so that neighbours touch. */
            int from = (int)lround(fmax(px, 0)), to = (int)lround(fmin(x, n_col - 1));
            for (int k = from; k <= to; k++) {
                double xa = fmax(px, k - 0.5), xb = fmin(x, k + 0.5);
                reach_to(&col[k], py + (y - py) * (xa - px) / (x - px));
                reach_to(&col[k], py + (y - py) * (xb - px) / (x - px));
            }
        }
        px = x;
        py = y;
        joined = true;
    }
}

/* 0 at the bottom, 1 at the top. */
static double height_of(const struct plot *p, double y)
{
    if (p->log_y) {
        return y > 0 ? (log(y) - log(p->y_lo)) / (log(p->y_hi) - log(p->y_lo)) : -1;
    }
    return (y - p->y_lo) / (p->y_hi - p->y_lo);
}

static void draw_line(struct canvas *c, struct area a, const struct plot *p, const struct plot_line *l, enum tier t)
{
    const struct glyphs *g = glyphs_of(t);
    static const struct style none = {0, 0};
    struct plot_column col[CANVAS_W_MAX * 2];
    struct style s = none;
    int n_col = a.w * g->sub_w, n_row = a.h * g->sub_h;
    s.role = l->role;
    plot_envelope(col, n_col, l, p->x_lo, p->x_hi);
    for (int cx = 0; cx < a.w; cx++) {
        int first[2] = {1, 1}, last[2] = {0, 0}, top_row = n_row, low_row = -1;
        for (int k = 0; k < g->sub_w; k++) {
            const struct plot_column *e = &col[cx * g->sub_w + k];
            if (e->lo > e->hi || (l->dotted && g->sub_w > 1 && k == 1)) {
                continue;
            }
            double top = height_of(p, e->hi), bottom = height_of(p, e->lo);
            if (bottom > 1 || top < 0) {
                continue; /* off the scale: counted in the title */
            }
            first[k] = (int)lround((1 - fmin(top, 1)) * (n_row - 1));
            last[k] = (int)lround((1 - fmax(bottom, 0)) * (n_row - 1));
            top_row = first[k] < top_row ? first[k] : top_row;
            low_row = last[k] > low_row ? last[k] : low_row;
        }
        for (int cy = top_row / g->sub_h; cy * g->sub_h <= low_row; cy++) {
            unsigned bits = 0;
            for (int r = 0; r < g->sub_h; r++) {
                for (int k = 0; k < g->sub_w; k++) {
                    int row = cy * g->sub_h + r;
                    bits |= (row >= first[k] && row <= last[k]) ? 1u << (r * g->sub_w + k) : 0u;
                }
            }
            if (bits) {
                canvas_put(c, a.x + cx, a.y + cy, glyph_dots(t, bits, l->letter), s);
            }
        }
    }
}

static void draw_y_axis(struct canvas *c, struct area a, const struct plot *p, enum tier t)
{
    const struct glyphs *g = glyphs_of(t);
    struct ticks tk;
    int most = a.h >= 9 ? a.h / 3 : a.h >= 4 ? 3 : 2;
    bool used[CANVAS_H_MAX] = {false};
    for (int y = 0; y < a.h; y++) {
        canvas_put(c, a.x + LABEL_W, a.y + y, g->vline, STYLE(BORDER));
    }
    (p->log_y ? ticks_log : ticks_linear)(&tk, p->y_lo, p->y_hi, most);
    for (int i = 0; i < tk.n; i++) {
        int dot = (int)lround((1 - height_of(p, tk.v[i])) * (a.h * g->sub_h - 1));
        int y = dot / g->sub_h;
        char text[32];
        if (y < 0 || y >= a.h || used[y]) {
            continue;
        }
        used[y] = true;
        canvas_right(c, a.x, a.y + y, LABEL_W - 1, STYLE(DIM), tick_label(text, sizeof text, &tk, tk.v[i]));
        canvas_put(c, a.x + LABEL_W, a.y + y, g->axis, STYLE(DIM));
    }
}

static void draw_x_axis(struct canvas *c, struct area a, int plot_w, const struct plot *p, enum tier t)
{
    const struct glyphs *g = glyphs_of(t);
    struct ticks tk;
    int y = a.y + a.h - 1, x0 = a.x + LABEL_W + 1, busy = -1;
    canvas_put(c, x0 - 1, y, g->corner, STYLE(DIM));
    canvas_fill(c, (struct area){x0, y, plot_w, 1}, g->hline, STYLE(DIM));
    if (!p->x_unit) {
        return;
    }
    int unit = text_columns(p->x_unit);
    canvas_text(c, x0 - 2 - unit, y, unit, STYLE(DIM), p->x_unit);
    ticks_linear(&tk, p->x_lo, p->x_hi, plot_w / 8);
    for (int i = 0; i < tk.n; i++) {
        char text[32];
        if (tk.step < 1 && tk.v[i] != floor(tk.v[i])) {
            continue; /* there are no half epochs to point at */
        }
        (void)snprintf(text, sizeof text, "%.0f", tk.v[i]);
        int n = (int)strlen(text);
        int x = (int)lround((tk.v[i] - p->x_lo) / (p->x_hi - p->x_lo) * (plot_w - 1)) - n / 2;
        x = x < 0 ? 0 : x > plot_w - n ? plot_w - n : x;
        if (x > busy) {
            canvas_text(c, x0 + x, y, n, STYLE(DIM), text);
            busy = x + n;
        }
    }
}

/* Behind the last point that is drawn, at its height. */
static void draw_tag(struct canvas *c, struct area a, const struct plot *p, const struct plot_line *l)
{
    size_t last = l->n;
    for (size_t i = 0; i < l->n && (double)l->x[i] <= p->x_hi; i++) {
        last = isfinite(l->y[i]) && (double)l->x[i] >= p->x_lo ? i : last;
    }
    if (!l->tag || last == l->n) {
        return;
    }
    double f = height_of(p, (double)l->y[last]);
    int x = (int)lround(((double)l->x[last] - p->x_lo) / (p->x_hi - p->x_lo) * (a.w - 1)) + 1;
    int y = a.h - 1 - (int)lround(fmin(fmax(f, 0), 1) * (a.h - 1));
    canvas_put(c, a.x + (x < a.w ? x : a.w - 1), a.y + y, (uint32_t)(unsigned char)l->tag,
               (struct style){l->role, ATTR_BOLD});
}

void plot_lines(struct canvas *c, struct area a, const struct plot *p, enum tier t)
{
    struct area body = {a.x + LABEL_W + 1, a.y, a.w - LABEL_W - 1, a.h - 1};
    if (body.w < 4 || body.h < 1 || body.w > CANVAS_W_MAX || body.h >= CANVAS_H_MAX) {
        return;
    }
    for (int i = 0; i < p->n_lines; i++) {
        draw_line(c, body, p, &p->line[i], t);
    }
    for (int i = 0; i < p->n_lines; i++) {
        draw_tag(c, body, p, &p->line[i]);
    }
}

void plot_draw(struct canvas *c, struct area a, const struct plot *p, enum tier t)
{
    int plot_w = a.w - LABEL_W - 1;
    if (plot_w < 4 || a.h < 2 || plot_w > CANVAS_W_MAX || a.h > CANVAS_H_MAX || !(p->y_hi > p->y_lo) ||
        !(p->x_hi > p->x_lo)) {
        return;
    }
    struct plot q = *p;
    q.log_y = p->log_y && p->y_lo > 0;
    draw_y_axis(c, (struct area){a.x, a.y, a.w, a.h - 1}, &q, t);
    draw_x_axis(c, a, plot_w, &q, t);
    if (p->mark > 0 && p->mark >= p->x_lo && p->mark <= p->x_hi) {
        int x = (int)lround((p->mark - p->x_lo) / (p->x_hi - p->x_lo) * (plot_w - 1));
        canvas_fill(c, (struct area){a.x + LABEL_W + 1 + x, a.y, 1, a.h - 1}, glyphs_of(t)->vline, STYLE(WARN));
    }
    plot_lines(c, a, &q, t);
}

void plot_dots(struct canvas *c, struct area a, const struct plot *p, const struct plot_dots *d, enum tier t)
{
    enum { CELLS_MAX = 16384 };
    const struct glyphs *g = glyphs_of(t);
    const struct style s = {d->role, 0};
    unsigned char bits[CELLS_MAX] = {0};
    int w = a.w - LABEL_W - 1, h = a.h - 1;
    if (w < 4 || h < 1 || w * h > CELLS_MAX || !(p->x_hi > p->x_lo) || !(p->y_hi > p->y_lo)) {
        return;
    }
    for (size_t i = 0; i < d->n; i++) {
        double x, y;
        if (!d->at(&x, &y, d->of, i) || !isfinite(x) || !isfinite(y) || x < p->x_lo || x > p->x_hi) {
            continue;
        }
        double up = fmin(fmax(height_of(p, y), 0), 1);
        int dx = (int)lround((x - p->x_lo) / (p->x_hi - p->x_lo) * (w * g->sub_w - 1));
        int dy = (int)lround((1 - up) * (h * g->sub_h - 1));
        bits[dy / g->sub_h * w + dx / g->sub_w] |= (unsigned char)(1u << (dy % g->sub_h * g->sub_w + dx % g->sub_w));
    }
    for (int i = 0; i < w * h; i++) {
        if (bits[i]) {
            canvas_put(c, a.x + LABEL_W + 1 + i % w, a.y + i / w, glyph_dots(t, bits[i], d->letter), s);
        }
    }
}

void spark_draw(struct canvas *c, struct area a, const struct plot_line *l, double x_end, enum tier t)
{
    enum { EMPTY, GAP, NOT_A_NUMBER, VALUE };
    const struct glyphs *g = glyphs_of(t);
    float least[64];
    uint8_t kind[64] = {0};
    const int w = a.w > 64 ? 64 : a.w;
    const struct style s = {l->role, 0};
    if (w < 1 || l->n == 0 || !(x_end > 0)) {
        return;
    }
    double lo = INFINITY, hi = -INFINITY;
    double from = 0;
    for (size_t i = 0; i < l->n; i++) {
        double to = (double)l->x[i];
        int first = (int)floor(from / x_end * w + 1e-6), last = (int)ceil(to / x_end * w - 1e-6) - 1;
        from = to;
        for (int k = first < 0 ? 0 : first; k <= last && k < w; k++) {
            if (!isfinite(l->y[i])) {
                kind[k] = NOT_A_NUMBER;
            } else if (kind[k] != VALUE || l->y[i] < least[k]) {
                least[k] = l->y[i];
                kind[k] = kind[k] == NOT_A_NUMBER ? NOT_A_NUMBER : VALUE;
            }
        }
    }
    for (int k = 0; k < w; k++) {
        lo = kind[k] == VALUE ? fmin(lo, (double)least[k]) : lo;
        hi = kind[k] == VALUE ? fmax(hi, (double)least[k]) : hi;
    }
    for (int k = 0; k < w; k++) {
        if (kind[k] == VALUE) {
            double f = hi > lo ? ((double)least[k] - lo) / (hi - lo) : 0;
            canvas_put(c, a.x + k, a.y, g->ramp[(int)lround(f * (g->n_ramp - 1))], s);
        } else if (kind[k] == NOT_A_NUMBER) {
            canvas_put(c, a.x + k, a.y, g->nan, STYLE(BAD));
        }
    }
}

void bar_draw(struct canvas *c, struct area a, struct style s, double share, enum tier t)
{
    const struct glyphs *g = glyphs_of(t);
    if (a.w < 1) {
        return;
    }
    share = share > 0 ? fmin(share, 1) : 0; /* NaN: empty */
    int parts = (int)lround(share * a.w * g->n_fill);
    for (int k = 0; k < a.w; k++) {
        int n = parts - k * g->n_fill;
        canvas_put(c, a.x + k, a.y, n <= 0 ? ' ' : g->fill[n >= g->n_fill ? g->n_fill - 1 : n - 1], s);
    }
}
