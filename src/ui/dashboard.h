/* The dashboard as a picture: (view, state) -> canvas. Reads only; no time, no I/O, no allocation. */
#ifndef VAETOP_UI_DASHBOARD_H
#define VAETOP_UI_DASHBOARD_H

#include "state.h"

/* The whole screen with help or question on top. s was fitted to the canvas by state_fit(). */
void dashboard_draw(struct canvas *c, const struct view *v, const struct ui_state *s);

/* Panes; panes.c. */
void pane_rule(struct canvas *c, struct area a, enum tier t, const char *title, const char *right);
void pane_devices(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_detail(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_progress(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_loss(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_latent(struct canvas *c, const struct view *v, const struct ui_state *s);
void pane_log(struct canvas *c, const struct view *v, const struct ui_state *s);

/* Over everything; overlay.c. */
void help_draw(struct canvas *c, const struct ui_state *s);
void question_draw(struct canvas *c, const struct view *v, const struct ui_state *s);

#endif
