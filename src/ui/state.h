/* What the person has chosen, and what a key does to it. Pure: a key gives a new state and perhaps a wish that the loop
 * (attach.c) fulfils. */
#ifndef VAETOP_UI_STATE_H
#define VAETOP_UI_STATE_H

#include "filter.h"
#include "keys.h"
#include "layout.h"
#include "settings.h"
#include "view.h"
#include "vaetop/ipc/client.h"

/* X(ID, key, word): the screens in the order of Tab. */
#define SCREEN_LIST(X) \
    X(STUDIES, '0', "Studies") \
    X(DASHBOARD, '1', "Dashboard") \
    X(TRIAL, '2', "Trial") \
    X(DEVICES, '3', "Devices") \
    X(STUDY, '4', "Study") \
    X(LOG, '5', "Log")
enum screen {
#define X(id, key, word) SCREEN_##id,
    SCREEN_LIST(X)
#undef X
    SCREEN_COUNT
};

enum question { ASK_NOTHING, ASK_QUIT, ASK_STOP, ASK_DEVICE };

/* One line of a question's menu. */
struct answer {
    char key;
    const char *text;
};
#define ANSWERS_MAX 3

/* A line being typed at the bottom of the screen. */
enum prompt { PROMPT_NONE, PROMPT_FILTER, PROMPT_SEARCH, PROMPT_COMMAND, PROMPT_EDIT, PROMPT_FIELD, PROMPT_VALUE };
struct input {
    enum prompt prompt;
    char text[160];
    size_t len, at; /* bytes; at: the cursor */
    int tabs;       /* times in a row that Tab was pressed; from: where the word that it changes begins */
    size_t from, stem; /* stem: bytes of it that were typed */
};

/* A set of trials, in the order they came. */
#define MARKS_MAX 64
struct marks {
    int number[MARKS_MAX], n;
};
bool marks_has(const struct marks *m, int number);

/* A stop that the engine was asked for and that can be taken back until due. */
#define UNDO_S 5
struct pending {
    int trial;
    int64_t due_ns; /* 0: the loop has not seen it yet */
};

/* A new trial being made; trial_form.c. */
#define FORM_FIELDS 24
struct trial_form {
    bool open;
    int like; /* the trial it is a clone of; -1: by hand */
    int row, n; /* row 0: enqueue it */
    enum knob knob[FORM_FIELDS];
    char value[FORM_FIELDS][64]; /* "": not changed */
};

struct home;

struct ui_state {
    enum tier tier, tier_most; /* most: what the terminal can */
    struct settings set;
    bool setup; /* its screen is open */
    int setup_row;
    int click_x, click_y; /* of UK_CLICK */
    int w, h;
    enum screen screen;
    struct layout layout;
    int sort; /* enum column */
    bool invert, follow, log_y, help;
    int help_top;
    enum scatter_mode latent_mode;
    enum pictures pictures;
    bool greys; /* the terminal shows shades of grey */
    int selected; /* number of a trial; -1: none */
    size_t top;   /* first row shown, in the view's order */
    enum question question;
    int choice;
    struct marks asked; /* the trials a question or an edit is about */
    int asked_card;     /* the device a question is about */
    char message[240];
    bool message_bad;
    int at;   /* epoch under the crosshair; 0: none, the newest epoch shows */
    int zoom; /* the curves' window is 1 / 2^zoom of all epochs */
    struct filter filter;
    char search[64];
    struct input input;
    struct marks tags, pins;
    struct pending pending[MARKS_MAX];
    int n_pending;
    int device, device_top; /* row of the devices screen */
    int knob;               /* row of the Study screen: a place in overview.order */
    bool front, second;     /* Study: the front instead of a slice; importance for the second objective */
    int log_back;           /* lines scrolled back from the newest */
    bool log_mine;          /* only the selected trial's lines */
    struct trial_form form;
    struct home *home;      /* studies and presets; NULL: none to show */
};

enum wish_kind {
    WISH_NOTHING,
    WISH_COMMAND,
    WISH_LEAVE,
    WISH_STOP_STUDY,
    WISH_SUSPEND,
    WISH_REDRAW,
    WISH_SAVE, /* the settings */
    WISH_OPEN, /* the study chosen in home */
    WISH_PROBE, /* which devices there are, for the form */
    WISH_START /* the preset chosen in home, as its form says */
};
struct wish {
    enum wish_kind kind;
    enum command command;
    int trial; /* -1: the study */
    char arg[512];
    bool each; /* to every trial in state.asked instead */
};

void state_init(struct ui_state *s, enum tier tier);

/* Applies a key. A change of order is applied to v by the next state_fit(). */
struct wish state_key(struct ui_state *s, const struct view *v, int key);

/* The trial that is looked at, where the one before has gone, is hidden by the filter, or the best is followed. */
void state_select(struct ui_state *s, const struct view *v);

/* After keys, new data or a new size: selection, layout and scroll position for a screen of w x h. */
void state_fit(struct ui_state *s, const struct view *v, int w, int h);

/* Numbers of the trials on screen, the selected one first. Returns how many. */
size_t state_visible(const struct ui_state *s, const struct view *v, int *number, size_t cap);

/* Trials whose curves are drawn together: the tagged ones, when there are any. */
int state_compared(const struct ui_state *s, int *number, int most);

/* The epochs that the selected trial's curves show. */
void state_window(const struct ui_state *s, const struct view *v, double *lo, double *hi);

/* Sorts and filters v as the state says. */
void state_order(const struct ui_state *s, struct view *v);

/* The log screen's lines: which, and how many. */
bool log_shown(const struct ui_state *s, const struct view_log *l);
int log_lines(const struct ui_state *s, const struct view *v);
/* Columns of a line's text there, behind its time. */
int note_text_w(int w); /* of the Trial screen, of a screen of w columns */
int log_text_w(const struct ui_state *s);

void state_say(struct ui_state *s, bool bad, const char *text);

/* Title and answers of a question; the number of answers. */
const char *question_title(char *buf, size_t cap, const struct ui_state *s, const struct view *v);
int question_answers(struct answer a[ANSWERS_MAX], enum question q);

/* --- between the files of the state */
struct wish wish_nothing(void);
const char *state_names(char *buf, size_t cap, const struct marks *m); /* "#3 #5 #7" */
void state_go(struct ui_state *s, enum screen screen);
void state_move_to(struct ui_state *s, const struct view *v, size_t place);
size_t state_place(const struct ui_state *s, const struct view *v);
/* The tagged trials, else the selected one; fewer are left where one has nothing to do. state_act.c. */
struct wish act_pause(struct ui_state *s, const struct view *v);
void act_ask_stop(struct ui_state *s, const struct view *v);
struct wish act_answer(struct ui_state *s, char answer);
struct wish act_undo(struct ui_state *s);
void act_tag(struct ui_state *s, const struct view *v, struct marks *m, const char *word);
void act_edit(struct ui_state *s, const struct view *v);
enum knob act_editable(int i); /* what can change in a running trial, one by one; KNOB_NONE after the last */
struct wish act_edit_line(struct ui_state *s, const struct view *v, const char *line);
struct wish act_slots(struct ui_state *s, const struct view *v, int step);
/* Setup; setup.c. True when it took the key. */
bool setup_key(struct ui_state *s, enum action act, int key, struct wish *w);
/* Puts the settings to use. */
void setup_apply(struct ui_state *s);
/* A click at s->click_x, click_y; mouse.c. */
struct wish mouse_click(struct ui_state *s, const struct view *v);
/* The form of a new trial; trial_form.c. */
void form_clone(struct ui_state *s, const struct view *v);
void form_enqueue(struct ui_state *s, const struct view *v);
void form_field(struct ui_state *s, const char *line);
bool form_key(struct ui_state *s, const struct view *v, enum action act, struct wish *w); /* true when it took the key */
/* The chosen device: on, or off after a question when trials run on it; its self-test. device_view.c. */
struct wish act_device_switch(struct ui_state *s, const struct view *v, bool only_off);
struct wish act_device_answer(const struct ui_state *s, char answer);
struct wish act_device_test(struct ui_state *s, const struct view *v);
/* The line typed after ':'. command.c. */
struct wish act_command(struct ui_state *s, const struct view *v, const char *line);
/* Prompts; prompt.c. */
void prompt_open(struct ui_state *s, enum prompt p, const char *text);
struct wish prompt_key(struct ui_state *s, const struct view *v, int key);
void prompt_search(struct ui_state *s, const struct view *v, int step);
const char *prompt_title(enum prompt p);
const char *prompt_hint(enum prompt p); /* shows while nothing is typed */
/* Tab in a prompt; complete.c. */
void prompt_complete(struct ui_state *s, const struct view *v);
/* The words of the command line and those that sort, one by one; NULL after the last. command.c. */
const char *command_name(int i);
const char *sort_name(int i);

#endif
