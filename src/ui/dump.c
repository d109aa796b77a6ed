/* The dashboard as text, without a terminal. */
#include "dashboard.h"
#include "vaetop/base/clock.h"
#include "vaetop/ui/ui.h"

enum err_code ui_dump(struct sbuf *out, const char *study_dir, int w, int h, bool ascii, struct err *e)
{
    struct view v;
    struct ui_state s;
    struct canvas c = {0};
    struct store *store = NULL;
    int visible[VIEW_SERIES / 2];
    bool changed;
    view_init(&v);
    enum err_code rc = store_open(&store, study_dir, false, e);
    rc = rc ? rc : view_open(&v, store, e);
    rc = rc ? rc : view_load(&v, store, &changed, e);
    if (!rc) {
        v.now_us = clock_utc_us();
        view_total(&v);
        state_init(&s, ascii ? TIER_ASCII : TIER_BRAILLE);
        state_order(&s, &v);
        canvas_resize(&c, w, h);
        state_fit(&s, &v, c.w, c.h);
        size_t n = state_visible(&s, &v, visible, sizeof visible / sizeof *visible);
        rc = view_load_series(&v, store, visible, n, e);
        rc = rc ? rc : view_load_snapshot(&v, store, s.selected, 0, e);
    }
    if (!rc) {
        double lo, hi;
        state_window(&s, &v, &lo, &hi);
        view_select(&v, s.selected, lo, hi, NULL, 0);
        screen_draw(&c, &v, &s);
        canvas_dump(out, &c);
    }
    canvas_release(&c);
    store_close(store);
    view_release(&v);
    return rc;
}
