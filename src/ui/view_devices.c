/* Devices of the view: one line a card, with what its workers do taken together. */
#include <math.h>
#include <string.h>

#include "vaetop/base/str.h"
#include "view.h"

static struct view_device *add_device(struct view *v, const char *name, const char *type)
{
    if (v->n_devices == VIEW_DEVICES) {
        return NULL;
    }
    struct view_device *d = &v->device[v->n_devices];
    memset(d, 0, sizeof *d); /* padding too: compared as bytes */
    d->busy = d->temperature_c = d->power_w = d->load = NAN;
    d->card = v->n_devices++;
    (void)str_clean(d->name, sizeof d->name, name);
    (void)str_clean(d->type, sizeof d->type, type);
    return d;
}

bool view_device_used(const struct view_device *d)
{
    return strcmp(d->use, "off") != 0 && strcmp(d->use, "unusable") != 0;
}

/* Slices without a card: those of one name are one device. */
static struct view_device *device_of(struct view *v, const struct device_row *slice, bool cards)
{
    for (int i = 0; i < v->n_devices; i++) {
        struct view_device *d = &v->device[i];
        bool same = cards ? slice->index >= d->first && slice->index < d->first + d->cut
                          : strcmp(d->name, slice->name) == 0;
        if (same) {
            return d;
        }
    }
    struct view_device *d = cards ? NULL : add_device(v, slice->name, slice->type);
    if (d) {
        (void)str_copy(d->use, sizeof d->use, "on");
    }
    return d;
}

static void add_slice(struct view_device *d, const struct device_row *s)
{
    d->bytes_total = d->bytes_total > 0 ? d->bytes_total : s->bytes_total; /* slices share their device's memory */
    if (!isnan(s->busy)) {
        d->busy = isnan(d->busy) ? s->busy : (d->busy * d->slices + s->busy) / (d->slices + 1);
    }
    if (d->slices == 0 || strcmp(s->state, "ready") != 0) {
        (void)str_clean(d->state, sizeof d->state, s->state); /* what is not well shows */
    }
    d->slices++;
    d->slots += s->slots;
    d->slots_used += s->slots_used;
    d->bytes_used += s->bytes_used;
}

static void add_card(struct view *v, const struct card_row *c)
{
    struct view_device *d = add_device(v, c->name, c->type);
    if (d) {
        d->card = c->index;
        d->first = c->first;
        d->cut = c->slices;
        d->temperature_c = c->temperature_c;
        d->power_w = c->power_w;
        d->load = c->load;
        (void)str_clean(d->use, sizeof d->use, c->use);
        (void)str_clean(d->note, sizeof d->note, c->note);
    }
}

/* A device that is on and has no worker waits for another study; every other use is its own word. */
static void name_state(struct view_device *d)
{
    bool on = strcmp(d->use, "on") == 0;
    if (!on || d->slices == 0) {
        (void)str_copy(d->state, sizeof d->state, on ? "waiting" : d->use);
    }
}

void view_put_devices(struct view *v, const struct card_row *card, size_t n_cards, const struct device_row *slice,
                      size_t n_slices, bool live)
{
    bool any = false;
    v->n_devices = 0;
    for (size_t i = 0; i < n_slices; i++) {
        any = any || strcmp(slice[i].state, "off") != 0;
    }
    for (size_t i = 0; i < n_cards && (live || any); i++) {
        add_card(v, &card[i]);
    }
    for (size_t i = 0; i < n_slices; i++) {
        struct view_device *d = strcmp(slice[i].state, "off") != 0 ? device_of(v, &slice[i], n_cards > 0) : NULL;
        if (d) {
            add_slice(d, &slice[i]);
        }
    }
    for (int i = 0; i < v->n_devices; i++) {
        name_state(&v->device[i]);
    }
}
