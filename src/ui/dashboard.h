/* The screens as pictures: (view, state) -> canvas. Reads only; no time, no I/O, no allocation. */
#ifndef VAETOP_UI_DASHBOARD_H
#define VAETOP_UI_DASHBOARD_H

#include "state.h"

/* The whole screen with help or question on top. s was fitted to the canvas by state_fit(). screen.c. */
void screen_draw(struct canvas *c, const struct view *v, const struct ui_state *s);

#define SCREEN_ACTIONS 24
const uint8_t *screen_actions(const struct ui_state *s); /* (SCREEN_ACTIONS) enum action; ACT_NONE after the last */
/* What lies under a column of the tabs and of the key bar: a screen or -1, a key or 0. */
int screen_tab_at(const struct ui_state *s, int x);
int screen_key_at(const struct ui_state *s, int x);

/* The middles of the screens. */
void dashboard_draw(struct canvas *c, const struct view *v, const struct ui_state *s);
void trial_draw(struct canvas *c, const struct view *v, const struct ui_state *s);
void devices_draw(struct canvas *c, const struct view *v, const struct ui_state *s);
void study_draw(struct canvas *c, const struct view *v, const struct ui_state *s);
void log_draw(struct canvas *c, const struct view *v, const struct ui_state *s);

/* Panes; panes.c, curves.c. */
void pane_rule(struct canvas *c, struct area a, enum tier t, const char *title, const char *right);
void pane_empty(struct canvas *c, struct area a, const char *text);
void pane_devices(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_detail(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_progress(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_loss(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_curve(struct canvas *c, const struct view *v, const struct ui_state *s, enum series_metric m, struct area a);
void pane_dims(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_latent(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_pictures(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_log(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_divider(struct canvas *c, const struct ui_state *s);

/* A line of text that stops growing at its end: drawing allocates nothing. */
struct text_line {
    char text[400];
    size_t len;
};
void line_add(struct text_line *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Over everything; overlay.c. */
void help_draw(struct canvas *c, const struct ui_state *s);
void setup_draw(struct canvas *c, const struct ui_state *s); /* setup.c */
void form_draw(struct canvas *c, const struct view *v, const struct ui_state *s); /* trial_form.c */
void question_draw(struct canvas *c, const struct view *v, const struct ui_state *s);

#endif
