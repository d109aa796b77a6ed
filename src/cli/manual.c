/* Parts of the man pages that come from tables, so that pages and program cannot part: `vaetop __manual keys|knobs`.
 * And the shells' completions: bash, zsh, fish. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "vaetop/conf/knob.h"
#include "vaetop/ui/ui.h"

static void bounds(struct sbuf *out, const struct knob_info *k)
{
    char lo[32];
    char hi[32];
    if (k->type == KNOB_CHOICE) {
        sbuf_addf(out, "One of %s", k->choices);
    } else if (k->type == KNOB_TEXT) {
        sbuf_add(out, "Text");
    } else {
        sbuf_addf(out, "%s from %s to %s", k->type == KNOB_INT ? "Whole number" : "Number",
                  str_from_f64(lo, sizeof lo, k->min), str_from_f64(hi, sizeof hi, k->max));
    }
    if (k->unit[0]) {
        sbuf_addf(out, ", unit: %s", k->unit);
    }
    sbuf_addf(out, "; default %s", k->default_text[0] ? k->default_text : "empty");
    sbuf_add(out, k->range_allowed ? "; may be searched.\n" : "; one value per study.\n");
}

/* One list for each section. */
static void knobs_mdoc(struct sbuf *out)
{
    const char *section = "";
    for (int i = 0; i < KNOB_COUNT; i++) {
        const struct knob_info *k = knob_info((enum knob)i);
        if (strcmp(section, k->section) != 0) {
            sbuf_addf(out, "%s.Ss %s\n.Bl -tag -width Ds\n", *section ? ".El\n" : "", k->section);
            section = k->section;
        }
        sbuf_addf(out, ".It Cm %s\n%s.\n.br\n", k->full, k->meaning);
        bounds(out, k);
        if (*knob_source((enum knob)i)) {
            sbuf_addf(out, ".br\nSource: %s.\n", knob_source((enum knob)i));
        }
    }
    sbuf_add(out, ".El\n");
}

int manual_part(const char *part)
{
    struct sbuf out = {0};
    if (strcmp(part, "keys") == 0) {
        ui_keys_mdoc(&out);
    } else if (strcmp(part, "knobs") == 0) {
        knobs_mdoc(&out);
    } else {
        char *text = completions(part);
        sbuf_add(&out, text ? text : "");
        free(text);
    }
    if (out.len == 0) {
        return 2;
    }
    (void)fputs(out.text, stdout);
    sbuf_release(&out);
    return 0;
}
