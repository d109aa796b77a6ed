/* A grid of character cells, the only thing screens draw on. Colours are roles of the theme, never numbers, so that the
 * same picture serves every terminal and every test. Writes outside the grid are dropped; nothing here allocates but
 * canvas_resize() and canvas_dump(). */
#ifndef VAETOP_UI_CANVAS_H
#define VAETOP_UI_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "vaetop/base/str.h"

/* What a cell means. X(ID, colour of 256, of 16, of 8, attributes in colour, attributes in mono); -1: the terminal's
 * own. The 256 ones sit on exact cube entries, else tmux shows them grey on fewer colours, and are middling bright, so
 * that they show on dark and on light. */
#define ROLE_LIST(X) \
    X(TEXT, -1, -1, -1, 0, 0) \
    X(DIM, 245, 8, -1, 0, ATTR_DIM) \
    X(BORDER, 240, 8, -1, 0, ATTR_DIM) \
    X(TITLE, -1, -1, -1, ATTR_BOLD, ATTR_BOLD) \
    X(BRAND, 32, 14, 6, ATTR_BOLD, ATTR_BOLD) \
    X(HEAD, 33, 12, 6, ATTR_BOLD, ATTR_BOLD) \
    X(KEY, 32, 14, 6, ATTR_BOLD, ATTR_BOLD) \
    X(GOOD, 34, 10, 2, 0, 0) \
    X(WARN, 172, 11, 3, 0, ATTR_BOLD) \
    X(BAD, 203, 9, 1, ATTR_BOLD, ATTR_BOLD) \
    X(BEST, 172, 11, 3, ATTR_BOLD, ATTR_BOLD) \
    X(RUN, 34, 10, 2, ATTR_BOLD, ATTR_BOLD) \
    X(WAIT, 245, 8, -1, 0, ATTR_DIM) \
    X(PAUSE, 172, 11, 3, ATTR_BOLD, ATTR_BOLD) \
    X(DONE, 33, 12, 4, 0, 0) \
    X(PRUNE, 134, 13, 5, 0, 0) \
    X(STOP, 166, 3, 3, 0, 0) \
    X(FAIL, 203, 9, 1, ATTR_BOLD, ATTR_BOLD) \
    X(VAL, 33, 12, 6, 0, 0) \
    X(TRAIN, 166, 3, 3, 0, ATTR_DIM) \
    X(SPARK, 33, 12, 6, 0, 0) \
    X(BAR, 34, 10, 2, 0, 0) \
    X(CLASS0, 33, 12, 4, 0, 0) \
    X(CLASS1, 166, 3, 3, 0, 0) \
    X(CLASS2, 34, 10, 2, 0, 0) \
    X(CLASS3, 203, 9, 1, 0, 0) \
    X(CLASS4, 134, 13, 5, 0, 0) \
    X(CLASS5, 37, 14, 6, 0, 0) \
    X(CLASS6, 178, 11, 3, ATTR_BOLD, 0) \
    X(CLASS7, 245, 15, 7, 0, 0) \
    X(CLASS8, 137, 2, 2, ATTR_BOLD, 0) \
    X(CLASS9, 68, 4, 4, ATTR_BOLD, 0)

enum role {
#define X(id, ...) ROLE_##id,
    ROLE_LIST(X)
#undef X
    ROLE_COUNT
};

/* Two pixels of an image in one cell, upper and lower: role ROLE_PIXEL + upper * GREYS + lower, black to white. */
#define GREYS 12
#define ROLE_PIXEL ROLE_COUNT
/* Two classes in one cell: role ROLE_CLASSES + upper * 10 + lower. */
#define ROLE_CLASSES (ROLE_PIXEL + GREYS * GREYS)
#define ROLE_END (ROLE_CLASSES + 10 * 10)

enum { ATTR_BOLD = 1, ATTR_DIM = 2, ATTR_REVERSE = 4, ATTR_UNDERLINE = 8 };

struct style {
    uint16_t role, attr;
};
#define STYLE(r) ((struct style){ROLE_##r, 0})

/* ch 0: the right half of the wide character before it. */
struct cell {
    uint32_t ch;
    struct style style;
};

struct area {
    int x, y, w, h;
};

#define CANVAS_W_MAX 512
#define CANVAS_H_MAX 256

struct canvas {
    int w, h;
    bool ascii; /* anything above 0x7e becomes '?' */
    struct cell *cell;
};

/* Sizes are clipped to 1 .. the maximum; a new size is empty. {0} is a valid canvas to begin with. */
void canvas_resize(struct canvas *c, int w, int h);
void canvas_release(struct canvas *c);
void canvas_clear(struct canvas *c);

void canvas_put(struct canvas *c, int x, int y, uint32_t ch, struct style s);
void canvas_fill(struct canvas *c, struct area a, uint32_t ch, struct style s);

/* UTF-8 text in at most `most` columns; longer text ends in an ellipsis. Returns the columns used. */
int canvas_text(struct canvas *c, int x, int y, int most, struct style s, const char *text);
/* The same with its last column at x + w - 1. */
void canvas_right(struct canvas *c, int x, int y, int w, struct style s, const char *text);
/* Changes role and attributes of what is there: the selected row. */
void canvas_restyle(struct canvas *c, struct area a, struct style s);

/* Columns a character takes: 0 (combining, format), 1 or 2. A fixed table, so that pictures do not depend on the
 * locale; term.c replaces what the terminal's own table sees differently. */
int glyph_columns(uint32_t ch);
/* Next character of UTF-8 text, moving *s; invalid bytes come as U+FFFD. 0 at the end. */
uint32_t utf8_next(const char **s);
int text_columns(const char *text);
/* Bytes of the text's first row in rows of w columns: to its last blank there, or cut where a word is longer. The rest
 * begins after it. */
size_t text_fold(const char *text, int w);

/* Appends the picture as text, one line a row, trailing blanks dropped. */
void canvas_dump(struct sbuf *out, const struct canvas *c);

#endif
