/* The form's list of this machine's devices, to tick. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dashboard.h"
#include "home.h"
#include "vaetop/base/str.h"

/* Row 0 is the default; then the devices in the order of their index. */
static int rows_of_list(const struct home *h)
{
    return 1 + (int)(h->probe.n < HOME_DEVICES ? h->probe.n : HOME_DEVICES);
}

void home_ticks_open(struct ui_state *s, struct probe *p)
{
    struct home *h = s->home;
    size_t *index = NULL, n = 0;
    probe_release(&h->probe);
    h->probe = *p;
    memset(h->ticked, 0, sizeof h->ticked);
    h->ticking = true;
    h->tick_at = 0;
    if (strcmp(h->device, "default") != 0 && probe_choose(&index, &n, &h->probe, h->device, NULL) == ERR_OK) {
        for (size_t i = 0; i < n; i++) {
            h->ticked[index[i] < HOME_DEVICES ? index[i] : 0] = true;
        }
        free(index);
    }
    if (h->probe.n == 0) {
        state_say(s, true, h->probe.n_advice > 0 ? h->probe.advice[0] : "no OpenCL driver answers on this machine");
    }
}

void home_ticks_move(struct home *h, int rows)
{
    int to = h->tick_at + rows, n = rows_of_list(h);
    h->tick_at = to < 0 ? 0 : to >= n ? n - 1 : to;
}

void home_tick(struct ui_state *s)
{
    struct home *h = s->home;
    if (!h || !h->ticking) {
        return;
    }
    const struct device_info *d = h->tick_at > 0 ? &h->probe.device[h->tick_at - 1] : NULL;
    if (!d) {
        memset(h->ticked, 0, sizeof h->ticked);
    } else if (d->usable) {
        h->ticked[h->tick_at - 1] = !h->ticked[h->tick_at - 1];
    } else {
        char text[300];
        (void)snprintf(text, sizeof text, "not usable: %s", d->why_not);
        state_say(s, true, text);
    }
}

void home_ticks_take(struct home *h)
{
    struct sbuf list = {0};
    for (int i = 0; i + 1 < rows_of_list(h); i++) {
        if (h->ticked[i]) {
            sbuf_addf(&list, "%s%d", list.len > 0 ? "," : "", i);
        }
    }
    (void)str_copy(h->device, sizeof h->device, list.len > 0 ? list.text : "default");
    sbuf_release(&list);
    h->ticking = false;
}

static void draw_device(struct canvas *c, const struct home *h, int i, struct area row)
{
    const struct device_info *d = &h->probe.device[i];
    char text[512], memory[16];
    (void)snprintf(text, sizeof text, "[%c] %d %-4.4s %s   %s", !d->usable ? '!' : h->ticked[i] ? 'x' : ' ', i, d->type,
                   d->name, d->usable ? str_bytes(memory, sizeof memory, d->memory_bytes) : d->why_not);
    canvas_text(c, row.x + 2, row.y, row.w - 3, d->usable ? STYLE(TEXT) : STYLE(DIM), text);
}

void home_ticks_draw(struct canvas *c, const struct ui_state *s)
{
    const struct home *h = s->home;
    struct area a = s->layout.body;
    bool none = true;
    int y = a.y, n = rows_of_list(h);
    for (int i = 0; i + 1 < n; i++) {
        none = none && !h->ticked[i];
    }
    if (a.h >= 4) {
        pane_rule(c, (struct area){a.x, y++, a.w, 1}, s->tier, "devices", "Space ticks   Enter takes them   Esc goes back");
    }
    int rows = a.y + a.h - y, top = h->tick_at >= rows ? h->tick_at - rows + 1 : 0;
    for (int i = top; i < n && i - top < rows; i++) {
        struct area row = {a.x, y + i - top, a.w, 1};
        if (i == 0) {
            canvas_text(c, row.x + 2, row.y, row.w - 3, STYLE(TEXT),
                        none ? "[x] default: every usable GPU, else the CPU" : "[ ] default: every usable GPU, else the CPU");
        } else {
            draw_device(c, h, i - 1, row);
        }
        if (i == h->tick_at) {
            canvas_restyle(c, row, (struct style){ROLE_TITLE, ATTR_REVERSE});
            canvas_put(c, row.x, row.y, glyphs_of(s->tier)->select, (struct style){ROLE_TITLE, ATTR_REVERSE});
        }
    }
}
