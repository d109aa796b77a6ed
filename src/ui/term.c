#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS
#include "term.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include <curses.h>

#include "keys.h"
#include "theme.h"
#include "tty.h"
#include "vaetop/base/alloc.h"

struct term {
    SCREEN *screen;
    int in_fd, out_fd;
    enum tier tier;
    int colors;
    enum theme theme;
    bool default_colors, mouse;
    int click_x, click_y;
    int pair[ROLE_END + 1]; /* by role; -1: not made yet */
    struct canvas last;       /* what the terminal shows */
    bool all;
    char notice[160];
};

/* Codes of our own for define_key(), above all of curses'. */
enum { OWN_IGNORE = KEY_MAX + 1, OWN_HOME, OWN_END, OWN_F };

static enum tier choose_tier(bool ascii, const char *type)
{
    static const char *const plain[] = {"linux", "vt100", "vt102", "vt220", "dumb", "ansi"};
    if (ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        return TIER_ASCII;
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (strcmp(type, plain[i]) == 0) { /* their fonts stop at line drawing */
            return TIER_ASCII;
        }
    }
    for (int t = TIER_BLOCK; t < TIER_COUNT; t++) {
        for (const uint32_t *g = glyph_all((enum tier)t); *g; g++) {
            if (wcwidth((wchar_t)*g) != 1) { /* CJK set-ups draw some of them two columns wide */
                return (enum tier)(t - 1);
            }
        }
    }
    return TIER_BRAILLE;
}

/* Padding ("$<5>") left out: these bytes go out by write(2). */
static void add_capability(char *to, size_t cap, const char *name)
{
    const char *s = tigetstr(name);
    size_t n = strlen(to);
    if (!s || (intptr_t)s == -1) {
        return;
    }
    while (*s && n + 1 < cap) {
        if (s[0] == '$' && s[1] == '<') {
            const char *end = strchr(s, '>');
            if (end) {
                s = end + 1;
                continue;
            }
        }
        to[n++] = *s++;
    }
    to[n] = 0;
}

static bool can_draw(void)
{
    const char *s = tigetstr("cup");
    return s && (intptr_t)s != -1;
}

static void guard_screen(int fd, bool mouse)
{
    char bytes[200] = "";
    if (mouse) { /* after a crash the shell must not get reports of the mouse */
        (void)str_copy(bytes, sizeof bytes, "\033[?1000l\033[?1006l");
    }
    add_capability(bytes, sizeof bytes, "sgr0");
    add_capability(bytes, sizeof bytes, "op");
    add_capability(bytes, sizeof bytes, "cnorm");
    add_capability(bytes, sizeof bytes, "rmkx");
    add_capability(bytes, sizeof bytes, "rmcup");
    tty_guard(fd, bytes);
}

static SCREEN *open_screen(struct term *t, const char *type, FILE *out, FILE *in)
{
    static const char *const other[] = {"xterm-256color", "xterm", "vt100"};
    SCREEN *s = newterm(type, out, in);
    for (size_t i = 0; !s && i < sizeof other / sizeof *other; i++) {
        s = newterm(other[i], out, in);
        if (s) {
            (void)snprintf(t->notice, sizeof t->notice,
                           "TERM=%.40s is not known here: drawn as %s; infocmp -x | ssh HOST tic -x - "
                           "teaches it",
                           type, other[i]);
        }
    }
    return s;
}

static void start_colors(struct term *t, const char *choice)
{
    for (int i = 0; i <= ROLE_END; i++) {
        t->pair[i] = -1;
    }
    t->colors = 0;
    if (theme_colors(choice, getenv("NO_COLOR"), 256) == 0 || !has_colors() || start_color() == ERR) {
        return;
    }
    t->colors = theme_colors(choice, getenv("NO_COLOR"), COLORS);
    t->default_colors = use_default_colors() == OK;
}

static void start_keys(void)
{
    static const struct {
        const char *bytes;
        int code;
    } more[] = {{"\033[I", OWN_IGNORE}, {"\033[O", OWN_IGNORE}, {"\033[H", OWN_HOME}, {"\033OH", OWN_HOME},
                {"\033[1~", OWN_HOME},  {"\033[7~", OWN_HOME},  {"\033[F", OWN_END},  {"\033OF", OWN_END},
                {"\033[4~", OWN_END},   {"\033[8~", OWN_END},   {"\033[11~", OWN_F + 1}, {"\033OP", OWN_F + 1}};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        if (key_defined(more[i].bytes) <= 0) {
            (void)define_key(more[i].bytes, more[i].code);
        }
    }
}

enum err_code term_open(struct term **out, const struct term_options *o, struct err *e)
{
    const char *type = o->type ? o->type : getenv("TERM");
    FILE *in = o->in ? o->in : stdin, *to = o->out ? o->out : stdout;
    struct term *t = xcalloc(1, sizeof *t);
    type = type && type[0] ? type : "unknown";
    t->in_fd = fileno(in);
    t->out_fd = fileno(to);
    (void)setlocale(LC_CTYPE, "");
    tty_guard(t->out_fd, "");
    tty_signals_on(); /* before curses, which only fills in what is left at its default */
    if (isatty(t->out_fd)) {
        use_tioctl(TRUE); /* exported LINES and COLUMNS would freeze the size */
    }
    t->screen = open_screen(t, type, to, in);
    if (!t->screen) {
        tty_signals_off();
        tty_release();
        free(t);
        return err_set(e, ERR_IO, "terminal \"%.40s\" is unknown, and so is xterm: install ncurses-base, or set TERM",
                       type);
    }
    if (!can_draw()) {
        (void)endwin();
        delscreen(t->screen);
        tty_signals_off();
        tty_release();
        free(t);
        return err_set(e, ERR_IO, "terminal \"%.40s\" cannot place its cursor: use --no-tui, or another TERM", type);
    }
    guard_screen(t->out_fd, false);
    t->tier = choose_tier(o->ascii, type);
    (void)raw();
    (void)noecho();
    (void)nonl();
    (void)keypad(stdscr, TRUE);
    (void)nodelay(stdscr, TRUE);
    (void)leaveok(stdscr, TRUE);
    (void)curs_set(0); /* some terminals cannot: fine */
    (void)typeahead(-1);
    (void)set_escdelay(getenv("SSH_CONNECTION") ? 100 : 25);
    start_keys();
    t->theme = THEME_DEFAULT;
    start_colors(t, o->color);
    t->all = true;
    term_resized(t);
    *out = t;
    return ERR_OK;
}

static void term_forget(struct term *t)
{
    tty_signals_off();
    delscreen(t->screen);
    canvas_release(&t->last);
    free(t);
}

void term_close(struct term *t)
{
    if (t) {
        (void)endwin();
        tty_release();
        term_forget(t);
    }
}

void term_abandon(struct term *t)
{
    if (t) {
        tty_release();
        term_forget(t);
    }
}

enum tier term_tier(const struct term *t)
{
    return t->tier;
}

int term_colors(const struct term *t)
{
    return t->colors;
}

void term_set_theme(struct term *t, enum theme theme)
{
    if (theme != t->theme) {
        t->theme = theme;
        for (int i = 0; i <= ROLE_END; i++) {
            t->pair[i] = -1;
        }
        t->all = true;
    }
}

bool term_greys(const struct term *t)
{
    return t->colors >= 256;
}

const char *term_notice(const struct term *t)
{
    return t->notice;
}

void term_size(struct term *t, int *w, int *h)
{
    (void)t;
    *w = COLS;
    *h = LINES;
}

void term_resized(struct term *t)
{
    struct winsize ws;
    if (ioctl(t->out_fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0 && ws.ws_row > 0) {
        (void)resizeterm(ws.ws_row, ws.ws_col);
    }
    t->all = true;
}

void term_redraw(struct term *t)
{
    t->all = true;
    (void)clearok(curscr, TRUE);
}

static int pair_of(struct term *t, uint16_t role, struct paint p)
{
    if (t->colors == 0 || (p.color < 0 && t->default_colors)) {
        return 0;
    }
    int slot = p.color < 0 ? ROLE_END : role;
    if (t->pair[slot] < 0) {
        int back = p.back >= 0 ? p.back : t->default_colors ? -1 : COLOR_BLACK;
        int pair = alloc_pair(p.color < 0 ? COLOR_WHITE : p.color, back);
        t->pair[slot] = pair > 0 ? pair : 0;
    }
    return t->pair[slot];
}

static void put_cell(struct term *t, int x, int y, const struct cell *cell)
{
    static const struct {
        unsigned ours;
        attr_t theirs;
    } map[] = {{ATTR_BOLD, WA_BOLD}, {ATTR_DIM, WA_DIM}, {ATTR_REVERSE, WA_REVERSE}, {ATTR_UNDERLINE, WA_UNDERLINE}};
    struct paint p = theme_paint(t->theme, cell->style, t->colors);
    int pair = pair_of(t, cell->style.role, p), columns = glyph_columns(cell->ch);
    attr_t attr = 0;
    wchar_t text[2] = {(wchar_t)cell->ch, 0};
    cchar_t cc;
    for (size_t i = 0; i < sizeof map / sizeof *map; i++) {
        attr |= (p.attr & map[i].ours) ? map[i].theirs : 0;
    }
    if (cell->ch > 0x7e && wcwidth(text[0]) != columns) {
        text[0] = L'?'; /* the terminal would count its columns differently */
    }
    if (setcchar(&cc, text, attr, 0, &pair) == OK) {
        (void)mvadd_wch(y, x, &cc);
        if (columns == 2 && text[0] == L'?') {
            (void)mvaddch(y, x + 1, ' ');
        }
    }
}

/* A row as it goes out. A short gap between words takes the style of the word before it: a blank looks the same, and each
 * change of colour costs a dozen bytes on the line. */
static void in_context(struct cell *out, const struct cell *row, int w)
{
    const unsigned seen_on_blank = ATTR_REVERSE | ATTR_UNDERLINE;
    memcpy(out, row, (size_t)w * sizeof *row);
    for (int x = 0, to; x < w; x = to + 1) {
        const struct style before = row[x > 0 ? x - 1 : 0].style;
        for (to = x; to < w && row[to].ch == ' '; to++) {
        }
        if (to == w || to - x > 8 || (before.attr & seen_on_blank) || before.role >= ROLE_PIXEL) {
            continue;
        }
        for (int k = x; k < to; k++) {
            out[k].style = row[k].style.attr & seen_on_blank ? row[k].style : before;
        }
    }
}

void term_paint(struct term *t, const struct canvas *c)
{
    if (t->last.w != c->w || t->last.h != c->h) {
        canvas_resize(&t->last, c->w, c->h);
        t->all = true;
    }
    if (t->all) {
        (void)erase();
    }
    for (int y = 0; y < c->h && y < LINES; y++) {
        struct cell now[CANVAS_W_MAX], *last = t->last.cell + (size_t)y * (size_t)c->w;
        in_context(now, c->cell + (size_t)y * (size_t)c->w, c->w);
        for (int x = 0; x < c->w && x < COLS; x++) {
            if (now[x].ch != 0 && (t->all || memcmp(&now[x], &last[x], sizeof now[x]) != 0)) {
                put_cell(t, x, y, &now[x]);
            }
        }
        memcpy(last, now, (size_t)c->w * sizeof *now);
    }
    t->all = false;
    (void)wnoutrefresh(stdscr);
    (void)doupdate();
}

void term_suspend(struct term *t)
{
    (void)def_prog_mode();
    (void)endwin();
    tty_stop_job();
    term_resume(t);
}

void term_resume(struct term *t)
{
    (void)reset_prog_mode();
    (void)curs_set(0);
    term_resized(t);
    term_redraw(t);
}

/* An escape sequence that curses did not know: eaten whole, so that its letters are not taken for keys. */
static int after_escape(void)
{
    wint_t ch;
    if (get_wch(&ch) == ERR) {
        return UK_ESC;
    }
    if (ch == UK_ESC) { /* pressed twice quickly */
        (void)unget_wch((wchar_t)ch);
        return UK_ESC;
    }
    if (ch == '[' || ch == 'O') {
        for (int i = 0; i < 32 && get_wch(&ch) == OK; i++) {
            if (ch >= 0x40 && ch <= 0x7e) {
                break;
            }
        }
    }
    return UK_IGNORE;
}

static int mouse_key(struct term *t)
{
    MEVENT m;
    if (getmouse(&m) != OK) {
        return UK_IGNORE;
    }
    t->click_x = m.x;
    t->click_y = m.y;
    return m.bstate & BUTTON1_PRESSED   ? UK_CLICK
           : m.bstate & BUTTON4_PRESSED ? UK_WHEEL_UP
           : m.bstate & BUTTON5_PRESSED ? UK_WHEEL_DOWN
                                        : UK_IGNORE;
}

void term_set_mouse(struct term *t, bool on)
{
    if (on == t->mouse) {
        return;
    }
    t->mouse = on;
    (void)mouseinterval(0); /* a press is a click: nothing waits for a second one */
    (void)mousemask(on ? BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
    guard_screen(t->out_fd, on);
}

void term_click(const struct term *t, int *x, int *y)
{
    *x = t->click_x;
    *y = t->click_y;
}

int term_key(struct term *t)
{
    static const struct {
        int theirs, ours;
    } map[] = {{KEY_UP, UK_UP},     {KEY_DOWN, UK_DOWN},    {KEY_LEFT, UK_LEFT},     {KEY_RIGHT, UK_RIGHT},
               {KEY_HOME, UK_HOME}, {KEY_END, UK_END},      {KEY_PPAGE, UK_PAGE_UP}, {KEY_NPAGE, UK_PAGE_DOWN},
               {OWN_HOME, UK_HOME}, {OWN_END, UK_END},      {OWN_F + 1, UK_F(1)},    {KEY_ENTER, UK_ENTER},
               {KEY_RESIZE, UK_RESIZE}, {KEY_BTAB, UK_BACKTAB}, {KEY_BACKSPACE, UK_BACKSPACE}};
    wint_t ch = 0;
    int kind = get_wch(&ch);
    if (kind == ERR) {
        return 0;
    }
    if (kind != KEY_CODE_YES) {
        return ch == UK_ESC ? after_escape() : ch == '\n' ? UK_ENTER : ch == 0 ? UK_IGNORE : (int)ch;
    }
    for (size_t i = 0; i < sizeof map / sizeof *map; i++) {
        if ((int)ch == map[i].theirs) {
            return map[i].ours;
        }
    }
    if ((int)ch == KEY_MOUSE) {
        return mouse_key(t);
    }
    if ((int)ch >= KEY_F(1) && (int)ch <= KEY_F(12)) {
        return UK_F((int)ch - KEY_F(0));
    }
    return UK_IGNORE;
}
