/* The key table as a part of the man page. */
#include "keys.h"
#include "vaetop/base/str.h"
#include "vaetop/ui/ui.h"

void ui_keys_mdoc(struct sbuf *out)
{
    sbuf_add(out, ".Bl -column \"PgUp Ctrl-U\" \"leave; asks when trials run, and more\" -compact\n");
    for (size_t i = 0; i < key_table_rows; i++) {
        char names[48];
        sbuf_addf(out, ".It %s Ta %s\n", key_labels(names, sizeof names, &key_table[i]), key_table[i].help);
    }
    sbuf_add(out, ".El\n");
}
