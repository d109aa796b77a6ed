/* The Devices screen: what the machine has, what the study uses of it, what runs where; and its keys. What nobody says
 * is "-": nothing here is estimated. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "leaderboard.h"
#include "number.h"
#include "vaetop/base/str.h"

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
    int type, name, state, slots, busy, memory, slices, readings;
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
    k.readings = w >= 156 ? k.slices + 8 : w; /* else only below, of the chosen one */
    return k;
}

/* "71 C"; "-": the driver does not say. */
static const char *reading(char *buf, size_t cap, double v, const char *unit)
{
    if (isnan(v)) {
        return "-";
    }
    (void)snprintf(buf, cap, "%.0f %s", v, unit);
    return buf;
}

static struct style state_style(const struct view_device *d)
{
    static const char *const bad[] = {"lost", "unusable"}, *const dim[] = {"off"};
    if (strcmp(d->state, "ready") == 0) {
        return STYLE(GOOD);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (strcmp(d->state, bad[i]) == 0) {
            return STYLE(BAD);
        }
    }
    return strcmp(d->state, dim[0]) == 0 ? STYLE(DIM) : STYLE(WARN);
}

static void draw_readings(struct canvas *c, const struct view_device *d, int x, int y)
{
    char text[16];
    canvas_right(c, x, y, 5, STYLE(TEXT), reading(text, sizeof text, d->temperature_c, "C"));
    canvas_right(c, x + 6, y, 6, STYLE(TEXT), reading(text, sizeof text, d->power_w, "W"));
    canvas_right(c, x + 13, y, 5, STYLE(TEXT), reading(text, sizeof text, d->load * 100, "%"));
}

static void draw_device_row(struct canvas *c, const struct view_device *d, struct area a, enum tier t)
{
    struct device_columns k = device_columns(a.w);
    char text[64], used[16], total[16];
    canvas_text(c, a.x + k.type, a.y, 4, STYLE(HEAD), d->type);
    canvas_text(c, a.x + k.name, a.y, k.state - k.name - 1, STYLE(TEXT), d->name);
    canvas_text(c, a.x + k.state, a.y, 8, state_style(d), d->state);
    if (!view_device_used(d)) {
        return;
    }
    (void)snprintf(text, sizeof text, "%d/%d", d->slots_used, d->slots);
    canvas_right(c, a.x + k.slots - 1, a.y, 6, STYLE(TEXT), text);
    draw_share(c, (struct area){a.x + k.busy, a.y, k.memory - k.busy - 1, 1}, d->busy, t);
    (void)snprintf(text, sizeof text, k.slices < a.w ? "%s of %s" : "%s/%s", str_bytes(used, sizeof used, d->bytes_used),
                   str_bytes(total, sizeof total, d->bytes_total));
    canvas_text(c, a.x + k.memory, a.y, a.w - k.memory - 1, STYLE(TEXT), d->bytes_total > 0 ? text : "-");
    (void)snprintf(text, sizeof text, "%d", d->slices);
    canvas_right(c, a.x + k.slices, a.y, 6, STYLE(TEXT), k.slices < a.w ? text : "");
    if (k.readings < a.w) {
        draw_readings(c, d, a.x + k.readings, a.y);
    }
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
    canvas_text(c, a.x + k.readings, a.y, 18, STYLE(HEAD), k.readings < a.w ? " TEMP  POWER  LOAD" : "");
}

/* Of the chosen device: what the driver says of it, and what there is to say. */
static void draw_device_more(struct canvas *c, const struct view_device *d, struct area a)
{
    char text[260], t[16], w[16], l[16];
    (void)snprintf(text, sizeof text, "temperature %s   power %s   load %s%s%s",
                   reading(t, sizeof t, d->temperature_c, "C"), reading(w, sizeof w, d->power_w, "W"),
                   reading(l, sizeof l, d->load * 100, "%"), d->note[0] ? "   " : "", d->note);
    if (!view_device_used(d) && d->note[0]) {
        (void)str_copy(text, sizeof text, d->note);
    } else if (!view_device_used(d)) {
        (void)snprintf(text, sizeof text, "not used by this study; Space switches it on");
    }
    canvas_text(c, a.x + 1, a.y, a.w - 2, STYLE(DIM), text);
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
    int y = a.y + head + rows;
    if (y < a.y + a.h) {
        draw_device_more(c, &v->device[s->device], (struct area){a.x, y++, a.w, 1});
    }
    y++;
    draw_running(c, v, s, (struct area){a.x, y, a.w, a.y + a.h - y});
}

/* --- keys */

static const struct view_device *chosen(struct ui_state *s, const struct view *v)
{
    if (v->link != LINK_LIVE || v->n_devices == 0) {
        state_say(s, true, v->link != LINK_LIVE ? "no engine runs this study, so it uses no device" : "no device yet");
        return NULL;
    }
    return &v->device[s->device];
}

static struct wish device_wish(const struct view_device *d, enum command c)
{
    struct wish w = {.kind = WISH_COMMAND, .command = c, .trial = -1};
    (void)snprintf(w.arg, sizeof w.arg, "%d", d->card);
    return w;
}

struct wish act_device_switch(struct ui_state *s, const struct view *v, bool only_off)
{
    const struct view_device *d = chosen(s, v);
    if (!d) {
        return wish_nothing();
    }
    if (strcmp(d->use, "unusable") == 0) {
        state_say(s, true, d->note);
    } else if (strcmp(d->use, "on") != 0) {
        return only_off ? wish_nothing() : device_wish(d, COMMAND_DEVICE_ON);
    } else if (d->slots_used == 0) {
        return device_wish(d, COMMAND_DEVICE_OFF);
    } else {
        s->question = ASK_DEVICE;
        s->choice = 0;
        s->asked_card = d->card;
    }
    return wish_nothing();
}

struct wish act_device_answer(const struct ui_state *s, char answer)
{
    const struct view_device d = {.card = s->asked_card};
    return answer == 'n'   ? device_wish(&d, COMMAND_DEVICE_OFF)
           : answer == 'f' ? device_wish(&d, COMMAND_DEVICE_DRAIN)
                           : wish_nothing();
}

struct wish act_device_test(struct ui_state *s, const struct view *v)
{
    const struct view_device *d = chosen(s, v);
    if (d && strcmp(d->use, "unusable") == 0) {
        state_say(s, true, d->note);
    }
    return d && strcmp(d->use, "unusable") != 0 ? device_wish(d, COMMAND_DEVICE_TEST) : wish_nothing();
}
