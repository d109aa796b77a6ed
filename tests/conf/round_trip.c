/* Preset -> canonical text -> preset, for the shipped ones, for generated ones, and for broken ones that still read. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/rng.h"
#include "vaetop/conf/preset.h"

int round_trip_tests(void);

static const char *const shipped[] = {"quickstart", "mnist", "grid", "random", "optimizers"};
#define SHIPPED (sizeof shipped / sizeof *shipped)

static char *shipped_text(const char *name, size_t *len)
{
    char *path = xasprintf("%s/presets/%s.yaml", getenv("VAETOP_SOURCE"), name);
    char *text = NULL;
    struct err e;
    assert_ok(fs_read(&text, len, path, 1 << 20, &e), &e);
    free(path);
    return text;
}

static bool words_same(char **a, size_t n_a, char **b, size_t n_b)
{
    bool same = n_a == n_b;
    for (size_t i = 0; same && i < n_a; i++) {
        same = strcmp(a[i], b[i]) == 0;
    }
    return same;
}

static bool exactly_same(const struct preset *a, const struct preset *b)
{
    bool same = strcmp(a->lesson, b->lesson) == 0 && a->n_ranges == b->n_ranges &&
                memcmp(a->given, b->given, sizeof a->given) == 0 &&
                memcmp(a->base.num, b->base.num, sizeof a->base.num) == 0;
    for (int k = 0; same && k < KNOB_COUNT; k++) {
        same = knob_info((enum knob)k)->type != KNOB_TEXT || strcmp(a->base.text[k], b->base.text[k]) == 0;
    }
    for (size_t r = 0; same && r < a->n_ranges; r++) {
        const struct range *x = &a->range[r];
        const struct range *y = &b->range[r];
        same = x->knob == y->knob && x->kind == y->kind && x->lo == y->lo && x->hi == y->hi && x->step == y->step &&
               x->log == y->log && x->when.on == y->when.on &&
               words_same(x->choice, x->n_choices, y->choice, y->n_choices) &&
               words_same(x->when.word, x->when.n_words, y->when.word, y->when.n_words);
    }
    return same;
}

/* Writes p, reads it, compares, and writes again. checked: p has passed preset_check(), which orders the ranges. */
static void check_round_trip(const struct preset *p, bool checked, const char *source)
{
    struct sbuf once = {0}, twice = {0};
    struct preset q;
    struct err e;
    enum err_code rc;
    preset_format(&once, p);
    rc = preset_parse(&q, once.text, once.len, "canonical.yaml", &e);
    if (rc) {
        fail_msg("%s\n--- canonical:\n%s--- from:\n%s", e.text, once.text, source);
    }
    if (checked) {
        assert_ok(preset_check(&q, &e), &e);
    }
    if (!exactly_same(p, &q)) {
        fail_msg("another preset comes back\n--- canonical:\n%s--- from:\n%s", once.text, source);
    }
    preset_format(&twice, &q);
    assert_string_equal(once.text, twice.text);
    sbuf_release(&once);
    sbuf_release(&twice);
    preset_release(&q);
}

static void every_shipped_preset_comes_back_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHIPPED; i++) {
        size_t len = 0;
        char *text = shipped_text(shipped[i], &len);
        struct preset p;
        struct err e;
        assert_ok(preset_parse(&p, text, len, shipped[i], &e), &e);
        assert_true(strlen(p.lesson) > 100);
        assert_true(strcspn(p.lesson, "\n") < 90); /* the first line stands in lists */
        assert_true(p.n_ranges >= 2);
        check_round_trip(&p, false, text);
        assert_ok(preset_check(&p, &e), &e);
        check_round_trip(&p, true, text);
        preset_release(&p);
        free(text);
    }
}

static void an_all_default_preset_comes_back_the_same(void **state)
{
    struct preset p;
    struct err e;
    (void)state;
    assert_ok(preset_parse(&p, "{}", 2, "x", &e), &e);
    check_round_trip(&p, false, "{}");
    preset_release(&p);
}

static void add_number(struct sbuf *s, struct rng *r, enum knob k, double *value)
{
    const struct knob_info *i = knob_info(k);
    double lo = i->min > 1e-6 || i->type == KNOB_INT ? i->min : 1e-6;
    double v = lo <= 0 ? rng_uniform(r) * 100 : exp(log(lo) + rng_uniform(r) * (log(i->max) - log(lo)));
    char text[32];
    *value = i->type == KNOB_INT ? floor(v) : v;
    *value = *value < i->min ? i->min : *value > i->max ? i->max : *value;
    sbuf_add(s, str_from_f64(text, sizeof text, *value));
}

/* "knob = a | b", the words from a subset; with more than one word at most half of them, the half chosen by side. */
static void add_condition(struct sbuf *s, enum knob on, int side)
{
    int n = knob_choice_count(on);
    bool first = true;
    sbuf_addf(s, " if %s = ", knob_info(on)->full);
    for (int i = 0; i < n; i++) {
        if (i % 2 == side) {
            sbuf_addf(s, "%s%s", first ? "" : " | ", knob_choice_name(on, i));
            first = false;
        }
    }
}

static void add_numeric(struct sbuf *s, struct rng *r, enum knob k)
{
    double a = 0, b = 0;
    char lo[32], hi[32], step[32];
    struct sbuf scrap = {0};
    add_number(&scrap, r, k, &a);
    add_number(&scrap, r, k, &b);
    sbuf_release(&scrap);
    (void)str_from_f64(lo, sizeof lo, a < b ? a : b);
    (void)str_from_f64(hi, sizeof hi, a < b ? b : a);
    switch (a == b ? 0 : rng_below(r, 5)) {
    case 0:
        sbuf_add(s, lo);
        break;
    case 1:
        sbuf_addf(s, "%s | %s", hi, lo);
        break;
    case 2:
        sbuf_addf(s, "%s .. %s", lo, hi);
        break;
    case 3:
        sbuf_addf(s, "%s .. %s%s", lo, hi, (a < b ? a : b) > 0 ? " log" : "");
        break;
    default:
        sbuf_addf(s, "%s .. %s step %s", lo, hi, str_from_f64(step, sizeof step, fabs(a - b)));
        break;
    }
}

static void add_words(struct sbuf *s, struct rng *r, enum knob k)
{
    int n = knob_choice_count(k);
    int first = (int)rng_below(r, (uint32_t)n);
    int count = 1 + (int)rng_below(r, (uint32_t)n);
    for (int i = 0; i < count; i++) {
        sbuf_addf(s, "%s%s", i > 0 ? " | " : "", knob_choice_name(k, (first + i) % n));
    }
}

static void add_value(struct sbuf *s, struct rng *r, enum knob k)
{
    static const char *const source[] = {"builtin:digits",
                                         "'a | b'",
                                         "\"it's: # \\\\ .. x\"",
                                         "/x/\xc3\xa9t\xc3\xa9 1.gz",
                                         "'- a'",
                                         "../up",
                                         "'...'",
                                         "'a  b'",
                                         "'?'",
                                         "'%x'",
                                         "'key: value'",
                                         "'  '",
                                         "'1 .. 2'",
                                         "'~'",
                                         "a:",
                                         "'x:'"};
    static const char *const widths[] = {"512,256", "512 | 512, 256", "7", "''", "1,1,1 | 2"};
    const struct knob_info *i = knob_info(k);
    double v;
    if (k == KNOB_DATA_SOURCE || k == KNOB_DATA_LABELS) {
        const char *t = source[rng_below(r, sizeof source / sizeof *source)];
        sbuf_add(s, strcmp(t, "'  '") == 0 || strcmp(t, "a:") == 0 ? "x" : t);
    } else if (i->type == KNOB_TEXT) {
        sbuf_add(s, k == KNOB_STUDY_NAME        ? "-a.b"
                    : k == KNOB_DATA_VALIDATION ? (rng_below(r, 2) ? "last 20" : "0.3")
                    : k == KNOB_DATA_TEST       ? (rng_below(r, 2) ? "last 20" : "/a b/c=d.npy")
                    : k == KNOB_STUDY_REQUIRE   ? (rng_below(r, 2) ? "kl <= 20, active >= 3" : "rec <= 1e2")
                    : k == KNOB_DATA_SHAPE      ? (rng_below(r, 2) ? "28x28" : "1x7")
                                                : widths[rng_below(r, 5)]);
    } else if (i->type == KNOB_CHOICE && !i->range_allowed) {
        sbuf_add(s, knob_choice_name(k, (int)rng_below(r, (uint32_t)knob_choice_count(k))));
    } else if (i->type == KNOB_CHOICE) {
        add_words(s, r, k);
    } else if (!i->range_allowed) {
        add_number(s, r, k, &v);
    } else {
        add_numeric(s, r, k);
    }
}

static void add_knob(struct sbuf *s, struct rng *r, enum knob k)
{
    static const enum knob on[] = {KNOB_OPTIMIZER_KIND, KNOB_LOSS_BETA_SCHEDULE, KNOB_MODEL_ACTIVATION};
    enum knob c = on[rng_below(r, 3)];
    uint32_t form = rng_below(r, 4);
    bool may = knob_info(k)->range_allowed && knob_info(k)->type != KNOB_TEXT && c != k;
    sbuf_addf(s, "  %s:", knob_info(k)->name);
    if (may && form == 0) {
        for (int side = 0; side < 2; side++) {
            sbuf_add(s, "\n    - ");
            add_value(s, r, k);
            add_condition(s, c, side);
        }
    } else {
        sbuf_add(s, " ");
        add_value(s, r, k);
        if (may && form == 1) {
            add_condition(s, c, 0);
        }
    }
    sbuf_add(s, "\n");
}

static void generate(struct sbuf *s, struct rng *r)
{
    static const char *const lesson[] = {"", "# one line\n",
                                         "#\n# a\n#\n#   b \xc3\xa9 \xe2\x80\xae x\n#no blank\n\n# not this\n"};
    const char *section = "";
    sbuf_clear(s);
    sbuf_add(s, lesson[rng_below(r, 3)]);
    sbuf_add(s, "study:\n");
    section = "study";
    for (int k = 0; k < KNOB_COUNT; k++) {
        if (rng_below(r, 2) == 0) {
            continue;
        }
        if (strcmp(section, knob_info((enum knob)k)->section) != 0) {
            section = knob_info((enum knob)k)->section;
            sbuf_addf(s, "%s:\n", section);
        }
        add_knob(s, r, (enum knob)k);
    }
}

static void a_thousand_generated_presets_come_back_the_same(void **state)
{
    struct rng r = rng_start(rng_key(11, 0), RNG_SUGGEST, 0);
    struct sbuf s = {0};
    (void)state;
    for (int n = 0; n < 1000; n++) {
        struct preset p, copy;
        struct err e;
        generate(&s, &r);
        if (preset_parse(&p, s.text, s.len, "generated", &e)) {
            fail_msg("%s\n%s", e.text, s.text);
        }
        check_round_trip(&p, false, s.text);
        if (preset_check(&p, NULL) == ERR_OK) {
            check_round_trip(&p, true, s.text);
        }
        preset_copy(&copy, &p);
        assert_true(exactly_same(&p, &copy));
        preset_release(&copy);
        preset_release(&p);
    }
    sbuf_release(&s);
}

/* Whatever is read must be usable: checked, written, read again. Returns true if it was read. */
static bool survive(const char *text, size_t len)
{
    struct preset p;
    struct err e;
    if (preset_parse(&p, text, len, "broken.yaml", &e)) {
        assert_true(e.code == ERR_USAGE);
        assert_has(e.text, "broken.yaml:");
        assert_null(strpbrk(e.text, "\n\x1b\x7f"));
        return false;
    }
    check_round_trip(&p, false, text);
    if (preset_check(&p, &e) == ERR_OK) {
        check_round_trip(&p, true, text);
    }
    preset_release(&p);
    return true;
}

static void every_truncation_is_refused_or_read_cleanly(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHIPPED; i++) {
        size_t len = 0, read = 0;
        char *text = shipped_text(shipped[i], &len);
        for (size_t n = 0; n <= len; n++) {
            char *exact = xcalloc(n + 1, 1); /* its own block, so that reading past the end is seen */
            memcpy(exact, text, n);
            read += survive(exact, n);
            free(exact);
        }
        assert_true(read > 0 && read < len);
        free(text);
    }
}

static void every_flipped_bit_is_refused_or_read_cleanly(void **state)
{
    static const char *const richest[] = {"random", "optimizers"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t len = 0, read = 0;
        char *text = shipped_text(richest[i], &len);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            char mask = (char)(1 << bit % 8);
            text[bit / 8] = (char)(text[bit / 8] ^ mask);
            read += survive(text, len);
            text[bit / 8] = (char)(text[bit / 8] ^ mask);
        }
        assert_true(read > 0 && read < 8 * len);
        free(text);
    }
}

static void every_byte_replaced_by_a_mark_is_refused_or_read_cleanly(void **state)
{
    static const char marks[] = "\n:|.=-[]{}&*!%@'\"#,;\t\r if09e\xff";
    size_t len = 0;
    char *text = shipped_text("optimizers", &len);
    (void)state;
    for (size_t at = 0; at < len; at++) {
        char was = text[at];
        for (const char *m = marks; *m; m++) {
            text[at] = *m;
            (void)survive(text, len);
        }
        text[at] = was;
    }
    free(text);
}

int round_trip_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(every_shipped_preset_comes_back_the_same),
        cmocka_unit_test(an_all_default_preset_comes_back_the_same),
        cmocka_unit_test(a_thousand_generated_presets_come_back_the_same),
        cmocka_unit_test(every_truncation_is_refused_or_read_cleanly),
        cmocka_unit_test(every_flipped_bit_is_refused_or_read_cleanly),
        cmocka_unit_test(every_byte_replaced_by_a_mark_is_refused_or_read_cleanly),
    };
    return cmocka_run_group_tests_name("conf round_trip", test, NULL, NULL);
}
