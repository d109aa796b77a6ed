/* A view and a state filled from the made-up study, ready to be drawn. */
#ifndef VAETOP_TEST_SCENE_H
#define VAETOP_TEST_SCENE_H

#include "../../src/ui/dashboard.h"
#include "../../src/ui/home.h"
#include "demo.h"

struct scene {
    struct demo demo;
    struct view view;
    struct ui_state state;
    struct canvas canvas;
    struct home home;
};

void scene_make(struct scene *s, enum demo_kind kind, enum tier tier);
void scene_release(struct scene *s);

/* Presses keys: characters are themselves, '\r' is Enter. Returns the last wish. */
struct wish scene_keys(struct scene *s, const char *keys);
/* What the screen gets for WISH_PROBE: a machine of three devices, one of them not usable. */
void scene_probe(struct scene *s);
/* Draws at this size into s->canvas. */
void scene_draw(struct scene *s, int w, int h);
/* The same as text. Owns: caller frees. */
char *scene_text(struct scene *s, int w, int h);

#endif
