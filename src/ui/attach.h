/* What the loop holds together; attach.c, and attach_home.c for the Studies screen. */
#ifndef VAETOP_UI_ATTACH_H
#define VAETOP_UI_ATTACH_H

#include "dashboard.h"
#include "home.h"
#include "script.h"
#include "term.h"
#include "vaetop/store/store.h"
#include "vaetop/ui/ui.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

#define HOME_NS (4 * NS_PER_S)

struct attach {
    char *dir; /* NULL: no study */
    const struct ui_hooks *hooks;
    struct home home;
    struct script *script; /* NULL: a real study */
    int64_t home_ns;
    struct store *store;
    struct client *client; /* NULL: no engine */
    bool own_client;
    struct term *term;
    struct view view;
    struct ui_state state;
    struct canvas canvas;
    int64_t interval_ns; /* at most one draw of new data in this time */
    int64_t data_ns, clock_ns, retry_ns, sort_ns, key_ns; /* when last done */
    bool data_due, sort_due, paint_due;
    int sort;
    bool invert;
    int pins;
    char filter[160];
    int echoes; /* replies still to come to a command for several trials: the screen has said what it does */
    bool stopping, hangup, done;
    int mute; /* times in a row that input was there but no key */
    enum ui_end end;
};

void attach_say_error(struct attach *a, const struct err *e);
void attach_paint(struct attach *a);

/* What was chosen on the Studies screen: another study, or a new one. */
void attach_from_home(struct attach *a, enum wish_kind kind);
void attach_probe(struct attach *a); /* the devices of this machine, for the form */
void attach_load_home(struct attach *a, int64_t now);

#endif
