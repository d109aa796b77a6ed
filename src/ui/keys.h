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
    UK_BACKTAB,
    UK_BACKSPACE,
    UK_RESIZE,
    UK_IGNORE, /* focus reports, unknown sequences */
    UK_CLICK,  /* where: term_click() */
    UK_WHEEL_UP,
    UK_WHEEL_DOWN,
    UK_F1      /* UK_F1 + n - 1 is Fn */
};
enum { UK_TAB = 9, UK_ENTER = 13, UK_ESC = 27, UK_SPACE = 32 };
#define UK_CTRL(letter) ((letter) - '@')
#define UK_F(n) (UK_F1 + (n) - 1)

/* X(ACTION, keys, word on the key bar or NULL, help). Which words a screen shows stands in screen.c. */
#define KEYS(...) {__VA_ARGS__}
#define KEY_TABLE(X) \
    X(HELP, KEYS('?', UK_F(1)), "help", "this help") \
    X(SCREEN, KEYS('1', '0', '2', '3', '4', '5'), NULL, "screens as in the top row") \
    X(NEXT_SCREEN, KEYS(UK_TAB), "screens", "next screen") \
    X(PREVIOUS_SCREEN, KEYS(UK_BACKTAB), NULL, "screen before") \
    X(UP, KEYS('k', UK_UP), NULL, "line above") \
    X(DOWN, KEYS('j', UK_DOWN), NULL, "line below") \
    X(PAGE_UP, KEYS(UK_PAGE_UP, UK_CTRL('U')), NULL, "page up") \
    X(PAGE_DOWN, KEYS(UK_PAGE_DOWN, UK_CTRL('D')), NULL, "page down") \
    X(TOP, KEYS('g', UK_HOME), NULL, "first line") \
    X(BOTTOM, KEYS('G', UK_END), NULL, "last line") \
    X(OPEN, KEYS(UK_ENTER), "open", "open the trial or study") \
    X(BACK, KEYS(UK_ESC), "back", "one step back; no quit") \
    X(PAUSE, KEYS('p', UK_F(5)), "pause", "pause or resume trials") \
    X(STOP, KEYS('x', UK_F(9)), "stop", "stop trials: asks how") \
    X(UNDO, KEYS('u'), NULL, "take a stop back, 5 s") \
    X(EDIT, KEYS('e', UK_F(7)), "edit", "edit lr, beta or epochs") \
    X(CLONE, KEYS('C', UK_F(8)), "clone", "clone it, with changes") \
    X(ENQUEUE, KEYS('E'), "by hand", "a trial of your own") \
    X(SLOTS_UP, KEYS('+'), "slot more", "one trial more at once") \
    X(SLOTS_DOWN, KEYS('-'), "slot fewer", "one trial fewer at once") \
    X(SELF_TEST, KEYS('t'), "self-test", "test the chosen device") \
    X(FILTER, KEYS('\\', UK_F(4)), "filter", "show only some trials") \
    X(SEARCH, KEYS('/', UK_F(3)), "search", "search a trial") \
    X(FIND_NEXT, KEYS('n'), NULL, "search on") \
    X(FIND_PREVIOUS, KEYS('N'), NULL, "search back") \
    X(SORT_LEFT, KEYS('<'), NULL, "sort: column to the left") \
    X(SORT_RIGHT, KEYS('>', UK_F(6)), "sort", "sort: column to the right") \
    X(INVERT, KEYS('I'), NULL, "turn the order round") \
    X(FOLLOW, KEYS('F'), NULL, "follow the best trial") \
    X(TAG, KEYS(UK_SPACE), "tag", "tag; a device: on or off") \
    X(UNTAG, KEYS('U'), NULL, "no trial tagged any more") \
    X(PIN, KEYS('P'), NULL, "pin the trial to the top") \
    X(NEXT_TRIAL, KEYS('}'), "next trial", "next trial") \
    X(PREVIOUS_TRIAL, KEYS('{'), NULL, "trial before") \
    X(EARLIER, KEYS(','), "earlier", "an epoch earlier") \
    X(LATER, KEYS('.'), "later", "an epoch later") \
    X(CROSSHAIR, KEYS('i'), "crosshair", "crosshair on the curves") \
    X(LEFT, KEYS('h', UK_LEFT), NULL, "crosshair left") \
    X(RIGHT, KEYS('l', UK_RIGHT), NULL, "crosshair right") \
    X(ZOOM_IN, KEYS('['), "zoom", "curves: shorter window") \
    X(ZOOM_OUT, KEYS(']'), NULL, "curves: longer window") \
    X(ZOOM_ALL, KEYS('='), NULL, "curves: all epochs") \
    X(LOG_Y, KEYS('y'), "log", "loss axis linear or log") \
    X(LATENT_MODE, KEYS('m'), "latent", "latent plot's next style") \
    X(PICTURES, KEYS('v'), "images", "inputs, outputs, samples") \
    X(FRONT, KEYS('o'), "slice or front", "Study: slice or front") \
    X(OBJECTIVE, KEYS('O'), NULL, "Study: other objective") \
    X(LOG_MINE, KEYS('a'), "one trial or all", "log: this trial or all") \
    X(SETUP, KEYS('S', UK_F(2)), "setup", "glyphs, colours, mouse") \
    X(SAVE, KEYS('W', UK_F(12)), "save", "setup: save the settings") \
    X(COMMAND, KEYS(':'), "command", "command line; Tab helps") \
    X(DETACH, KEYS('d'), "detach", "leave, training goes on") \
    X(QUIT, KEYS('q', UK_F(10), UK_CTRL('C')), "quit", "leave; asks if trials run") \
    X(SUSPEND, KEYS(UK_CTRL('Z')), NULL, "to the shell; fg returns") \
    X(REDRAW, KEYS(UK_CTRL('L')), NULL, "draw everything again")

enum action {
    ACT_NONE,
#define X(id, ...) ACT_##id,
    KEY_TABLE(X)
#undef X
    ACT_COUNT
};

#define KEYS_PER_ACTION 6
struct key_row {
    enum action action;
    int key[KEYS_PER_ACTION]; /* 0 after the last */
    const char *bar;
    const char *help;
};
extern const struct key_row key_table[];
extern const size_t key_table_rows;

enum action key_action(int key);
const struct key_row *key_row_of(enum action act);

/* "j", "Ctrl-Z", "PgUp", "F5". Returns buf. cap >= 12. */
const char *key_label(char *buf, size_t cap, int key);
/* All keys of a row: "j Down". cap >= 48. */
const char *key_labels(char *buf, size_t cap, const struct key_row *row);

#endif
