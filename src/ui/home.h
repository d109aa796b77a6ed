/* The Studies screen's content: what was trained, what can be started, and the form of a preset about to start. */
#ifndef VAETOP_UI_HOME_H
#define VAETOP_UI_HOME_H

#include "canvas.h"
#include "state.h"
#include "vaetop/ipc/probe.h"
#include "vaetop/ui/ui.h"

struct home_preset {
    char name[64], lesson[200];
    struct preset preset;
};

/* A line of the form; knob KNOB_NONE: by its label. */
struct home_field {
    enum knob knob;
    const char *label;
};
enum { FIELD_START, FIELD_NAME, FIELD_DEVICE, FIELD_FIXED };
#define HOME_FIELDS 64
#define HOME_DEVICES 64

struct home {
    struct ui_study *study;
    size_t n_studies;
    struct home_preset *preset;
    size_t n_presets;
    size_t at; /* studies, then presets */
    bool form; /* open, on a copy of the preset */
    struct preset p;
    char name[80], device[80];
    int field;
    bool ticking; /* the form's list of devices is open */
    struct probe probe;
    bool ticked[HOME_DEVICES];
    int tick_at; /* its row; 0: the default */
};

/* Reads the presets. {0} is a valid home without any. */
void home_init(struct home *h);
void home_release(struct home *h);
/* New list of studies, taken over; the selection stays where it was. */
void home_put_studies(struct home *h, struct ui_study *study, size_t n);

void home_move(struct home *h, int rows);
struct wish home_enter(struct ui_state *s);
void home_edit(struct ui_state *s);
void home_back(struct home *h);
void home_field(struct ui_state *s, const char *line); /* what was typed for the chosen field */
void home_close_form(struct home *h);

/* The list of devices; home_devices.c. */
void home_ticks_open(struct ui_state *s, struct probe *p); /* p is taken over */
void home_ticks_move(struct home *h, int rows);
void home_tick(struct ui_state *s);
void home_ticks_take(struct home *h);
void home_ticks_draw(struct canvas *c, const struct ui_state *s);

const struct ui_study *home_study(const struct home *h); /* the selected one; NULL: a preset is selected */
const struct home_preset *home_preset(const struct home *h);
int home_fields(const struct home *h, struct home_field *f);
/* Its value as text; "" for FIELD_START. cap >= 96. */
const char *home_value(char *buf, size_t cap, const struct home *h, int field);

/* Chooses the row under y; *again when it was chosen before. False: no row is there. */
bool home_click(struct ui_state *s, int y, bool *again);
void home_draw(struct canvas *c, const struct view *v, const struct ui_state *s);

#endif
