/* The key table as a part of the man page. */
#include <ctype.h>

#include "keys.h"
#include "vaetop/base/str.h"
#include "vaetop/ui/ui.h"

void ui_keys_mdoc(struct sbuf *out)
{
    sbuf_add(out, ".Bl -column \"PgUp Ctrl-U\" \"leave; asks when trials run, and more\" -compact\n");
    for (size_t i = 0; i < key_table_rows; i++) {
        const struct key_row *r = &key_table[i];
        sbuf_add(out, ".It ");
        for (int k = 0; k < KEYS_PER_ACTION && r->key[k] != 0; k++) {
            char name[16];
            (void)key_label(name, sizeof name, r->key[k]);
            /* mdoc takes lone signs for punctuation and a backslash for an escape. */
            const char *text = name[0] == '\\' ? "e" : name;
            sbuf_addf(out, "%s%s%s", k > 0 ? " " : "",
                      name[0] == '\\' ? "\\" : isalnum((unsigned char)name[0]) ? "" : "\\&", text);
        }
        sbuf_addf(out, " Ta %s\n", r->help);
    }
    sbuf_add(out, ".El\n");
}
