#include "canvas.h"

#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"

static int clip(int v, int lo, int hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

void canvas_resize(struct canvas *c, int w, int h)
{
    w = clip(w, 1, CANVAS_W_MAX);
    h = clip(h, 1, CANVAS_H_MAX);
    if (!c->cell || w != c->w || h != c->h) {
        free(c->cell);
        c->cell = xcalloc((size_t)w * (size_t)h, sizeof *c->cell);
        c->w = w;
        c->h = h;
        canvas_clear(c);
    }
}

void canvas_release(struct canvas *c)
{
    free(c->cell);
    *c = (struct canvas){0};
}

void canvas_clear(struct canvas *c)
{
    size_t w = (size_t)c->w;
    for (size_t x = 0; x < w; x++) {
        c->cell[x] = (struct cell){' ', STYLE(TEXT)};
    }
    for (int y = 1; y < c->h; y++) {
        memcpy(c->cell + (size_t)y * w, c->cell, w * sizeof *c->cell);
    }
}

void canvas_put(struct canvas *c, int x, int y, uint32_t ch, struct style s)
{
    if (x < 0 || y < 0 || x >= c->w || y >= c->h) {
        return;
    }
    struct cell *row = c->cell + (size_t)y * (size_t)c->w;
    if (c->ascii && (ch > 0x7e || ch < 0x20)) {
        ch = '?';
    }
    /* Half of a wide character must not be left over. */
    if (row[x].ch == 0 && x > 0) {
        row[x - 1].ch = ' ';
    }
    if (x + 1 < c->w && row[x + 1].ch == 0) {
        row[x + 1].ch = ' ';
    }
    row[x] = (struct cell){ch, s};
}

void canvas_fill(struct canvas *c, struct area a, uint32_t ch, struct style s)
{
    for (int y = a.y; y < a.y + a.h; y++) {
        for (int x = a.x; x < a.x + a.w; x++) {
            canvas_put(c, x, y, ch, s);
        }
    }
}

void canvas_restyle(struct canvas *c, struct area a, struct style s)
{
    int x_end = clip(a.x + a.w, 0, c->w), y_end = clip(a.y + a.h, 0, c->h);
    for (int y = clip(a.y, 0, c->h); y < y_end; y++) {
        for (int x = clip(a.x, 0, c->w); x < x_end; x++) {
            c->cell[(size_t)y * (size_t)c->w + (size_t)x].style = s;
        }
    }
}

uint32_t utf8_next(const char **s)
{
    const unsigned char *p = (const unsigned char *)*s;
    if (*p == 0) {
        return 0;
    }
    int more = *p < 0x80                 ? 0
               : *p >= 0xc2 && *p < 0xe0 ? 1
               : *p >= 0xe0 && *p < 0xf0 ? 2
               : *p >= 0xf0 && *p < 0xf5 ? 3
                                         : -1;
    uint32_t ch = more <= 0 ? *p : (uint32_t)(*p & (0x3f >> more));
    (*s)++;
    if (more < 0) {
        return 0xfffd;
    }
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0xfffd;
        }
        ch = ch << 6 | (uint32_t)(p[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (ch < least[more] || ch > 0x10ffff || (ch >= 0xd800 && ch < 0xe000)) {
        return 0xfffd;
    }
    *s += more;
    return ch;
}

int glyph_columns(uint32_t ch)
{
    static const struct {
        uint32_t lo, hi;
        int columns;
    } table[] = {
        {0x0300, 0x036f, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05bd, 0},   {0x0610, 0x061a, 0},
        {0x064b, 0x065f, 0},   {0x0900, 0x0902, 0},   {0x0941, 0x0948, 0},   {0x0e31, 0x0e31, 0},
        {0x0e34, 0x0e3a, 0},   {0x0e47, 0x0e4e, 0},   {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},
        {0x202a, 0x202e, 0},   {0x2060, 0x2064, 0},   {0x20d0, 0x20f0, 0},   {0x2e80, 0x303e, 2},
        {0x3041, 0x4dbf, 2},   {0x4e00, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},
        {0xfe00, 0xfe0f, 0},   {0xfe20, 0xfe2f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},
        {0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1f9ff, 2},
        {0x20000, 0x3fffd, 2}, {0xe0100, 0xe01ef, 0},
    };
    for (size_t i = 0; ch >= 0x300 && i < sizeof table / sizeof *table; i++) {
        if (ch >= table[i].lo && ch <= table[i].hi) {
            return table[i].columns;
        }
    }
    return 1;
}

int text_columns(const char *text)
{
    int n = 0;
    uint32_t ch;
    while ((ch = utf8_next(&text)) != 0) {
        n += glyph_columns(ch);
    }
    return n;
}

size_t text_fold(const char *text, int w)
{
    const char *s = text, *end = text, *blank = NULL;
    uint32_t ch;
    for (int used = 0; (ch = utf8_next(&s)) != 0; end = s) {
        used += glyph_columns(ch);
        if (used > w && end > text && ch != ' ') {
            return (size_t)((blank ? blank : end) - text);
        }
        blank = ch == ' ' ? s : blank;
    }
    return (size_t)(end - text);
}

int canvas_text(struct canvas *c, int x, int y, int most, struct style s, const char *text)
{
    bool cut = text_columns(text) > most;
    int room = cut ? most - 1 : most, used = 0;
    uint32_t ch;
    if (most <= 0) {
        return 0;
    }
    while ((ch = utf8_next(&text)) != 0) {
        int columns = glyph_columns(ch);
        if (columns == 0) {
            continue;
        }
        if (used + columns > room) {
            break;
        }
        if (columns == 2 && (c->ascii || x + used + 1 >= c->w)) {
            canvas_put(c, x + used, y, '?', s);
            canvas_put(c, x + used + 1, y, ' ', s);
        } else {
            canvas_put(c, x + used, y, ch < 0x20 ? '?' : ch, s);
            if (columns == 2 && x + used >= 0 && y >= 0 && y < c->h) {
                canvas_put(c, x + used + 1, y, ' ', s);
                c->cell[(size_t)y * (size_t)c->w + (size_t)(x + used + 1)].ch = 0;
            }
        }
        used += columns;
    }
    if (cut) {
        canvas_put(c, x + used, y, c->ascii ? '~' : 0x2026, s);
        used++;
    }
    return used;
}

void canvas_right(struct canvas *c, int x, int y, int w, struct style s, const char *text)
{
    int n = text_columns(text);
    canvas_text(c, n < w ? x + w - n : x, y, w, s, text);
}

static void add_utf8(struct sbuf *out, uint32_t ch)
{
    char b[5] = {0};
    if (ch < 0x80) {
        b[0] = (char)ch;
    } else if (ch < 0x800) {
        b[0] = (char)(0xc0 | ch >> 6);
        b[1] = (char)(0x80 | (ch & 0x3f));
    } else if (ch < 0x10000) {
        b[0] = (char)(0xe0 | ch >> 12);
        b[1] = (char)(0x80 | (ch >> 6 & 0x3f));
        b[2] = (char)(0x80 | (ch & 0x3f));
    } else {
        b[0] = (char)(0xf0 | ch >> 18);
        b[1] = (char)(0x80 | (ch >> 12 & 0x3f));
        b[2] = (char)(0x80 | (ch >> 6 & 0x3f));
        b[3] = (char)(0x80 | (ch & 0x3f));
    }
    sbuf_add(out, b);
}

void canvas_dump(struct sbuf *out, const struct canvas *c)
{
    for (int y = 0; y < c->h; y++) {
        const struct cell *row = c->cell + (size_t)y * (size_t)c->w;
        int end = c->w;
        while (end > 0 && row[end - 1].ch == ' ') {
            end--;
        }
        for (int x = 0; x < end; x++) {
            if (row[x].ch != 0) {
                add_utf8(out, row[x].ch);
            }
        }
        sbuf_add(out, "\n");
    }
}
