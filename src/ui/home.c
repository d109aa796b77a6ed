#include "home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/conf/paths.h"

void home_init(struct home *h)
{
    struct preset_entry *list = NULL;
    *h = (struct home){0};
    size_t n = preset_list(&list);
    h->preset = xcalloc(n + 1, sizeof *h->preset);
    for (size_t i = 0; i < n; i++) {
        struct home_preset *p = &h->preset[h->n_presets];
        struct err e;
        if (preset_load(&p->preset, list[i].name, &e) != ERR_OK) {
            continue; /* `vaetop presets NAME` says what is wrong with it */
        }
        (void)str_clean(p->name, sizeof p->name, list[i].name);
        (void)str_clean(p->lesson, sizeof p->lesson, list[i].lesson);
        if (strcmp(p->name, "quickstart") == 0 && h->n_presets > 0) { /* first of all */
            struct home_preset first = *p;
            memmove(&h->preset[1], &h->preset[0], h->n_presets * sizeof *p);
            h->preset[0] = first;
        }
        h->n_presets++;
    }
    preset_list_free(list, n);
}

void home_close_form(struct home *h)
{
    if (h->form) {
        preset_release(&h->p);
    }
    h->form = h->ticking = false;
}

void home_release(struct home *h)
{
    home_close_form(h);
    probe_release(&h->probe);
    for (size_t i = 0; i < h->n_presets; i++) {
        preset_release(&h->preset[i].preset);
    }
    free(h->preset);
    free(h->study);
    *h = (struct home){0};
}

void home_put_studies(struct home *h, struct ui_study *study, size_t n)
{
    const struct ui_study *was = home_study(h);
    bool preset = h->at >= h->n_studies && h->n_studies > 0;
    size_t at = preset ? h->at - h->n_studies + n : 0;
    for (size_t i = 0; was && i < n; i++) {
        at = strcmp(study[i].name, was->name) == 0 ? i : at;
    }
    free(h->study);
    h->study = study;
    h->n_studies = n;
    h->at = at;
}

const struct ui_study *home_study(const struct home *h)
{
    return h->at < h->n_studies ? &h->study[h->at] : NULL;
}

const struct home_preset *home_preset(const struct home *h)
{
    return h->at >= h->n_studies && h->at - h->n_studies < h->n_presets ? &h->preset[h->at - h->n_studies] : NULL;
}

/* The form shows these first, where they are not searched; then the space. */
int home_fields(const struct home *h, struct home_field *f)
{
    static const enum knob fixed[] = {KNOB_DATA_SOURCE, KNOB_STUDY_TRIALS, KNOB_STUDY_SLOTS, KNOB_STUDY_SAMPLER,
                                      KNOB_STUDY_SEED, KNOB_TRAIN_EPOCHS};
    int n = 0;
    f[n++] = (struct home_field){KNOB_NONE, "start"};
    f[n++] = (struct home_field){KNOB_NONE, "name"};
    f[n++] = (struct home_field){KNOB_NONE, "devices"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        bool searched = false;
        for (size_t r = 0; r < h->p.n_ranges; r++) {
            searched = searched || h->p.range[r].knob == fixed[i];
        }
        if (!searched) {
            f[n++] = (struct home_field){fixed[i], knob_info(fixed[i])->full};
        }
    }
    for (size_t r = 0; r < h->p.n_ranges && n < HOME_FIELDS; r++) {
        if (r == 0 || h->p.range[r].knob != h->p.range[r - 1].knob) {
            f[n++] = (struct home_field){h->p.range[r].knob, knob_info(h->p.range[r].knob)->full};
        }
    }
    return n;
}

const char *home_value(char *buf, size_t cap, const struct home *h, int field)
{
    struct home_field f[HOME_FIELDS];
    struct sbuf text = {0};
    int n = home_fields(h, f);
    buf[0] = 0;
    if (field == FIELD_NAME || field == FIELD_DEVICE) {
        (void)str_copy(buf, cap, field == FIELD_NAME ? h->name : h->device);
    } else if (field >= FIELD_FIXED && field < n) {
        for (size_t r = 0; r < h->p.n_ranges; r++) {
            if (h->p.range[r].knob == f[field].knob) {
                sbuf_add(&text, text.len > 0 ? "; " : "");
                range_format(&text, &h->p.range[r]);
            }
        }
        if (text.len > 0) {
            (void)str_copy(buf, cap, text.text);
        } else {
            char value[256];
            (void)str_copy(buf, cap, config_format_value(value, sizeof value, &h->p.base, f[field].knob));
        }
    }
    sbuf_release(&text);
    return buf;
}

void home_move(struct home *h, int rows)
{
    struct home_field f[HOME_FIELDS];
    if (!h) {
        return;
    }
    if (h->ticking) {
        home_ticks_move(h, rows);
        return;
    }
    long n = h->form ? home_fields(h, f) : (long)(h->n_studies + h->n_presets);
    long to = (h->form ? h->field : (long)h->at) + rows;
    to = to >= n ? n - 1 : to;
    to = to < 0 ? 0 : to;
    if (h->form) {
        h->field = (int)to;
    } else {
        h->at = (size_t)to;
    }
}

/* A name no study has: quickstart, quickstart-2, ... */
static void free_name(struct home *h, const char *base)
{
    for (int k = 1;; k++) {
        bool taken = false;
        (void)(k == 1 ? snprintf(h->name, sizeof h->name, "%.60s", base)
                      : snprintf(h->name, sizeof h->name, "%.58s-%d", base, k));
        for (size_t i = 0; i < h->n_studies; i++) {
            taken = taken || strcmp(h->study[i].name, h->name) == 0;
        }
        if (!taken) {
            return;
        }
    }
}

static void open_form(struct ui_state *s)
{
    struct home *h = s->home;
    const struct home_preset *p = home_preset(h);
    struct err e;
    preset_copy(&h->p, &p->preset);
    h->form = true;
    h->field = FIELD_START;
    (void)str_copy(h->device, sizeof h->device, "default");
    const char *name = config_text(&h->p.base, KNOB_STUDY_NAME);
    free_name(h, *name ? name : p->name);
    if (preset_check(&h->p, &e)) {
        state_say(s, true, e.text);
    }
}

static void edit_field(struct ui_state *s)
{
    char value[sizeof s->input.text];
    struct home *h = s->home;
    prompt_open(s, PROMPT_FIELD, home_value(value, sizeof value, h, h->field));
}

struct wish home_enter(struct ui_state *s)
{
    struct home *h = s->home;
    struct wish w = wish_nothing();
    if (!h) {
        return w;
    }
    if (!h->form && home_study(h)) {
        w.kind = WISH_OPEN;
    } else if (!h->form && home_preset(h)) {
        open_form(s);
    } else if (h->form && h->field == FIELD_START) {
        struct err e;
        if (preset_check(&h->p, &e)) {
            state_say(s, true, e.text);
        } else {
            w.kind = WISH_START;
        }
    } else if (h->ticking) {
        home_ticks_take(h);
    } else if (h->form && h->field == FIELD_DEVICE) {
        w.kind = WISH_PROBE;
    } else if (h->form) {
        edit_field(s);
    }
    return w;
}

void home_edit(struct ui_state *s)
{
    if (s->home && s->home->form && !s->home->ticking && s->home->field != FIELD_START) {
        edit_field(s);
    }
}

void home_back(struct home *h)
{
    if (h && h->ticking) {
        h->ticking = false;
    } else if (h) {
        home_close_form(h);
    }
}

void home_field(struct ui_state *s, const char *line)
{
    struct home_field f[HOME_FIELDS];
    struct home *h = s->home;
    int n = home_fields(h, f);
    struct err e;
    if (h->field == FIELD_NAME) {
        bool taken = false;
        for (size_t i = 0; i < h->n_studies; i++) {
            taken = taken || strcmp(h->study[i].name, line) == 0;
        }
        if (!study_name_ok(line) || taken) {
            state_say(s, true, taken ? "a study of this name exists" : "a name has up to 64 of A-Z a-z 0-9 . _ -");
            return; /* the line stays open for mending */
        }
        (void)str_copy(h->name, sizeof h->name, line);
    } else if (h->field == FIELD_DEVICE) {
        (void)str_copy(h->device, sizeof h->device, line[0] ? line : "default");
    } else if (h->field < n) {
        struct preset changed;
        char *assignment = xasprintf("%s=%s", f[h->field].label, line);
        preset_copy(&changed, &h->p);
        bool bad = preset_set(&changed, assignment, &e) != ERR_OK || preset_check(&changed, &e) != ERR_OK;
        free(assignment);
        if (bad) {
            preset_release(&changed);
            state_say(s, true, e.text);
            return;
        }
        enum knob k = f[h->field].knob;
        preset_release(&h->p);
        h->p = changed;
        n = home_fields(h, f); /* a fixed value leaves the space, a range joins it */
        h->field = h->field < n ? h->field : n - 1;
        for (int i = FIELD_FIXED; i < n; i++) {
            h->field = f[i].knob == k ? i : h->field;
        }
    }
    s->input.prompt = PROMPT_NONE;
}
