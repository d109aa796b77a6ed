/* The screens that are one list: devices and log. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "leaderboard.h"
#include "number.h"
#include "vaetop/base/str.h"

/* --- devices */

static void choose_row(struct canvas *c, const struct ui_state *s, struct area a)
{
    canvas_restyle(c, a, (struct style){ROLE_TITLE, ATTR_REVERSE});
    canvas_put(c, a.x, a.y, glyphs_of(s->tier)->select, (struct style){ROLE_TITLE, ATTR_REVERSE});
}

/* "[####    ]  83%" or "[        ]    -": nothing here is estimated. */
static void draw_share(struct canvas *c, struct area a, double share, enum tier t)
{
    char text[16] = "   -";
    if (!isnan(share)) {
        (void)snprintf(text, sizeof text, "%3.0f%%", fmin(fmax(share, 0), 1) * 100);
    }
    if (a.w > 9) {
        canvas_put(c, a.x, a.y, '[', STYLE(BORDER));
        bar_draw(c, (struct area){a.x + 1, a.y, a.w - 7, 1}, STYLE(BAR), share, t);
        canvas_put(c, a.x + a.w - 6, a.y, ']', STYLE(BORDER));
    }
    canvas_right(c, a.x, a.y, a.w, STYLE(TEXT), text);
}

/* Widths of the table's columns from what the screen gives. */
struct device_columns {
    int type, name, state, slots, busy, memory, slices;
};

static struct device_columns device_columns(int w)
{
    struct device_columns k = {.type = 1, .name = 6};
    int name_w = w >= 140 ? 48 : w >= 110 ? 36 : w >= 70 ? 22 : w >= 50 ? 18 : 12;
    k.state = k.name + name_w + 1;
    k.slots = k.state + 9;
    k.busy = k.slots + 7;
    k.memory = w >= 140 ? k.busy + 30 : w >= 70 ? k.busy + 15 : k.busy + 7;
    k.slices = w >= 110 ? k.memory + 26 : w;
    return k;
}

static void draw_device_row(struct canvas *c, const struct view_device *d, struct area a, enum tier t)
{
    struct device_columns k = device_columns(a.w);
    char text[64], used[16], total[16];
    bool ready = strcmp(d->state, "ready") == 0;
    canvas_text(c, a.x + k.type, a.y, 4, STYLE(HEAD), d->type);
    canvas_text(c, a.x + k.name, a.y, k.state - k.name - 1, STYLE(TEXT), d->name);
    canvas_text(c, a.x + k.state, a.y, 8, ready ? STYLE(GOOD) : strcmp(d->state, "lost") == 0 ? STYLE(BAD) : STYLE(WARN),
                d->state);
    (void)snprintf(text, sizeof text, "%d/%d", d->slots_used, d->slots);
    canvas_right(c, a.x + k.slots - 1, a.y, 6, STYLE(TEXT), text);
    draw_share(c, (struct area){a.x + k.busy, a.y, k.memory - k.busy - 1, 1}, d->busy, t);
    (void)snprintf(text, sizeof text, "%s of %s", str_bytes(used, sizeof used, d->bytes_used),
                   str_bytes(total, sizeof total, d->bytes_total));
    canvas_text(c, a.x + k.memory, a.y, a.w - k.memory - 1, STYLE(TEXT), d->bytes_total > 0 ? text : "-");
    (void)snprintf(text, sizeof text, "%d", d->slices);
    canvas_right(c, a.x + k.slices, a.y, 6, STYLE(TEXT), k.slices < a.w ? text : "");
}

static void draw_device_head(struct canvas *c, struct area a)
{
    struct device_columns k = device_columns(a.w);
    canvas_text(c, a.x + k.type, a.y, 4, STYLE(HEAD), "TYPE");
    canvas_text(c, a.x + k.name, a.y, 8, STYLE(HEAD), "DEVICE");
    canvas_text(c, a.x + k.state, a.y, 8, STYLE(HEAD), "STATE");
    canvas_text(c, a.x + k.slots, a.y, 6, STYLE(HEAD), "SLOTS");
    canvas_text(c, a.x + k.busy, a.y, k.memory - k.busy - 1, STYLE(HEAD), k.memory - k.busy > 9 ? "OUR BUSY SHARE" : "BUSY");
    canvas_text(c, a.x + k.memory, a.y, a.w - k.memory - 1, STYLE(HEAD), "OUR MEMORY");
    canvas_text(c, a.x + k.slices, a.y, 6, STYLE(HEAD), k.slices < a.w ? "SLICES" : "");
}

/* The trials that run now and where; their device is a word such as cpu:0, so a device of several slices has several. */
static void draw_running(struct canvas *c, const struct view *v, const struct ui_state *s, struct area a)
{
    int y = a.y + 1;
    if (a.h < 3) {
        return;
    }
    pane_rule(c, a, s->tier, "running now", "+ - one trial more or fewer at once");
    for (size_t i = 0; i < v->n && y < a.y + a.h; i++) {
        const struct view_trial *t = &v->trial[i];
        char text[200], rate[16], eta[16];
        if (t->phase != PHASE_ACTIVE) {
            continue;
        }
        (void)snprintf(text, sizeof text, "#%-5d %-10s epoch %d/%d   %s images/s   %s left", t->number,
                       t->device ? t->device : "-", t->epoch, t->epochs, num_si(rate, sizeof rate, t->rate),
                       num_eta(eta, sizeof eta, t->eta_s));
        canvas_text(c, a.x + 1, y++, a.w - 2, t->number == s->selected ? STYLE(TITLE) : STYLE(TEXT), text);
    }
    if (y == a.y + 1) {
        canvas_text(c, a.x + 1, y, a.w - 2, STYLE(DIM), "no trial");
    }
}

void devices_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.body;
    if (v->n_devices == 0) {
        canvas_text(c, a.x + 2, a.y + (a.h > 2), a.w - 3, STYLE(TITLE),
                    v->link == LINK_LIVE ? "No device yet: they are being started." : "No engine runs, so no device is used.");
        canvas_text(c, a.x + 2, a.y + 3, a.h > 3 ? a.w - 3 : 0, STYLE(DIM), "vaetop devices lists what this machine has");
        return;
    }
    int head = a.h >= 3 ? 1 : 0, rows = a.h - head > v->n_devices ? v->n_devices : a.h - head;
    if (head) {
        draw_device_head(c, (struct area){a.x, a.y, a.w, 1});
    }
    int top = s->device >= rows ? s->device - rows + 1 : 0;
    for (int i = 0; i < rows; i++) {
        struct area row = {a.x, a.y + head + i, a.w, 1};
        draw_device_row(c, &v->device[top + i], row, s->tier);
        if (top + i == s->device) {
            choose_row(c, s, row);
        }
    }
    int y = a.y + head + rows + 1;
    draw_running(c, v, s, (struct area){a.x, y, a.w, a.y + a.h - y});
}

/* --- log */

static bool log_shown(const struct ui_state *s, const struct view_log *l)
{
    return !s->log_mine || l->trial == s->selected;
}

void log_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.body;
    int total = 0, skip, y = a.y + a.h - 1;
    for (int i = 0; i < v->n_logs; i++) {
        total += log_shown(s, &v->log[i]);
    }
    if (total == 0) {
        canvas_text(c, a.x + 2, a.y + (a.h > 2), a.w - 3, STYLE(TITLE),
                    v->n_logs == 0 ? "The log is empty." : "No line of this trial; a shows all.");
        return;
    }
    int most = total > a.h ? total - a.h : 0;
    skip = s->log_back > most ? most : s->log_back;
    if (total < a.h) {
        y = a.y + total - 1;
    }
    for (int i = v->n_logs - 1; i >= 0 && y >= a.y; i--) {
        const struct view_log *l = &v->log[i];
        if (!log_shown(s, l) || skip-- > 0) {
            continue;
        }
        bool mine = l->trial >= 0 && l->trial == s->selected;
        int x = a.x + 1 + canvas_text(c, a.x + 1, y, 8, STYLE(DIM), l->time) + 1;
        canvas_text(c, x, y--, a.x + a.w - x - 1, mine ? STYLE(TITLE) : STYLE(TEXT), l->text);
    }
    if (most > 0 && s->log_back > 0) {
        char text[40];
        (void)snprintf(text, sizeof text, " %d newer below ", s->log_back > most ? most : s->log_back);
        canvas_right(c, a.x, a.y + a.h - 1, a.w - 1, (struct style){ROLE_WARN, ATTR_REVERSE}, text);
    }
}
