/* Whole screens against stored pictures. VAETOP_UPDATE_GOLDEN=1 stores what is drawn now: look at the difference. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "scene.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"

static const struct picture {
    const char *name;
    enum demo_kind kind;
    enum tier tier;
    int w, h;
    const char *keys;
} pictures[] = {
    {"dashboard-40x10-ascii", DEMO_THIRTEEN, TIER_ASCII, 40, 10, ""},
    {"dashboard-40x10-block", DEMO_THIRTEEN, TIER_BLOCK, 40, 10, ""},
    {"dashboard-40x10-braille", DEMO_THIRTEEN, TIER_BRAILLE, 40, 10, ""},
    {"dashboard-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, ""},
    {"dashboard-80x24-block", DEMO_THIRTEEN, TIER_BLOCK, 80, 24, ""},
    {"dashboard-80x24-braille", DEMO_THIRTEEN, TIER_BRAILLE, 80, 24, ""},
    {"dashboard-120x40-ascii", DEMO_THIRTEEN, TIER_ASCII, 120, 40, ""},
    {"dashboard-120x40-block", DEMO_THIRTEEN, TIER_BLOCK, 120, 40, ""},
    {"dashboard-120x40-braille", DEMO_THIRTEEN, TIER_BRAILLE, 120, 40, ""},
    {"dashboard-160x48-ascii", DEMO_THIRTEEN, TIER_ASCII, 160, 48, ""},
    {"dashboard-160x48-block", DEMO_THIRTEEN, TIER_BLOCK, 160, 48, ""},
    {"dashboard-160x48-braille", DEMO_THIRTEEN, TIER_BRAILLE, 160, 48, ""},
    {"empty-40x10-ascii", DEMO_EMPTY, TIER_ASCII, 40, 10, ""},
    {"empty-80x24-braille", DEMO_EMPTY, TIER_BRAILLE, 80, 24, ""},
    {"empty-160x48-block", DEMO_EMPTY, TIER_BLOCK, 160, 48, ""},
    {"one-40x10-braille", DEMO_ONE, TIER_BRAILLE, 40, 10, ""},
    {"one-80x24-ascii", DEMO_ONE, TIER_ASCII, 80, 24, ""},
    {"one-120x40-block", DEMO_ONE, TIER_BLOCK, 120, 40, ""},
    {"strange-40x10-ascii", DEMO_STRANGE, TIER_ASCII, 40, 10, "gjjj"},
    {"strange-80x24-braille", DEMO_STRANGE, TIER_BRAILLE, 80, 24, ""},
    {"strange-80x24-ascii", DEMO_STRANGE, TIER_ASCII, 80, 24, "G"},
    {"strange-160x48-block", DEMO_STRANGE, TIER_BLOCK, 160, 48, ""},
    {"many-80x24-braille", DEMO_MANY, TIER_BRAILLE, 80, 24, ""},
    {"many-40x10-ascii", DEMO_MANY, TIER_ASCII, 40, 10, "G"},
    {"many-120x40-block", DEMO_MANY, TIER_BLOCK, 120, 40, ""},
    {"many-160x48-ascii", DEMO_MANY, TIER_ASCII, 160, 48, "I"},
    {"strange-120x40-braille", DEMO_STRANGE, TIER_BRAILLE, 120, 40, "gj"},
    {"trial-strange-80x24-braille", DEMO_STRANGE, TIER_BRAILLE, 80, 24, "gj\r"},
    {"images-grey-120x40-braille", DEMO_THIRTEEN, TIER_BRAILLE, 120, 40, "2"},
    {"help-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "?"},
    {"help-120x40-braille", DEMO_THIRTEEN, TIER_BRAILLE, 120, 40, "?"},
    {"help-40x10-block", DEMO_THIRTEEN, TIER_BLOCK, 40, 10, "?j"},
    {"stop-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "x"},
    {"quit-40x10-braille", DEMO_THIRTEEN, TIER_BRAILLE, 40, 10, "qj"},
    {"trial-40x10-ascii", DEMO_THIRTEEN, TIER_ASCII, 40, 10, "2"},
    {"trial-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "2"},
    {"trial-80x24-block", DEMO_THIRTEEN, TIER_BLOCK, 80, 24, "\ry"},
    {"trial-80x24-braille", DEMO_THIRTEEN, TIER_BRAILLE, 80, 24, "\r,,,"},
    {"trial-120x40-braille", DEMO_THIRTEEN, TIER_BRAILLE, 120, 40, "2["},
    {"trial-160x48-braille", DEMO_THIRTEEN, TIER_BRAILLE, 160, 48, "2mm"},
    {"trial-160x48-ascii", DEMO_STRANGE, TIER_ASCII, 160, 48, "2"},
    {"trial-empty-80x24-ascii", DEMO_EMPTY, TIER_ASCII, 80, 24, "2"},
    {"devices-40x10-ascii", DEMO_THIRTEEN, TIER_ASCII, 40, 10, "3"},
    {"devices-80x24-braille", DEMO_THIRTEEN, TIER_BRAILLE, 80, 24, "3j"},
    {"devices-160x48-block", DEMO_STRANGE, TIER_BLOCK, 160, 48, "3"},
    {"devices-off-120x40-ascii", DEMO_THIRTEEN, TIER_ASCII, 120, 40, "3 "},
    {"clone-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "gC"},
    {"by-hand-40x10-block", DEMO_THIRTEEN, TIER_BLOCK, 40, 10, "Ej"},
    {"devices-unusable-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "3jjj"},
    {"study-40x10-ascii", DEMO_SEARCHED, TIER_ASCII, 40, 10, "4"},
    {"study-40x10-block", DEMO_SEARCHED, TIER_BLOCK, 40, 10, "4"},
    {"study-40x10-braille", DEMO_SEARCHED, TIER_BRAILLE, 40, 10, "4"},
    {"study-80x24-ascii", DEMO_SEARCHED, TIER_ASCII, 80, 24, "4"},
    {"study-80x24-block", DEMO_SEARCHED, TIER_BLOCK, 80, 24, "4"},
    {"study-80x24-braille", DEMO_SEARCHED, TIER_BRAILLE, 80, 24, "4"},
    {"study-120x40-ascii", DEMO_SEARCHED, TIER_ASCII, 120, 40, "4"},
    {"study-120x40-block", DEMO_SEARCHED, TIER_BLOCK, 120, 40, "4"},
    {"study-120x40-braille", DEMO_SEARCHED, TIER_BRAILLE, 120, 40, "4"},
    {"study-160x48-ascii", DEMO_SEARCHED, TIER_ASCII, 160, 48, "4"},
    {"study-160x48-block", DEMO_SEARCHED, TIER_BLOCK, 160, 48, "4"},
    {"study-160x48-braille", DEMO_SEARCHED, TIER_BRAILLE, 160, 48, "4"},
    {"study-front-80x24-ascii", DEMO_SEARCHED, TIER_ASCII, 80, 24, "4oGk"},
    {"study-two-80x24-ascii", DEMO_TWO, TIER_ASCII, 80, 24, "4"},
    {"study-two-kl-160x48-braille", DEMO_TWO, TIER_BRAILLE, 160, 48, "4O"},
    {"dashboard-two-80x24-braille", DEMO_TWO, TIER_BRAILLE, 80, 24, ""},
    {"dashboard-knn-120x40-braille", DEMO_KNN, TIER_BRAILLE, 120, 40, ""},
    {"trial-knn-80x24-ascii", DEMO_KNN, TIER_ASCII, 80, 24, "2"},
    {"study-knn-120x40-block", DEMO_KNN, TIER_BLOCK, 120, 40, "4"},
    {"study-down-40x10-ascii", DEMO_SEARCHED, TIER_ASCII, 40, 10, "4G"},
    {"study-few-80x24-braille", DEMO_THIRTEEN, TIER_BRAILLE, 80, 24, "4"},
    {"study-empty-120x40-ascii", DEMO_EMPTY, TIER_ASCII, 120, 40, "4"},
    {"study-many-160x48-braille", DEMO_MANY, TIER_BRAILLE, 160, 48, "4j"},
    {"log-40x10-ascii", DEMO_THIRTEEN, TIER_ASCII, 40, 10, "5"},
    {"log-80x24-braille", DEMO_THIRTEEN, TIER_BRAILLE, 80, 24, "5a"},
    {"log-120x40-ascii", DEMO_THIRTEEN, TIER_ASCII, 120, 40, "5k"},
    {"filter-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "\\value < 110 and kind = adam\r"},
    {"filter-none-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "\\value < 1\r"},
    {"filter-typing-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "\\valeu < 1\r"},
    {"tagged-80x24-braille", DEMO_THIRTEEN, TIER_BRAILLE, 80, 24, "g    "},
    {"tagged-120x40-ascii", DEMO_THIRTEEN, TIER_ASCII, 120, 40, "g   PjPjx"},
    {"edit-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "elr=1e-4"},
    {"studies-40x10-ascii", DEMO_THIRTEEN, TIER_ASCII, 40, 10, "0"},
    {"studies-80x24-braille", DEMO_THIRTEEN, TIER_BRAILLE, 80, 24, "0"},
    {"studies-160x48-block", DEMO_THIRTEEN, TIER_BLOCK, 160, 48, "0j"},
    {"studies-none-80x24-ascii", DEMO_EMPTY, TIER_ASCII, 80, 24, "0"},
    {"form-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "0jjj\r"},
    {"form-120x40-braille", DEMO_THIRTEEN, TIER_BRAILLE, 120, 40, "0jjj\rjjjj\r"},
    {"density-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "mmm"},
    {"half-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "m"},
    {"half-120x40-block", DEMO_THIRTEEN, TIER_BLOCK, 120, 40, "m"},
    {"images-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "2v"},
    {"images-80x24-block", DEMO_THIRTEEN, TIER_BLOCK, 80, 24, "2vv"},
    {"images-none-80x24-ascii", DEMO_STRANGE, TIER_ASCII, 80, 24, "2v"},
    {"setup-80x24-braille", DEMO_THIRTEEN, TIER_BRAILLE, 80, 24, "Sl"},
    {"setup-40x10-ascii", DEMO_THIRTEEN, TIER_ASCII, 40, 10, "Sj"},
    {"setup-120x40-block", DEMO_THIRTEEN, TIER_BLOCK, 120, 40, "Sjjj"},
    {"setup-160x48-ascii", DEMO_THIRTEEN, TIER_ASCII, 160, 48, "S"},
    {"form-40x10-block", DEMO_THIRTEEN, TIER_BLOCK, 40, 10, "0jjj\rjj"},
    {"form-160x48-ascii", DEMO_THIRTEEN, TIER_ASCII, 160, 48, "0jjj\rj"},
    {"ticked-40x10-braille", DEMO_THIRTEEN, TIER_BRAILLE, 40, 10, "0jjj\rjj"},
    {"ticked-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, "0jjj\rjj"},
    {"ticked-120x40-block", DEMO_THIRTEEN, TIER_BLOCK, 120, 40, "0jjj\rjj"},
    {"ticked-160x48-ascii", DEMO_THIRTEEN, TIER_ASCII, 160, 48, "0jjj\rjj"},
    {"clone-120x40-block", DEMO_THIRTEEN, TIER_BLOCK, 120, 40, "gCj"},
    {"by-hand-160x48-braille", DEMO_THIRTEEN, TIER_BRAILLE, 160, 48, "Ej\r5\r"},
    {"studies-120x40-braille", DEMO_THIRTEEN, TIER_BRAILLE, 120, 40, "0jjj"},
    {"devices-120x40-block", DEMO_THIRTEEN, TIER_BLOCK, 120, 40, "3j"},
    {"log-160x48-block", DEMO_THIRTEEN, TIER_BLOCK, 160, 48, "5"},
    {"help-160x48-braille", DEMO_THIRTEEN, TIER_BRAILLE, 160, 48, "2?"},
    {"stop-40x10-block", DEMO_THIRTEEN, TIER_BLOCK, 40, 10, "x"},
    {"empty-120x40-ascii", DEMO_EMPTY, TIER_ASCII, 120, 40, ""},
    {"one-160x48-braille", DEMO_ONE, TIER_BRAILLE, 160, 48, ""},
    {"tab-80x24-ascii", DEMO_THIRTEEN, TIER_ASCII, 80, 24, ":s\t"},
    {"sorted-120x40-ascii", DEMO_THIRTEEN, TIER_ASCII, 120, 40, "<<<I"},
};

/* Pictures of which the roles, from which colours and attributes follow, are stored too. */
static const char *const with_roles[] = {
    "dashboard-40x10-ascii",
    "dashboard-80x24-braille",
    "empty-80x24-braille",
    "one-120x40-block",
    "strange-80x24-ascii",
    "images-grey-120x40-braille",
    "help-80x24-ascii",
    "stop-80x24-ascii",
    "trial-80x24-braille",
    "trial-160x48-braille",
    "devices-80x24-braille",
    "log-80x24-braille",
    "filter-typing-80x24-ascii",
    "tagged-120x40-ascii",
    "studies-80x24-braille",
    "form-80x24-ascii",
    "half-120x40-block",
    "images-80x24-block",
    "setup-80x24-braille",
    "ticked-80x24-ascii",
    "study-two-80x24-ascii",
};

/* A letter per role. Letters of states are the states' own; '~' is the chosen row, '_' a sorted column's title. */
static const char role_letter[ROLE_COUNT + 1] = ".dbTBHKgwe*RQPDXSFvts=0123456789";

static char letter_of(const struct cell *c)
{
    if (c->ch == ' ' && !(c->style.attr & (ATTR_REVERSE | ATTR_UNDERLINE)) && c->style.role < ROLE_PIXEL) {
        return ' ';
    }
    if (c->style.attr & (ATTR_REVERSE | ATTR_UNDERLINE)) {
        return c->style.attr & ATTR_REVERSE ? '~' : '_';
    }
    return c->style.role >= ROLE_CLASSES ? '%'
           : c->style.role >= ROLE_PIXEL ? "abcdefghijkl"[(c->style.role - ROLE_PIXEL) / GREYS]
                                         : role_letter[c->style.role];
}

/* The plane of roles under the picture: one letter a cell. Owns: caller frees. */
static char *roles_text(const struct canvas *c)
{
    struct sbuf b = {0};
    for (int y = 0; y < c->h; y++) {
        char line[CANVAS_W_MAX + 1];
        int end = 0;
        for (int x = 0; x < c->w; x++) {
            line[x] = letter_of(&c->cell[y * c->w + x]);
            end = line[x] != ' ' ? x + 1 : end;
        }
        sbuf_addf(&b, "%.*s\n", end, line);
    }
    return sbuf_take(&b);
}

static void compare_file(const char *folder, const char *name, const char *kind, const char *got, bool update)
{
    struct err e;
    size_t len = 0;
    char *path = xasprintf("%s/%s.%s", folder, name, kind), *want = NULL;
    if (update) {
        assert_ok(fs_write(path, got, strlen(got), &e), &e);
    } else {
        assert_ok(fs_read(&want, &len, path, 1u << 20, &e), &e);
        if (strcmp(got, want) != 0) {
            print_error("%s.%s is drawn otherwise now:\n%s", name, kind, got);
        }
        assert_string_equal(got, want);
    }
    free(want);
    free(path);
}

static void check_picture(const struct picture *p, const char *folder, bool update)
{
    struct scene s;
    scene_make(&s, p->kind, p->tier);
    s.state.greys = strstr(p->name, "grey") != NULL;
    scene_draw(&s, p->w, p->h);
    (void)scene_keys(&s, p->keys);
    if (strncmp(p->name, "ticked", 6) == 0) {
        scene_probe(&s);
        (void)scene_keys(&s, "j j");
    }
    char *got = scene_text(&s, p->w, p->h);
    compare_file(folder, p->name, "txt", got, update);
    free(got);
    for (size_t i = 0; i < sizeof with_roles / sizeof *with_roles; i++) {
        if (strcmp(p->name, with_roles[i]) == 0) {
            got = roles_text(&s.canvas);
            compare_file(folder, p->name, "roles", got, update);
            free(got);
        }
    }
    scene_release(&s);
}

static void screens_are_as_stored(void **state)
{
    const char *source = getenv("VAETOP_SOURCE"), *update = getenv("VAETOP_UPDATE_GOLDEN");
    char *folder = xasprintf("%s/tests/ui/golden", source ? source : VAETOP_SOURCE_DIR);
    (void)state;
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        check_picture(&pictures[i], folder, update && update[0] == '1');
    }
    free(folder);
}

int pictures_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(screens_are_as_stored),
    };
    return cmocka_run_group_tests_name("ui pictures", tests, NULL, NULL);
}
