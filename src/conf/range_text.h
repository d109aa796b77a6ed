/* Inside conf: the range language, "lo .. hi [log | step s] [if knob = a | b]", "a | b | c" or one value. */
#ifndef VAETOP_CONF_RANGE_TEXT_H
#define VAETOP_CONF_RANGE_TEXT_H

#include "vaetop/conf/preset.h"

#define CHOICES_MAX 256 /* words of one choice or condition */
#define ENTRIES_MAX 64  /* ranges of one knob */
#define PRESET_BYTES_MAX (1 << 20)

/* What stands for a knob, or in one item of its list: a fixed value (canonical text) or a range. Exactly one is set. */
struct entry {
    char *value; /* NULL: a range */
    struct range range;
};
void entry_release(struct entry *x);

/* Reads one. literal: the text was quoted, so a free text is taken as it is. On an error *at is the byte in text that
 * it is about. Errors: USAGE. */
WUR enum err_code entry_read(struct entry *out, enum knob k, const char *text, bool literal, size_t *at, struct err *e);

/* Checks that no two entries of one knob can hold at once; *which is the entry an error is about. Errors: USAGE. */
WUR enum err_code entries_check(enum knob k, const struct entry *x, size_t n, size_t *which, struct err *e);

/* Replaces what stands for k in the preset. Takes over the entries' memory and leaves them empty. origin is copied. */
void preset_put(struct preset *p, enum knob k, struct entry *x, size_t n, const char *origin);

void range_release(struct range *r);
void range_copy(struct range *dst, const struct range *src);
bool range_same(const struct range *a, const struct range *b);
bool condition_same(const struct condition *a, const struct condition *b);

/* A free text that would be read as a choice or range were it not quoted. */
bool text_like_range(const char *text);

/* The opening comment of a preset without its marks, cleaned. Owns: caller frees. */
char *lesson_read(const char *text, size_t len);

#endif
