#include "theme.h"

#include <string.h>

struct paint theme_paint(struct style s, int colors)
{
    static const struct {
        int16_t c256, c16, c8;
        uint8_t attr, mono;
    } role[ROLE_COUNT] = {
#define X(id, c256, c16, c8, attr, mono) {c256, c16, c8, attr, mono},
        ROLE_LIST(X)
#undef X
    };
    struct paint p = {-1, s.attr};
    if (s.role >= ROLE_COUNT) {
        return p;
    }
    if (colors == 0) {
        p.attr |= role[s.role].mono;
        return p;
    }
    p.color = colors >= 256 ? role[s.role].c256 : colors >= 16 ? role[s.role].c16 : role[s.role].c8;
    p.attr |= role[s.role].attr;
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
