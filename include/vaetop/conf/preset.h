/* A preset: fixed values for some knobs, ranges for others; read from YAML, changed by --set, written back.
 * Language: design section 5. Ranges make the search space; a parameter is a knob with one or more ranges. */
#ifndef VAETOP_CONF_PRESET_H
#define VAETOP_CONF_PRESET_H

#include "vaetop/base/err.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/config.h"
#include "vaetop/conf/knob.h"

enum range_kind { RANGE_FLOAT, RANGE_INT, RANGE_CHOICE };

/* Active only if knob `on` has one of the words; KNOB_NONE: always. Words are texts as in a preset. */
struct condition {
    enum knob on;
    char **word;
    size_t n_words;
};

/* One distribution of one knob. The ranges of one knob are neighbours and their conditions are disjoint. */
struct range {
    enum knob knob;
    enum range_kind kind;
    double lo, hi;  /* FLOAT, INT: inclusive bounds, in the knob's unit */
    double step;    /* 0: none; INT without step: 1. hi lies on a step */
    bool log;
    char **choice;  /* CHOICE: texts as in a preset */
    size_t n_choices;
    struct condition when;
};

struct preset {
    char *name;         /* file name without folder and .yaml */
    char *lesson;       /* the opening comment: what one learns here; "" if none */
    struct config base; /* fixed values and defaults */
    bool given[KNOB_COUNT]; /* knob stands in the file or in --set */
    char *origin[KNOB_COUNT]; /* where a given knob stands, for messages: "FILE:LINE:COLUMN", "--set K=V"; else NULL */
    struct range *range;    /* a knob that another's condition names comes first */
    size_t n_ranges;
};

/* Values of one trial in the space: for range r, present[r] and value[r]. FLOAT and INT: the value itself; CHOICE:
 * index into choice (Optuna's internal value). At most one range of a knob is present. */
struct point {
    size_t n; /* = preset->n_ranges */
    bool *present;
    double *value;
};
void point_init(struct point *p, const struct preset *ps);
void point_release(struct point *p);
void point_copy(struct point *dst, const struct point *src);

/* Reads, and checks what one knob alone can get wrong. where names the file in messages "FILE:LINE:COLUMN: ...".
 * out is uninitialised; on an error there is nothing to release. Errors: USAGE, NOMEM. */
WUR enum err_code preset_parse(struct preset *out, const char *yaml, size_t len, const char *where, struct err *e);
/* By path (contains '/' or ends in .yaml) or by name: ./presets is not searched; the user's
 * $XDG_CONFIG_HOME/vaetop/presets, then the installed ones (or the source tree's, when run from the build tree).
 * Errors: USAGE (no such preset, with the nearest name). */
WUR enum err_code preset_load(struct preset *out, const char *name_or_path, struct err *e);
void preset_release(struct preset *p);
void preset_copy(struct preset *dst, const struct preset *src);

/* Applies "section.knob=VALUE", VALUE a value or a range as in the file, the items of a list separated by ';'.
 * Replaces all that stood there; on an error p is as before. Errors: USAGE. */
WUR enum err_code preset_set(struct preset *p, const char *assignment, struct err *e);

/* Checks over several knobs after all --set: conditions name searched or fixed knobs, disjoint, no cycle, grid over a
 * continuous range without step. Orders the ranges. Errors: USAGE. preset_load() does not call it. */
WUR enum err_code preset_check(struct preset *p, struct err *e);

/* Epochs of the longest trial the space holds, and its longest KL warm-up (config_first_best()). */
void preset_epochs(const struct preset *p, int *most, int *warmup);

/* Canonical YAML: reading it again gives the same preset. */
void preset_format(struct sbuf *out, const struct preset *p);
/* First knob in which two presets differ, among those that decide a trial's result; KNOB_NONE if none.
 * study.name, trials, slots, keep and timeout may differ: they only say how far and how wide. */
enum knob preset_difference(const struct preset *a, const struct preset *b);

/* One range as in a preset, without its knob: "1e-4 .. 1e-2 log if optimizer.kind = adam". */
void range_format(struct sbuf *out, const struct range *r);

/* How many values a range has, and the i-th: FLOAT and INT the value itself, CHOICE the index. 0: a continuous one. */
size_t range_count(const struct range *r);
double range_value(const struct range *r, size_t i);

/* Puts one value of a range into a configuration. Errors: USAGE (outside the range). */
WUR enum err_code range_apply(struct config *c, const struct range *r, double value, struct err *e);

/* True if the range's condition holds for the trial's other values. */
bool range_active(const struct preset *p, size_t range, const struct config *so_far);

/* The trial's configuration: base with the point's values. Errors: USAGE (value outside its range). */
WUR enum err_code preset_apply(struct config *out, const struct preset *p, const struct point *pt, struct err *e);
/* Does pt have just the knobs that its conditions switch on, each within its range? Another program's trial may not: it
 * would lead a sampler astray. */
bool point_in_space(const struct preset *p, const struct point *pt);

/* Names and first lesson line of every preset that can be found. Owns: caller frees with preset_list_free. */
struct preset_entry {
    char *name, *path, *lesson;
};
size_t preset_list(struct preset_entry **out);
void preset_list_free(struct preset_entry *list, size_t n);

#endif
