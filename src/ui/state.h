/* What the person has chosen, and what a key does to it. Pure: a key gives a new state and perhaps a wish that the loop
 * (attach.c) fulfils. */
#ifndef VAETOP_UI_STATE_H
#define VAETOP_UI_STATE_H

#include "layout.h"
#include "view.h"
#include "vaetop/ipc/client.h"

enum question { ASK_NOTHING, ASK_QUIT, ASK_STOP };

/* One line of a question's menu. */
struct answer {
    char key;
    const char *text;
};
#define ANSWERS_MAX 3

struct ui_state {
    enum tier tier;
    int w, h;
    struct layout layout;
    int sort; /* enum column */
    bool invert, follow, expanded, log_y, help;
    int help_top;
    enum scatter_mode latent_mode;
    int selected; /* number of a trial; -1: none */
    size_t top;   /* first row shown, in the view's order */
    enum question question;
    int choice, question_trial;
    char message[240];
    bool message_bad;
};

enum wish_kind { WISH_NOTHING, WISH_COMMAND, WISH_LEAVE, WISH_STOP_STUDY, WISH_SUSPEND, WISH_REDRAW };
struct wish {
    enum wish_kind kind;
    enum command command;
    int trial;
};

void state_init(struct ui_state *s, enum tier tier);

/* Applies a key. A change of order is applied to v by the next state_fit(). */
struct wish state_key(struct ui_state *s, const struct view *v, int key);

/* After keys, new data or a new size: layout, selection and scroll position for a screen of w x h. */
void state_fit(struct ui_state *s, const struct view *v, int w, int h);

/* Numbers of the trials on screen, the selected one first. Returns how many. */
size_t state_visible(const struct ui_state *s, const struct view *v, int *number, size_t cap);

void state_say(struct ui_state *s, bool bad, const char *text);

/* Title and answers of a question; the number of answers. */
const char *question_title(char *buf, size_t cap, const struct ui_state *s, const struct view *v);
int question_answers(struct answer a[ANSWERS_MAX], enum question q);

#endif
