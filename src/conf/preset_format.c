#include <string.h>

#include "range_text.h"
#include "text.h"

/* Plain where YAML and our language read it back as it is; else in single quotes. */
static void add_text(struct sbuf *out, const char *text)
{
    size_t n = strlen(text);
    bool plain = n > 0 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./,:+- ") == n &&
                 !strchr(",:+- ", text[0]) && !strchr(": ", text[n - 1]) && !strstr(text, ": ") &&
                 !strstr(text, "  ") && strncmp(text, "...", 3) != 0 && !text_like_range(text);
    if (plain) {
        sbuf_add(out, text);
        return;
    }
    sbuf_add(out, "'");
    for (const char *p = text; *p; p++) {
        sbuf_add_bytes(out, "''", *p == '\'' ? 2 : 0);
        if (*p != '\'') {
            sbuf_add_bytes(out, p, 1);
        }
    }
    sbuf_add(out, "'");
}

static void add_lesson(struct sbuf *out, const char *lesson)
{
    for (const char *p = lesson; *p;) {
        size_t n = strcspn(p, "\n");
        sbuf_add(out, n > 0 ? "# " : "#");
        sbuf_add_bytes(out, p, n);
        sbuf_add(out, "\n");
        p += n + (p[n] == '\n');
    }
}

static void add_knob(struct sbuf *out, const struct preset *p, enum knob k)
{
    char number[32];
    size_t n = 0;
    for (size_t r = 0; r < p->n_ranges; r++) {
        n += p->range[r].knob == k;
    }
    sbuf_addf(out, "  %s:%s", knob_info(k)->name, n > 1 ? "\n" : " ");
    for (size_t r = 0; r < p->n_ranges; r++) {
        if (p->range[r].knob == k) {
            sbuf_add(out, n > 1 ? "    - " : "");
            range_format(out, &p->range[r]);
            sbuf_add(out, "\n");
        }
    }
    if (n == 0 && knob_info(k)->type == KNOB_TEXT) {
        add_text(out, config_text(&p->base, k));
        sbuf_add(out, "\n");
    } else if (n == 0) {
        sbuf_addf(out, "%s\n", config_format_value(number, sizeof number, &p->base, k));
    }
}

void preset_format(struct sbuf *out, const struct preset *p)
{
    const char *section = "";
    add_lesson(out, p->lesson);
    for (int i = 0; i < KNOB_COUNT; i++) {
        enum knob k = (enum knob)i;
        if (!p->given[k]) {
            continue;
        }
        if (strcmp(section, knob_info(k)->section) != 0) {
            section = knob_info(k)->section;
            sbuf_addf(out, "%s:\n", section);
        }
        add_knob(out, p, k);
    }
    if (*section == '\0') {
        sbuf_add(out, "{}\n");
    }
}
