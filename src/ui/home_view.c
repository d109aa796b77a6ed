/* The Studies screen as a picture. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "home.h"
#include "number.h"

static void choose_row(struct canvas *c, const struct ui_state *s, struct area a)
{
    canvas_restyle(c, a, (struct style){ROLE_TITLE, ATTR_REVERSE});
    canvas_put(c, a.x, a.y, glyphs_of(s->tier)->select, (struct style){ROLE_TITLE, ATTR_REVERSE});
}

static uint8_t state_role(const char *state)
{
    return strcmp(state, "running") == 0       ? ROLE_RUN
           : strcmp(state, "finished") == 0    ? ROLE_DONE
           : strcmp(state, "interrupted") == 0 ? ROLE_FAIL
           : strcmp(state, "new") == 0         ? ROLE_WAIT
                                               : ROLE_PAUSE;
}

/* Columns from what the screen gives; what does not fit is left out from the right. */
struct study_columns {
    int name_w, state, trials, best, age, disk;
};

static struct study_columns study_columns(int w)
{
    struct study_columns k;
    k.name_w = w >= 110 ? 40 : w >= 76 ? 24 : w >= 50 ? 16 : 12;
    k.state = 2 + k.name_w;
    k.trials = k.state + 12;
    k.best = k.trials + 11;
    k.age = k.best + 11;
    k.disk = k.age + 10;
    return k;
}

static void draw_cell(struct canvas *c, struct area a, int x, int w, struct style s, const char *text)
{
    if (x + w <= a.w) {
        canvas_right(c, a.x + x, a.y, w, s, text);
    }
}

static void draw_study_head(struct canvas *c, struct area a)
{
    struct study_columns k = study_columns(a.w);
    canvas_text(c, a.x + 2, a.y, k.name_w, STYLE(HEAD), "STUDY");
    canvas_text(c, a.x + k.state, a.y, 12, STYLE(HEAD), "STATE");
    draw_cell(c, a, k.trials, 10, STYLE(HEAD), "TRIALS");
    draw_cell(c, a, k.best, 10, STYLE(HEAD), "BEST");
    draw_cell(c, a, k.age, 9, STYLE(HEAD), "AGE");
    draw_cell(c, a, k.disk, 10, STYLE(HEAD), "DISK");
}

static void draw_study(struct canvas *c, const struct view *v, const struct ui_study *t, struct area a)
{
    struct study_columns k = study_columns(a.w);
    char text[48];
    canvas_text(c, a.x + 2, a.y, k.name_w - 1, strcmp(t->name, v->name) == 0 ? STYLE(TITLE) : STYLE(TEXT), t->name);
    canvas_text(c, a.x + k.state, a.y, 11, (struct style){state_role(t->state), 0}, t->state);
    (void)snprintf(text, sizeof text, "%d/%d", t->ended, t->total);
    draw_cell(c, a, k.trials, 10, STYLE(TEXT), text);
    draw_cell(c, a, k.best, 10, STYLE(BEST), t->best);
    double age = (double)(v->now_us - t->changed_us) * 1e-6;
    draw_cell(c, a, k.age, 9, STYLE(DIM), t->changed_us > 0 && age >= 0 ? str_duration(text, sizeof text, age) : "-");
    draw_cell(c, a, k.disk, 10, STYLE(DIM), str_bytes(text, sizeof text, t->bytes));
}

static int preset_name_w(int w)
{
    return w >= 60 ? 14 : 11;
}

static void draw_preset(struct canvas *c, const struct home_preset *p, struct area a)
{
    int name_w = preset_name_w(a.w);
    canvas_text(c, a.x + 2, a.y, name_w - 1, STYLE(KEY), p->name);
    canvas_text(c, a.x + 2 + name_w, a.y, a.w - name_w - 3, STYLE(TEXT), p->lesson);
}

/* The list's lines: a head, the studies, a blank, a title, the presets. */
enum { LINE_HEAD, LINE_STUDY, LINE_BLANK, LINE_TITLE, LINE_PRESET };
static int line_kind(const struct home *h, size_t line, size_t *index)
{
    size_t n = h->n_studies > 0 ? h->n_studies : 1; /* without a study one line says so */
    *index = line - 1;
    if (line == 0) {
        return LINE_HEAD;
    }
    if (line <= n) {
        return LINE_STUDY;
    }
    *index = line - n - 3;
    return line == n + 1 ? LINE_BLANK : line == n + 2 ? LINE_TITLE : LINE_PRESET;
}

static size_t line_of_choice(const struct home *h)
{
    size_t n = h->n_studies > 0 ? h->n_studies : 1;
    return h->at < h->n_studies ? 1 + h->at : n + 3 + h->at - h->n_studies;
}

static void draw_line(struct canvas *c, const struct view *v, const struct ui_state *s, size_t line, struct area row)
{
    const struct home *h = s->home;
    size_t i = 0;
    switch (line_kind(h, line, &i)) {
    case LINE_HEAD:
        draw_study_head(c, row);
        break;
    case LINE_STUDY:
        if (h->n_studies == 0) {
            canvas_text(c, row.x + 2, row.y, row.w - 3, STYLE(TITLE),
                        "No studies yet. Enter twice starts quickstart: digits, no download.");
        } else {
            draw_study(c, v, &h->study[i], row);
        }
        break;
    case LINE_TITLE:
        pane_rule(c, row, s->tier, "presets to start", "Enter shows one");
        break;
    case LINE_PRESET:
        draw_preset(c, &h->preset[i], row);
        break;
    default:
        break;
    }
    if (line == line_of_choice(h)) {
        choose_row(c, s, row);
    }
}

/* The lesson over as many lines as it takes, broken at blanks. c NULL: only measures. Returns the lines used. */
static int draw_lesson(struct canvas *c, struct area a, const char *text)
{
    int y = 0;
    while (*text && y < a.h) {
        size_t n = strlen(text), fit = n;
        while (fit > 0 && ((int)fit > a.w || (text[fit] && text[fit] != ' '))) {
            fit--;
        }
        fit = fit == 0 ? n : fit;
        char line[256];
        (void)snprintf(line, sizeof line, "%.*s", (int)(fit > 250 ? 250 : fit), text);
        if (c) {
            canvas_text(c, a.x, a.y + y, a.w, STYLE(TEXT), line);
        }
        y++;
        text += fit;
        text += strspn(text, " ");
    }
    return y;
}

/* First row of the form's fields, and the first field in it. */
static int form_top(const struct ui_state *s, int *first)
{
    const struct home *h = s->home;
    const struct home_preset *p = home_preset(h);
    struct area a = s->layout.body;
    int y = a.y + (a.h >= 4);
    if (a.h >= 12 && p) {
        y += draw_lesson(NULL, (struct area){0, 0, a.w - 4, 3}, p->lesson) + 1;
    }
    int rows = a.y + a.h - y;
    *first = h->field >= rows ? h->field - rows + 1 : 0;
    return y;
}

static void draw_form(struct canvas *c, const struct ui_state *s)
{
    const struct home *h = s->home;
    struct area a = s->layout.body;
    struct home_field f[HOME_FIELDS];
    const struct home_preset *p = home_preset(h);
    int n = home_fields(h, f), top, y = form_top(s, &top);
    char title[100];
    (void)snprintf(title, sizeof title, "start %s", p ? p->name : "");
    if (a.h >= 4) {
        pane_rule(c, (struct area){a.x, a.y, a.w, 1}, s->tier, title, "Enter starts or edits   Esc goes back");
    }
    if (a.h >= 12 && p) {
        (void)draw_lesson(c, (struct area){a.x + 2, a.y + 1, a.w - 4, 3}, p->lesson);
    }
    int rows = a.y + a.h - y, label_w = a.w >= 60 ? 24 : 16;
    for (int i = top; i < n && i - top < rows; i++) {
        struct area row = {a.x, y + i - top, a.w, 1};
        char value[256];
        if (i == FIELD_START) {
            canvas_text(c, row.x + 2, row.y, row.w - 3, (struct style){ROLE_GOOD, ATTR_BOLD}, "Start this study");
        } else {
            canvas_text(c, row.x + 2, row.y, label_w - 1, STYLE(HEAD), f[i].label);
            canvas_text(c, row.x + 2 + label_w, row.y, row.w - label_w - 3, STYLE(TEXT),
                        home_value(value, sizeof value, h, i));
        }
        if (i == h->field) {
            choose_row(c, s, row);
        }
    }
}

/* First line of the list on screen. */
static size_t list_top(const struct home *h, int height)
{
    size_t at = line_of_choice(h), rows = height > 0 ? (size_t)height : 1;
    return at >= rows ? at - rows + 1 : 0;
}

bool home_click(struct ui_state *s, int y, bool *again)
{
    struct home *h = s->home;
    struct area a = s->layout.body;
    struct home_field f[HOME_FIELDS];
    size_t index = 0;
    int top;
    if (y < a.y || y >= a.y + a.h || h->ticking) {
        return false;
    }
    if (h->form) {
        int at = y - form_top(s, &top) + top;
        if (at < top || at >= home_fields(h, f)) {
            return false;
        }
        *again = at == h->field;
        h->field = at;
        return true;
    }
    int kind = line_kind(h, list_top(h, a.h) + (size_t)(y - a.y), &index);
    size_t at = kind == LINE_STUDY ? index : h->n_studies + index;
    if ((kind == LINE_STUDY && h->n_studies > 0) || (kind == LINE_PRESET && index < h->n_presets)) {
        *again = at == h->at;
        h->at = at;
        return true;
    }
    return false;
}

void home_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    const struct home *h = s->home;
    struct area a = s->layout.body;
    if (!h) {
        canvas_text(c, a.x + 2, a.y + (a.h > 2), a.w - 3, STYLE(TITLE), "vaetop alone opens all studies here.");
        return;
    }
    if (h->ticking) {
        home_ticks_draw(c, s);
        return;
    }
    if (h->form) {
        draw_form(c, s);
        return;
    }
    size_t lines = (h->n_studies > 0 ? h->n_studies : 1) + 3 + h->n_presets, rows = a.h > 0 ? (size_t)a.h : 1;
    size_t top = list_top(h, a.h);
    for (size_t i = 0; i < rows && top + i < lines; i++) {
        draw_line(c, v, s, top + i, (struct area){a.x, a.y + (int)i, a.w, 1});
    }
    const struct home_preset *p = home_preset(h); /* its row may be too short for the whole lesson */
    if (p && rows >= lines + 4 && text_columns(p->lesson) > a.w - preset_name_w(a.w) - 3) {
        (void)draw_lesson(c, (struct area){a.x + 2, a.y + (int)lines + 1, a.w - 4, 3}, p->lesson);
    }
}
