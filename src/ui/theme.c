#include "theme.h"

#include <string.h>

#include "vaetop/ui/ui.h"

static const char *const word[THEME_COUNT] = {
#define X(id, word) word,
    THEME_LIST(X)
#undef X
};

int theme_find(const char *name)
{
    for (int i = 0; i < THEME_COUNT && name; i++) {
        if (strcmp(name, word[i]) == 0) {
            return i;
        }
    }
    return name && strcmp(name, "color-blind") == 0 ? THEME_COLOR_BLIND : name ? -1 : THEME_DEFAULT;
}

const char *ui_themes(void)
{
    return "default|light|mono|colour-blind";
}

/* Colours of 256 that differ from the default theme's. 0: the same. */
static const uint8_t light[ROLE_COUNT] = {
    [ROLE_DIM] = 240,    [ROLE_BORDER] = 248, [ROLE_BRAND] = 25,   [ROLE_HEAD] = 25,    [ROLE_KEY] = 25,
    [ROLE_GOOD] = 28,    [ROLE_WARN] = 130,   [ROLE_BAD] = 160,    [ROLE_BEST] = 130,   [ROLE_RUN] = 28,
    [ROLE_WAIT] = 240,   [ROLE_PAUSE] = 130,  [ROLE_DONE] = 26,    [ROLE_PRUNE] = 90,   [ROLE_STOP] = 130,
    [ROLE_FAIL] = 160,   [ROLE_VAL] = 26,     [ROLE_TRAIN] = 130,  [ROLE_SPARK] = 26,   [ROLE_BAR] = 28,
    [ROLE_CLASS0] = 26,  [ROLE_CLASS1] = 130, [ROLE_CLASS2] = 28,  [ROLE_CLASS3] = 160, [ROLE_CLASS4] = 90,
    [ROLE_CLASS5] = 30,  [ROLE_CLASS6] = 94,  [ROLE_CLASS7] = 240, [ROLE_CLASS8] = 52,  [ROLE_CLASS9] = 18};
/* Okabe and Ito (2008): orange 214, sky blue 74, green 36, yellow 220, blue 32, vermillion 166, purple 175. */
static const uint8_t color_blind[ROLE_COUNT] = {
    [ROLE_GOOD] = 74,    [ROLE_WARN] = 214,   [ROLE_BAD] = 166,    [ROLE_BEST] = 214,   [ROLE_RUN] = 74,
    [ROLE_PAUSE] = 214,  [ROLE_DONE] = 32,    [ROLE_PRUNE] = 175,  [ROLE_STOP] = 175,   [ROLE_FAIL] = 166,
    [ROLE_VAL] = 74,     [ROLE_TRAIN] = 214,  [ROLE_SPARK] = 74,   [ROLE_BAR] = 74,     [ROLE_CLASS0] = 32,
    [ROLE_CLASS1] = 214, [ROLE_CLASS2] = 36,  [ROLE_CLASS3] = 166, [ROLE_CLASS4] = 175, [ROLE_CLASS5] = 74,
    [ROLE_CLASS6] = 220, [ROLE_CLASS7] = 245, [ROLE_CLASS8] = 131, [ROLE_CLASS9] = 25};

/* A cell of two halves. Pixels have exact greys, whatever the theme: an image is no text. */
static struct paint two_colors(enum theme theme, struct style s, int colors)
{
    static const uint8_t grey[GREYS] = {16, 233, 235, 237, 239, 241, 243, 246, 248, 251, 253, 231};
    struct paint p = {-1, -1, s.attr};
    if (s.role >= ROLE_CLASSES && s.role < ROLE_END) {
        int top = (s.role - ROLE_CLASSES) / 10, low = (s.role - ROLE_CLASSES) % 10;
        p.color = theme_paint(theme, (struct style){(uint16_t)(ROLE_CLASS0 + top), 0}, colors).color;
        p.back = theme_paint(theme, (struct style){(uint16_t)(ROLE_CLASS0 + low), 0}, colors).color;
    } else if (s.role < ROLE_CLASSES && colors >= 256) {
        p.color = grey[(s.role - ROLE_PIXEL) / GREYS];
        p.back = grey[(s.role - ROLE_PIXEL) % GREYS];
    }
    return p;
}

struct paint theme_paint(enum theme theme, struct style s, int colors)
{
    static const struct {
        int16_t c256, c16, c8;
        uint8_t attr, mono;
    } role[ROLE_COUNT] = {
#define X(id, c256, c16, c8, attr, mono) {c256, c16, c8, attr, mono},
        ROLE_LIST(X)
#undef X
    };
    struct paint p = {-1, -1, s.attr};
    if (s.role >= ROLE_PIXEL) {
        return two_colors(theme, s, colors);
    }
    if (colors == 0 || theme == THEME_MONO) {
        p.attr |= role[s.role].mono;
        return p;
    }
    p.color = colors >= 256 ? role[s.role].c256 : colors >= 16 ? role[s.role].c16 : role[s.role].c8;
    const uint8_t *other = theme == THEME_LIGHT ? light : theme == THEME_COLOR_BLIND ? color_blind : NULL;
    p.color = other && other[s.role] && colors >= 256 ? other[s.role] : p.color;
    bool class = s.role >= ROLE_CLASS0 && s.role <= ROLE_CLASS9;
    p.attr |= class && colors >= 256 ? 0 : role[s.role].attr; /* bold tells classes apart only where colours are few */
    if (s.attr & ATTR_REVERSE) {
        p.color = -1; /* the bar of the selected row is one colour; the letter still tells the state */
    }
    return p;
}

int theme_colors(const char *choice, const char *no_color, int terminal)
{
    int most = 256;
    choice = choice ? choice : "auto";
    if (strcmp(choice, "never") == 0 || (strcmp(choice, "auto") == 0 && no_color && no_color[0])) {
        return 0;
    }
    if (strcmp(choice, "16") == 0) {
        most = 16;
    }
    int n = terminal < most ? terminal : most;
    return n >= 256 ? 256 : n >= 16 ? 16 : n >= 8 ? 8 : 0;
}
