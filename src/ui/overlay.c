/* Help and questions, drawn over the dashboard. */
#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "keys.h"
#include "leaderboard.h"

/* One line of help: a key, a state letter or a word on the left, its meaning on the right. */
struct help_line {
    char left[40];
    const char *right;
    struct style style;
};
#define HELP_LINES 64

static int key_lines(struct help_line *l)
{
    int n = 0;
    for (size_t i = 0; i < key_table_rows && n < HELP_LINES; i++) {
        (void)key_names(l[n].left, sizeof l[n].left, &key_table[i]);
        l[n].right = key_table[i].help;
        l[n++].style = STYLE(KEY);
    }
    return n;
}

static int word_lines(struct help_line *l)
{
    static const struct {
        const char *left, *right;
    } words[] = {
        {"VALUE", "what is minimised, in nats per image"},
        {"REC KL", "its two parts: reconstruction, KL"},
        {"ACT", "latents in use, of all"},
        {"LOSS", "its curve over the planned epochs"},
        {"RK *", "rank by value; * the best"},
        {"+", "edited while it ran"},
    };
    int n = 0;
    for (int p = 0; p < PHASE_COUNT; p++) {
        (void)snprintf(l[n].left, sizeof l[n].left, "%c %s", trial_phase_letter((enum trial_phase)p),
                       trial_phase_word((enum trial_phase)p));
        l[n].right = trial_phase_meaning((enum trial_phase)p);
        l[n++].style = (struct style){phase_role((enum trial_phase)p), 0};
    }
    l[n++] = (struct help_line){"", "", STYLE(TEXT)};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        (void)snprintf(l[n].left, sizeof l[n].left, "%s", words[i].left);
        l[n].right = words[i].right;
        l[n++].style = STYLE(HEAD);
    }
    return n;
}

static void draw_lines(struct canvas *c, struct area a, int left_w, const struct help_line *l, int n)
{
    for (int i = 0; i < n && i < a.h; i++) {
        canvas_text(c, a.x, a.y + i, left_w, l[i].style, l[i].left);
        canvas_text(c, a.x + left_w + 1, a.y + i, a.w - left_w - 1, STYLE(TEXT), l[i].right);
    }
}

void help_draw(struct canvas *c, const struct ui_state *s)
{
    struct help_line line[HELP_LINES];
    bool two = s->w >= 76;
    struct area body = {1, 2, s->w - 2, s->h - 3};
    if (body.h < 1) {
        body = (struct area){0, 0, s->w, s->h};
    } else {
        canvas_text(c, 1, 0, s->w - 2, STYLE(TITLE), "vaetop " VAETOP_VERSION " help");
        canvas_right(c, s->w / 2, 0, s->w - s->w / 2 - 1, STYLE(DIM), "Esc closes");
        canvas_fill(c, (struct area){0, 1, s->w, 1}, glyphs_of(s->tier)->hline, STYLE(BORDER));
        canvas_text(c, 1, s->h - 1, s->w - 2, STYLE(DIM), "j k scroll   the study goes on   man vaetop has the rest");
    }
    int keys = key_lines(line), n = two ? keys : keys + 1 + word_lines(line + keys + 1);
    if (!two) {
        line[keys] = (struct help_line){"", "", STYLE(TEXT)};
    }
    int top = s->help_top > n - body.h ? n - body.h : s->help_top;
    top = top < 0 ? 0 : top;
    if (!two) {
        draw_lines(c, body, 14, line + top, n - top);
        return;
    }
    int half = s->w >= 110 ? 64 : s->w * 54 / 100;
    draw_lines(c, (struct area){1, body.y, half - 2, body.h}, 14, line + top, n - top);
    n = word_lines(line);
    top = top > n - body.h ? (n > body.h ? n - body.h : 0) : top;
    draw_lines(c, (struct area){half, body.y, s->w - half - 1, body.h}, 11, line + top, n - top);
}

void question_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    const struct glyphs *g = glyphs_of(s->tier);
    struct answer a[ANSWERS_MAX];
    char title[80];
    int n = question_answers(a, s->question), w = text_columns(question_title(title, sizeof title, s, v)) + 6;
    for (int i = 0; i < n; i++) {
        int need = text_columns(a[i].text) + 9;
        w = need > w ? need : w;
    }
    w = w > s->w ? s->w : w;
    int h = n + 4 > s->h ? n + 1 : n + 4;
    struct area box = {(s->w - w) / 2, (s->h - h) / 2 < 0 ? 0 : (s->h - h) / 2, w, h};
    canvas_fill(c, box, ' ', STYLE(TEXT));
    bool framed = h == n + 4;
    if (framed) {
        canvas_fill(c, (struct area){box.x, box.y, w, 1}, g->hline, STYLE(BORDER));
        canvas_fill(c, (struct area){box.x, box.y + h - 1, w, 1}, g->hline, STYLE(BORDER));
        canvas_fill(c, (struct area){box.x, box.y, 1, h}, g->vline, STYLE(BORDER));
        canvas_fill(c, (struct area){box.x + w - 1, box.y, 1, h}, g->vline, STYLE(BORDER));
        canvas_put(c, box.x, box.y, g->box_tl, STYLE(BORDER));
        canvas_put(c, box.x + w - 1, box.y, g->box_tr, STYLE(BORDER));
        canvas_put(c, box.x, box.y + h - 1, g->box_bl, STYLE(BORDER));
        canvas_put(c, box.x + w - 1, box.y + h - 1, g->box_br, STYLE(BORDER));
    }
    int y = box.y + (framed ? 1 : 0);
    canvas_text(c, box.x + 2, y++, w - 3, STYLE(TITLE), title);
    for (int i = 0; i < n; i++) {
        int row = y + i + (framed ? 1 : 0);
        char key[2] = {a[i].key, 0};
        canvas_text(c, box.x + 4, row, w - 6, STYLE(KEY), key);
        canvas_text(c, box.x + 6, row, w - 8, STYLE(TEXT), a[i].text);
        if (i == s->choice) {
            canvas_restyle(c, (struct area){box.x + 2, row, w - 4, 1}, (struct style){ROLE_TITLE, ATTR_REVERSE});
            canvas_put(c, box.x + 2, row, g->select, (struct style){ROLE_TITLE, ATTR_REVERSE});
        }
    }
}
