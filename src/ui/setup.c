/* The setup screen: every change shows at once and lasts until the person leaves; only saving writes the file. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "leaderboard.h"

void setup_apply(struct ui_state *s)
{
    int want = s->set.value[SET_GLYPHS]; /* auto, then the tiers in their order */
    s->tier = want == 0 || want - 1 > (int)s->tier_most ? s->tier_most : (enum tier)(want - 1);
}

static void change(struct ui_state *s, int step)
{
    enum setting k = (enum setting)s->setup_row;
    int n = setting_words(k), *value = &s->set.value[k];
    *value = (*value + step + n) % n;
    setup_apply(s);
    if (k == SET_GLYPHS && *value - 1 > (int)s->tier_most) {
        state_say(s, true, "this terminal's locale, type or --ascii allows no more than what shows");
    }
}

bool setup_key(struct ui_state *s, enum action act, int key, struct wish *w)
{
    switch (act) {
    case ACT_UP:
    case ACT_DOWN:
        s->setup_row = (s->setup_row + (act == ACT_UP ? SETTING_COUNT - 1 : 1)) % SETTING_COUNT;
        return true;
    case ACT_LEFT:
    case ACT_RIGHT:
        change(s, act == ACT_LEFT ? -1 : 1);
        return true;
    case ACT_OPEN:
    case ACT_TAG:
        change(s, 1);
        return true;
    case ACT_SAVE:
        *w = (struct wish){.kind = WISH_SAVE, .trial = -1};
        return true;
    case ACT_BACK:
    case ACT_QUIT:
    case ACT_SETUP:
        s->setup = false;
        return true;
    case ACT_SUSPEND:
    case ACT_REDRAW:
    case ACT_DETACH:
        return false;
    default:
        (void)key;
        return true;
    }
}

/* One tier's bars, curve and image, in its own characters. */
static void draw_tier(struct canvas *c, enum tier t, struct area a, bool usable)
{
    static const char *const name[TIER_COUNT] = {"ascii", "block", "braille"};
    static const float x[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, y[] = {9, 6, 4, 3, 2.2f, 1.7f, 1.3f, 1.1f, 1, 0.9f};
    const struct glyphs *g = glyphs_of(t);
    const bool ascii = c->ascii;
    struct plot_line l = {.x = x, .y = y, .n = 10, .role = ROLE_SPARK};
    canvas_text(c, a.x, a.y, 8, STYLE(HEAD), name[t]);
    if (!usable) {
        canvas_text(c, a.x + 9, a.y, a.w - 9, STYLE(DIM), "not with this locale or terminal type");
        return;
    }
    c->ascii = false; /* the other tiers must show as they are */
    spark_draw(c, (struct area){a.x + 9, a.y, 10, 1}, &l, 9, t);
    bar_draw(c, (struct area){a.x + 21, a.y, 10, 1}, STYLE(BAR), 0.64, t);
    for (int i = 0; i < 8 && a.w > 42; i++) {
        canvas_put(c, a.x + 33 + i, a.y, glyph_dots(t, 0x93u >> (i & 3) | 1u << (i & 3), '*'), STYLE(VAL));
    }
    for (int i = 0; i < 10 && a.w > 54; i++) {
        canvas_put(c, a.x + 43 + i, a.y, g->ink[i * g->n_ink / 10], STYLE(TEXT));
    }
    c->ascii = ascii;
}

/* State letters, classes and marks, in the colours in force. */
static void draw_colours(struct canvas *c, struct area a)
{
    for (int p = 0; p < PHASE_COUNT && 2 * p < a.w; p++) {
        canvas_put(c, a.x + 2 * p, a.y, (uint32_t)(unsigned char)trial_phase_letter((enum trial_phase)p),
                   (struct style){phase_role((enum trial_phase)p), 0});
    }
    for (int k = 0; k < 10 && 23 + 2 * k < a.w; k++) {
        canvas_put(c, a.x + 23 + 2 * k, a.y, (uint32_t)('0' + k), (struct style){(uint16_t)(ROLE_CLASS0 + k), 0});
    }
    canvas_text(c, a.x + 45, a.y, a.w - 45, STYLE(BEST), "best");
    canvas_text(c, a.x + 50, a.y, a.w - 50, STYLE(WARN), "warning");
    canvas_text(c, a.x + 58, a.y, a.w - 58, STYLE(BAD), "error");
}

static void draw_preview(struct canvas *c, const struct ui_state *s, struct area a)
{
    int y = a.y;
    if (a.h < 3) {
        return;
    }
    pane_rule(c, (struct area){a.x, y++, a.w, 1}, s->tier, "what this terminal shows", "");
    for (int t = 0; t < TIER_COUNT && y < a.y + a.h; t++) {
        draw_tier(c, (enum tier)t, (struct area){a.x + 2, y++, a.w - 3, 1}, t <= (int)s->tier_most);
    }
    if (y + 1 < a.y + a.h) {
        draw_colours(c, (struct area){a.x + 2, y + 1, a.w - 3, 1});
        y += 2;
    }
    if (y + 2 < a.y + a.h && s->tier != TIER_ASCII) {
        canvas_text(c, a.x + 2, y + 1, a.w - 3, STYLE(DIM),
                    "Boxes or question marks in a row: this font lacks it; take the row above.");
    }
}

void setup_draw(struct canvas *c, const struct ui_state *s)
{
    struct area a = s->layout.body;
    for (int k = 0; k < SETTING_COUNT && k < a.h; k++) {
        struct area row = {a.x, a.y + k, a.w, 1};
        char word[16];
        canvas_text(c, row.x + 2, row.y, 11, STYLE(HEAD), setting_name((enum setting)k));
        canvas_text(c, row.x + 14, row.y, 13, STYLE(TITLE),
                    setting_word(word, sizeof word, (enum setting)k, s->set.value[k]));
        canvas_text(c, row.x + 28, row.y, row.w - 29, STYLE(DIM), setting_help((enum setting)k));
        if (k == s->setup_row) {
            canvas_restyle(c, row, (struct style){ROLE_TITLE, ATTR_REVERSE});
            canvas_put(c, row.x, row.y, glyphs_of(s->tier)->select, (struct style){ROLE_TITLE, ATTR_REVERSE});
        }
    }
    draw_preview(c, s, (struct area){a.x, a.y + SETTING_COUNT + 1, a.w, a.h - SETTING_COUNT - 1});
}
