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

/* Lines set in columns, the left part of each left_w wide. */
struct help_block {
    struct help_line line[HELP_LINES];
    int n, columns, left_w;
};

static void key_line(struct help_line *l, const struct key_row *r)
{
    (void)key_labels(l->left, sizeof l->left, r);
    l->right = r->help;
    l->style = STYLE(KEY);
}

/* What this screen is for first, then the rest in the table's order. */
static int key_lines(struct help_line *l, const struct ui_state *s)
{
    const uint8_t *here = screen_actions(s);
    bool done[ACT_COUNT] = {false};
    int n = 0;
    for (int i = 0; i < SCREEN_ACTIONS && here[i] != ACT_NONE; i++) {
        key_line(&l[n++], key_row_of((enum action)here[i]));
        done[here[i]] = true;
    }
    for (size_t i = 0; i < key_table_rows && n < HELP_LINES; i++) {
        if (!done[key_table[i].action]) {
            key_line(&l[n++], &key_table[i]);
        }
    }
    return n;
}

static int state_lines(struct help_line *l)
{
    for (int p = 0; p < PHASE_COUNT; p++) {
        (void)snprintf(l[p].left, sizeof l[p].left, "%c %s", trial_phase_letter((enum trial_phase)p),
                       trial_phase_word((enum trial_phase)p));
        l[p].right = trial_phase_meaning((enum trial_phase)p);
        l[p].style = (struct style){phase_role((enum trial_phase)p), 0};
    }
    return PHASE_COUNT;
}

static int word_lines(struct help_line *l)
{
    static const struct {
        const char *left, *right;
    } words[] = {
        {"VALUE", "validation -ELBO at beta 1, nats per image; * is the best"},
        {"REC KL", "its two parts: reconstruction, KL to the prior"},
        {"ACT", "latents in use, of all"},
        {"LOSS", "its curve over the planned epochs; ! is NaN"},
        {"R+", "edited while it ran"},
        {"t P x", "tagged, pinned, about to stop"},
    };
    int n = (int)(sizeof words / sizeof *words);
    for (int i = 0; i < n; i++) {
        (void)snprintf(l[i].left, sizeof l[i].left, "%s", words[i].left);
        l[i].right = words[i].right;
        l[i].style = STYLE(HEAD);
    }
    return n;
}

/* Returns the row after the last. Rows outside the body are not drawn, so that help scrolls. */
static int draw_block(struct canvas *c, struct area body, int row, const struct help_block *b)
{
    int rows = (b->n + b->columns - 1) / b->columns, w = body.w / b->columns;
    for (int i = 0; i < b->n; i++) {
        const struct help_line *l = &b->line[i];
        int y = row + i / b->columns, x = body.x + i % b->columns * w; /* along first: a page has the first ones */
        if (y >= 0 && y < body.h) {
            canvas_text(c, x, body.y + y, b->left_w, l->style, l->left);
            canvas_text(c, x + b->left_w + 1, body.y + y, w - b->left_w - 2, STYLE(TEXT), l->right);
        }
    }
    return row + rows;
}

/* All of help from row -top on; returns its height. */
static int draw_help(struct canvas *c, const struct ui_state *s, struct area body, int top)
{
    bool wide = s->w >= 76;
    struct help_block b = {.columns = wide ? 2 : 1, .left_w = 12};
    b.n = key_lines(b.line, s);
    int row = draw_block(c, body, -top, &b) + 1;
    b.n = state_lines(b.line);
    b.columns = s->h >= 36 || !wide ? 1 : 5; /* on a low screen letters and words without their meanings */
    b.left_w = b.columns == 5 ? 14 : 12;
    row = draw_block(c, body, row, &b) + 1;
    b.n = word_lines(b.line);
    b.columns = 1;
    b.left_w = 12;
    return draw_block(c, body, row, &b) + top;
}

void help_draw(struct canvas *c, const struct ui_state *s)
{
    struct area body = {1, 2, s->w - 2, s->h - 3};
    if (body.h < 1) {
        body = (struct area){0, 0, s->w, s->h};
    }
    int height = draw_help(c, s, body, s->h + 1000); /* above the screen: only measures */
    int top = s->help_top > height - body.h ? height - body.h : s->help_top;
    (void)draw_help(c, s, body, top < 0 ? 0 : top);
    if (body.y == 2) {
        canvas_text(c, 1, 0, s->w - 2, STYLE(TITLE), "vaetop help: this screen's keys, then all others");
        canvas_right(c, s->w - 12, 0, 11, STYLE(DIM), "Esc closes");
        canvas_fill(c, (struct area){0, 1, s->w, 1}, glyphs_of(s->tier)->hline, STYLE(BORDER));
        canvas_text(c, 1, s->h - 1, s->w - 2, STYLE(DIM),
                    height > body.h ? "j or PgDn: more   the study goes on" : "the study goes on   man vaetop has the rest");
    }
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
