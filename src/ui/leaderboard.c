#include "leaderboard.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "number.h"
#include "vaetop/base/str.h"

#define MOVE_SHOWN_US INT64_C(15000000)

uint8_t phase_role(enum trial_phase p)
{
    static const uint8_t role[PHASE_COUNT] = {
        [PHASE_QUEUED] = ROLE_WAIT, [PHASE_ACTIVE] = ROLE_RUN, [PHASE_PAUSED] = ROLE_PAUSE, [PHASE_HELD] = ROLE_PAUSE,
        [PHASE_DONE] = ROLE_DONE,
        [PHASE_PRUNED] = ROLE_PRUNE, [PHASE_STOPPED] = ROLE_STOP, [PHASE_DIVERGED] = ROLE_FAIL,
        [PHASE_NOMEM] = ROLE_FAIL, [PHASE_FAILED] = ROLE_FAIL, [PHASE_ENQUEUED] = ROLE_WAIT};
    return p < PHASE_COUNT ? role[p] : (uint8_t)ROLE_FAIL;
}

static int digits(int64_t n)
{
    int d = 1;
    while (n >= 10) {
        n /= 10;
        d++;
    }
    return d;
}

/* Width of a column, its place in the order of leaving (0: never), as they stand on the screen. */
struct wanted {
    int id, w, leave;
};

static int want_columns(struct wanted *k, const struct view *v, bool marked)
{
    int n = 0, epochs = 0, count = v->planned > (int)v->n ? v->planned : (int)v->n;
    for (size_t i = 0; i < v->n; i++) {
        epochs = v->trial[i].epochs > epochs ? v->trial[i].epochs : epochs;
    }
    int epoch_w = 2 * digits(epochs) + 1, number_w = digits(count), latent_w = 5;
    k[n++] = (struct wanted){COL_MARK, marked ? 3 : 2, 0};
    k[n++] = (struct wanted){COL_RANK, number_w < 2 ? 2 : number_w, 3};
    k[n++] = (struct wanted){COL_MOVE, 2, 10};
    k[n++] = (struct wanted){COL_NUMBER, number_w < 3 ? 3 : number_w, 0};
    k[n++] = (struct wanted){COL_STATE, 1, 0};
    k[n++] = (struct wanted){COL_EPOCH, epoch_w < 5 ? 5 : epoch_w, 2};
    k[n++] = (struct wanted){COL_VALUE, 7, 0};
    k[n++] = (struct wanted){COL_REC, 7, 8};
    k[n++] = (struct wanted){COL_KL, 6, 7};
    k[n++] = (struct wanted){COL_ACTIVE, latent_w, 11};
    for (int i = 0; i < v->n_params; i++) {
        k[n++] = (struct wanted){COL_PARAM + i, v->param[i].width, i == 0 ? 5 : i == 1 ? 9 : 10 + 2 * i};
    }
    k[n++] = (struct wanted){COL_RATE, 5, 12};
    k[n++] = (struct wanted){COL_SPARK, 8, 4};
    k[n++] = (struct wanted){COL_ETA, 6, 6};
    if (v->n_devices > 1) {
        k[n++] = (struct wanted){COL_DEVICE, 10, 100};
    }
    return n;
}

/* A blank stands before the column. */
static int separate(int id)
{
    return id != COL_MARK && id != COL_RANK && id != COL_MOVE;
}

void leaderboard_plan_make(struct leaderboard_plan *p, const struct view *v, int w, bool marked)
{
    struct wanted k[LEADERBOARD_COLUMNS];
    int n = want_columns(k, v, marked), sum = 0;
    for (int i = 0; i < n; i++) {
        sum += k[i].w + separate(k[i].id);
    }
    while (sum > w) {
        int worst = 0;
        for (int i = 1; i < n; i++) {
            worst = k[i].w > 0 && (k[worst].w == 0 || k[i].leave > k[worst].leave) ? i : worst;
        }
        if (k[worst].leave == 0) {
            break; /* what is left is cut at the edge */
        }
        sum -= k[worst].w + separate(k[worst].id);
        k[worst].w = 0;
    }
    int extra = w - sum, x = 0;
    p->n = 0;
    for (int i = 0; i < n; i++) {
        if (k[i].w == 0) {
            continue;
        }
        int grow = k[i].id == COL_SPARK    ? (extra > 16 ? 16 : extra)
                   : k[i].id == COL_DEVICE ? (extra - 16 > 14 ? 14 : extra - 16)
                                           : 0;
        grow = grow < 0 ? 0 : grow;
        x += separate(k[i].id);
        p->col[p->n++] = (struct leaderboard_column){k[i].id, x, k[i].w + grow};
        x += k[i].w + grow;
    }
}

static const char *column_title(char *buf, size_t cap, const struct view *v, int id)
{
    static const char *const title[COL_PARAM] = {
        [COL_MARK] = "", [COL_RANK] = "RK", [COL_MOVE] = "", [COL_NUMBER] = "#", [COL_STATE] = "S", [COL_EPOCH] = "EPOCH",
        [COL_VALUE] = "VALUE", [COL_REC] = "REC", [COL_KL] = "KL", [COL_ACTIVE] = "ACT", [COL_RATE] = "IMG/S",
        [COL_SPARK] = "LOSS", [COL_ETA] = "ETA", [COL_DEVICE] = "DEVICE"};
    (void)str_copy(buf, cap, id < COL_PARAM ? title[id] : v->param[id - COL_PARAM].title);
    for (char *p = buf; *p; p++) {
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
    }
    return buf;
}

static bool left_aligned(int id)
{
    return id == COL_STATE || id == COL_SPARK || id == COL_DEVICE;
}

static void draw_head(struct canvas *c, const struct view *v, const struct ui_state *s,
                      const struct leaderboard_plan *p)
{
    const struct glyphs *g = glyphs_of(s->tier);
    struct area a = s->layout.head;
    for (int i = 0; i < p->n && a.h > 0; i++) {
        const struct leaderboard_column *k = &p->col[i];
        char title[24];
        int n = text_columns(column_title(title, sizeof title, v, k->id));
        bool sorted = k->id == s->sort;
        struct style style = sorted ? (struct style){ROLE_HEAD, ATTR_UNDERLINE} : STYLE(HEAD);
        if (left_aligned(k->id)) {
            canvas_text(c, a.x + k->x, a.y, k->w, style, title);
        } else {
            canvas_right(c, a.x + k->x, a.y, k->w, style, title);
        }
        if (sorted) {
            int x = left_aligned(k->id) ? k->x - 1 : k->x + (n < k->w ? k->w - n : 0) - 1;
            canvas_put(c, a.x + x, a.y, s->invert ? g->down : g->up, STYLE(HEAD));
        }
    }
}

static void cell_epoch(char *buf, size_t cap, const struct view_trial *t)
{
    if (t->epochs > 0) {
        (void)snprintf(buf, cap, "%d/%d", t->epoch, t->epochs);
    } else {
        (void)snprintf(buf, cap, "-");
    }
}

static void cell_active(char *buf, size_t cap, const struct view_trial *t)
{
    if (isnan(t->active)) {
        (void)snprintf(buf, cap, "-");
    } else if (t->latent > 0 && t->latent < 1000) {
        (void)snprintf(buf, cap, "%.0f/%d", t->active, t->latent);
    } else {
        (void)str_fit(buf, cap, t->active, 5, 0);
    }
}

static void cell_eta(char *buf, size_t cap, const struct view_trial *t)
{
    buf[0] = 0;
    if (t->phase == PHASE_ACTIVE) {
        (void)num_eta(buf, cap, t->eta_s);
    } else if (t->phase == PHASE_PAUSED) {
        (void)snprintf(buf, cap, "paused");
    } else if (t->phase == PHASE_HELD) {
        (void)snprintf(buf, cap, "held");
    } else if (t->phase == PHASE_QUEUED || t->phase == PHASE_ENQUEUED) {
        (void)snprintf(buf, cap, "next");
    }
}

static void cell_value(char *buf, size_t cap, const struct view_trial *t, double v, int w)
{
    if (isnan(v) && t->phase == PHASE_DIVERGED) {
        (void)snprintf(buf, cap, "NaN");
    } else {
        (void)str_fit(buf, cap, v, w, 2);
    }
}

static void cell_text(char *buf, size_t cap, const struct view *v, const struct view_trial *t, int id, int w)
{
    buf[0] = 0;
    switch (id) {
    case COL_RANK:
        (void)str_fit(buf, cap, t->rank > 0 ? t->rank : (double)NAN, w, 0);
        break;
    case COL_NUMBER:
        (void)snprintf(buf, cap, "%d", t->number);
        break;
    case COL_EPOCH:
        cell_epoch(buf, cap, t);
        break;
    case COL_VALUE:
        cell_value(buf, cap, t, view_shown(v, t->value), w);
        break;
    case COL_REC:
        (void)str_fit(buf, cap, t->rec, w, 2);
        break;
    case COL_KL:
        (void)str_fit(buf, cap, t->kl, w, 2);
        break;
    case COL_ACTIVE:
        cell_active(buf, cap, t);
        break;
    case COL_RATE:
        (void)num_si(buf, cap, t->rate);
        break;
    case COL_ETA:
        cell_eta(buf, cap, t);
        break;
    case COL_DEVICE:
        (void)str_copy(buf, cap, t->device ? t->device : "-");
        break;
    default:
        if (id >= COL_PARAM) {
            (void)view_param_text(buf, cap, v, t, id - COL_PARAM);
            if (!buf[0]) {
                (void)snprintf(buf, cap, "-");
            }
        }
    }
}

static void draw_spark(struct canvas *c, const struct view *v, const struct ui_state *s, const struct view_trial *t,
                       struct area a)
{
    const struct view_series *e = view_series(v, t->number);
    if (e && e->n > 0) {
        struct plot_line l = {.x = e->epoch, .y = e->y[SERIES_VALUE], .n = e->n, .role = ROLE_SPARK};
        double end = t->epochs > e->last_epoch ? t->epochs : e->last_epoch;
        spark_draw(c, a, &l, end, s->tier);
    } else if (t->reason) {
        canvas_text(c, a.x, a.y, a.w, STYLE(BAD), t->reason);
    }
}

static uint8_t cell_role(const struct view *v, const struct view_trial *t, int id)
{
    bool over = trial_phase_state(t->phase) == TRIAL_PRUNED || trial_phase_state(t->phase) == TRIAL_FAIL;
    if (id == COL_VALUE) {
        return t->number == v->best         ? ROLE_BEST
               : t->phase == PHASE_DIVERGED ? ROLE_BAD
               : isnan(t->value)            ? ROLE_DIM
                                            : ROLE_TITLE;
    }
    if (id == COL_RANK || id == COL_RATE || over || t->phase == PHASE_QUEUED || t->phase == PHASE_ENQUEUED) {
        return ROLE_DIM;
    }
    return ROLE_TEXT;
}

/* t tagged, P pinned, x about to stop. */
static void draw_mark(struct canvas *c, const struct ui_state *s, const struct view_trial *t, struct area a)
{
    struct style style = {ROLE_WARN, t->number == s->selected ? ATTR_REVERSE : 0};
    bool stops = false;
    for (int i = 0; i < s->n_pending; i++) {
        stops = stops || s->pending[i].trial == t->number;
    }
    char mark = stops ? 'x' : marks_has(&s->tags, t->number) ? 't' : marks_has(&s->pins, t->number) ? 'P' : 0;
    if (mark) {
        canvas_put(c, a.x + 2, a.y, (uint32_t)(unsigned char)mark, style);
    }
}

/* Places won or lost by the newest value: an arrow and how many, for a moment. */
static void draw_move(struct canvas *c, const struct view *v, const struct ui_state *s, const struct view_trial *t,
                      struct area a)
{
    const struct glyphs *g = glyphs_of(s->tier);
    int places = t->moved < 0 ? -t->moved : t->moved;
    if (places == 0 || v->now_us - t->moved_us > MOVE_SHOWN_US) {
        return;
    }
    canvas_put(c, a.x, a.y, t->moved > 0 ? g->up : g->down, t->moved > 0 ? STYLE(GOOD) : STYLE(WARN));
    canvas_put(c, a.x + 1, a.y, places > 9 ? '+' : (uint32_t)('0' + places), t->moved > 0 ? STYLE(GOOD) : STYLE(WARN));
}

static void draw_row(struct canvas *c, const struct view *v, const struct ui_state *s, const struct leaderboard_plan *p,
                     const struct view_trial *t, struct area a)
{
    const struct glyphs *g = glyphs_of(s->tier);
    bool chosen = t->number == s->selected;
    for (int i = 0; i < p->n; i++) {
        const struct leaderboard_column *k = &p->col[i];
        struct style style = {cell_role(v, t, k->id), 0};
        char text[256];
        if (k->id == COL_SPARK) {
            draw_spark(c, v, s, t, (struct area){a.x + k->x, a.y, k->w, 1});
        } else if (k->id == COL_STATE) {
            style.role = phase_role(t->phase);
            canvas_put(c, a.x + k->x, a.y, (uint32_t)(unsigned char)trial_phase_letter(t->phase), style);
            if (t->edited) {
                canvas_put(c, a.x + k->x + 1, a.y, '+', STYLE(WARN));
            }
        } else if (k->id == COL_MOVE) {
            draw_move(c, v, s, t, (struct area){a.x + k->x, a.y, k->w, 1});
        } else if (k->id != COL_MARK) {
            cell_text(text, sizeof text, v, t, k->id, k->w);
            if (left_aligned(k->id)) {
                canvas_text(c, a.x + k->x, a.y, k->w, style, text);
            } else {
                canvas_right(c, a.x + k->x, a.y, k->w, style, text);
            }
        }
    }
    if (chosen) {
        canvas_restyle(c, a, (struct style){ROLE_TITLE, ATTR_REVERSE});
        canvas_put(c, a.x, a.y, g->select, (struct style){ROLE_TITLE, ATTR_REVERSE});
    }
    draw_mark(c, s, t, a);
    if (t->number == v->best) {
        canvas_put(c, a.x + 1, a.y, g->best, (struct style){ROLE_BEST, chosen ? ATTR_REVERSE : 0});
    }
}

static void draw_empty(struct canvas *c, const struct view *v, struct area a)
{
    const char *line = v->link == LINK_OFFLINE && v->study_phase[0] == 0 ? "No trials yet."
                       : v->link == LINK_OFFLINE                         ? "No trials, and no engine runs."
                                                 : "No trials yet: the first ones are being chosen.";
    char text[160];
    canvas_text(c, a.x + 2, a.y + (a.h > 2 ? 1 : 0), a.w - 3, STYLE(TITLE), line);
    if (a.h > 2) {
        (void)snprintf(text, sizeof text,
                       v->link == LINK_OFFLINE ? "Start it with:  vaetop run %.80s" : "They show here at once.",
                       v->name[0] ? v->name : "PRESET");
        canvas_text(c, a.x + 2, a.y + 2, a.w - 3, STYLE(DIM), text);
    }
}

int leaderboard_column_at(const struct view *v, const struct ui_state *s, int x)
{
    struct leaderboard_plan p;
    leaderboard_plan_make(&p, v, s->layout.list.w, s->tags.n + s->pins.n + s->n_pending > 0);
    for (int i = 0; i < p.n; i++) {
        int id = p.col[i].id, from = s->layout.head.x + p.col[i].x;
        if (x >= from - 1 && x < from + p.col[i].w) {
            return id == COL_MARK || id == COL_RANK || id == COL_MOVE || id == COL_SPARK || id == COL_DEVICE ? -1 : id;
        }
    }
    return -1;
}

void leaderboard_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct leaderboard_plan p;
    struct area a = s->layout.list;
    if (v->n_order == 0 && v->n > 0 && s->filter.n > 0) {
        char text[240];
        (void)snprintf(text, sizeof text, "0 of %zu trials match %s; Esc shows all", v->n, s->filter.text);
        canvas_text(c, a.x + 2, a.y + (a.h > 2 ? 1 : 0), a.w - 3, STYLE(TITLE), text);
        return;
    }
    if (v->n_order == 0) {
        draw_empty(c, v, a);
        return;
    }
    leaderboard_plan_make(&p, v, a.w, s->tags.n + s->pins.n + s->n_pending > 0);
    draw_head(c, v, s, &p);
    for (int y = 0; y < a.h && s->top + (size_t)y < v->n_order; y++) {
        const struct view_trial *t = &v->trial[v->order[s->top + (size_t)y]];
        draw_row(c, v, s, &p, t, (struct area){a.x, a.y + y, a.w, 1});
    }
}
