/* The one key table: key bar, help and the man page's KEYS come from it. */
#ifndef VAETOP_UI_KEYS_H
#define VAETOP_UI_KEYS_H

#include <stddef.h>
#include <stdint.h>

/* Characters are themselves; special keys lie above Unicode. */
enum key {
    KEYS_BASE = 0x110000,
    UK_UP = KEYS_BASE,
    UK_DOWN,
    UK_LEFT,
    UK_RIGHT,
    UK_PAGE_UP,
    UK_PAGE_DOWN,
    UK_HOME,
    UK_END,
    UK_RESIZE,
    UK_IGNORE, /* focus reports, unknown sequences */
    UK_F1      /* UK_F1 + n - 1 is Fn */
};
enum { UK_TAB = 9, UK_ENTER = 13, UK_ESC = 27, UK_SPACE = 32 };
#define UK_CTRL(letter) ((letter) - '@')
#define UK_F(n) (UK_F1 + (n) - 1)

/* X(ACTION, keys, word on the key bar or NULL, place on the bar (0: none; low ones stay longest), help) */
#define KEYS(...) {__VA_ARGS__}
#define KEY_TABLE(X) \
    X(HELP, KEYS('?', UK_F(1)), "help", 1, "this help") \
    X(UP, KEYS('k', UK_UP), NULL, 0, "trial above") \
    X(DOWN, KEYS('j', UK_DOWN), NULL, 0, "trial below") \
    X(PAGE_UP, KEYS(UK_PAGE_UP, UK_CTRL('U')), NULL, 0, "page up") \
    X(PAGE_DOWN, KEYS(UK_PAGE_DOWN, UK_CTRL('D')), NULL, 0, "page down") \
    X(TOP, KEYS('g', UK_HOME), NULL, 0, "first trial") \
    X(BOTTOM, KEYS('G', UK_END), NULL, 0, "last trial") \
    X(EXPAND, KEYS(UK_ENTER), "zoom", 6, "larger curves, or back") \
    X(PAUSE, KEYS('p', UK_F(5)), "pause", 2, "pause or resume the trial") \
    X(STOP, KEYS('x', UK_F(9)), "stop", 3, "stop the trial: asks how") \
    X(SORT_LEFT, KEYS('<'), NULL, 0, "sort: column to the left") \
    X(SORT_RIGHT, KEYS('>', UK_F(6)), "sort", 7, "sort: column to the right") \
    X(INVERT, KEYS('I'), NULL, 0, "turn the order round") \
    X(FOLLOW, KEYS('F'), NULL, 0, "follow the best trial") \
    X(LATENT_MODE, KEYS('m'), "latent", 8, "latent plot's next style") \
    X(LOG_Y, KEYS('y'), "log", 9, "loss axis linear or log") \
    X(DETACH, KEYS('d'), "detach", 5, "leave, training goes on") \
    X(QUIT, KEYS('q', UK_F(10), UK_CTRL('C')), "quit", 4, "leave; asks if trials run") \
    X(BACK, KEYS(UK_ESC), NULL, 0, "close this; never quits") \
    X(SUSPEND, KEYS(UK_CTRL('Z')), NULL, 0, "to the shell; fg returns") \
    X(REDRAW, KEYS(UK_CTRL('L')), NULL, 0, "draw everything again")

enum action {
    ACT_NONE,
#define X(id, ...) ACT_##id,
    KEY_TABLE(X)
#undef X
    ACT_COUNT
};

#define KEYS_PER_ACTION 4
struct key_row {
    enum action action;
    int key[KEYS_PER_ACTION]; /* 0 after the last */
    const char *bar;
    int bar_place;
    const char *help;
};
extern const struct key_row key_table[];
extern const size_t key_table_rows;

enum action key_action(int key);

/* "j", "Ctrl-Z", "PgUp", "F5". Returns buf. cap >= 12. */
const char *key_label(char *buf, size_t cap, int key);
/* All keys of a row: "j Down". cap >= 48. */
const char *key_labels(char *buf, size_t cap, const struct key_row *row);

#endif
