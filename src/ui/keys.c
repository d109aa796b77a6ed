#include "keys.h"

#include <stdio.h>
#include <string.h>

const struct key_row key_table[] = {
#define X(id, keys, bar, help) {ACT_##id, keys, bar, help},
    KEY_TABLE(X)
#undef X
};
const size_t key_table_rows = sizeof key_table / sizeof *key_table;

enum action key_action(int key)
{
    for (size_t i = 0; i < key_table_rows && key != 0; i++) {
        for (int k = 0; k < KEYS_PER_ACTION; k++) {
            if (key_table[i].key[k] == key) {
                return key_table[i].action;
            }
        }
    }
    return ACT_NONE;
}

const struct key_row *key_row_of(enum action act)
{
    return act > ACT_NONE && act < ACT_COUNT ? &key_table[act - 1] : NULL; /* the enumeration is made from the table */
}

const char *key_label(char *buf, size_t cap, int key)
{
    static const char *const special[] = {"Up", "Down", "Left", "Right", "PgUp", "PgDn", "Home", "End", "S-Tab", "Bksp"};
    if (key >= UK_F1) {
        (void)snprintf(buf, cap, "F%d", key - UK_F1 + 1);
    } else if (key >= KEYS_BASE && key < KEYS_BASE + (int)(sizeof special / sizeof *special)) {
        (void)snprintf(buf, cap, "%s", special[key - KEYS_BASE]);
    } else if (key == UK_ENTER || key == UK_ESC || key == UK_TAB || key == UK_SPACE) {
        (void)snprintf(buf, cap, "%s",
                       key == UK_ENTER ? "Enter"
                       : key == UK_ESC ? "Esc"
                       : key == UK_TAB ? "Tab"
                                       : "Space");
    } else if (key < 32) {
        (void)snprintf(buf, cap, "Ctrl-%c", key + '@');
    } else {
        (void)snprintf(buf, cap, "%c", key);
    }
    return buf;
}

const char *key_labels(char *buf, size_t cap, const struct key_row *row)
{
    size_t len = 0;
    buf[0] = 0;
    for (int k = 0; k < KEYS_PER_ACTION && row->key[k] != 0; k++) {
        char one[16];
        int n = snprintf(buf + len, cap - len, "%s%s", k > 0 ? " " : "", key_label(one, sizeof one, row->key[k]));
        len = n > 0 && (size_t)n < cap - len ? len + (size_t)n : len;
    }
    return buf;
}
