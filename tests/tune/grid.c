#include <stdlib.h>
#include <string.h>

#include "../../src/tune/cells.h"
#include "check.h"
#include "../../src/tune/sampler_kinds.h"
#include "space.h"
#include "vaetop/base/alloc.h"

int grid_tests(void);

#define GRID "study:\n  sampler: grid\n"

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void tell(struct drawn *x, int number, enum seen_state state)
{
    sampler_observe(x->s, &(struct seen){.number = number, .state = state, .value = {1, 0}}, &x->pt);
}

static void draw(struct drawn *x, int number, enum seen_state state)
{
    space_draw(x, number);
    tell(x, number, state);
}

/* All cells of a space: as many as wanted, no two alike, each in the space; none beyond. */
static void check_grid(const char *yaml, size_t cells)
{
    struct drawn x;
    struct err e;
    char **seen = xcalloc(cells, sizeof *seen);
    space_open(&x, yaml);
    assert_int_equal(sampler_count(x.s), cells);
    for (size_t n = 0; n < cells; n++) {
        struct sbuf text = {0};
        struct config c;
        draw(&x, (int)n, n % 3 == 0 ? SEEN_RUNNING : n % 3 == 1 ? SEEN_COMPLETE : SEEN_PRUNED);
        assert_int_equal(grid_cell(&x.p, &x.pt), n);
        assert_ok(preset_apply(&c, &x.p, &x.pt, &e), &e);
        for (size_t r = 0; r < x.p.n_ranges; r++) {
            assert_int_equal(x.pt.present[r], range_active(&x.p, r, &c));
            sbuf_addf(&text, x.pt.present[r] ? "%.17g;" : "-;", x.pt.value[r]);
        }
        config_release(&c);
        seen[n] = sbuf_take(&text);
    }
    assert_err(sampler_suggest(x.s, (int)cells, &x.pt, &e), ERR_NOTFOUND, &e);
    assert_has(e.text, "all of them given out");
    qsort(seen, cells, sizeof *seen, by_text);
    for (size_t n = 0; n < cells; n++) {
        assert_true(n == 0 || strcmp(seen[n - 1], seen[n]) != 0);
    }
    for (size_t n = 0; n < cells; n++) {
        free(seen[n]);
    }
    free(seen);
    space_close(&x);
}

static void every_cell_comes_exactly_once(void **state)
{
    (void)state;
    check_grid(GRID, 1);
    check_grid(GRID "model:\n  latent: 2 | 4 | 8 | 16\noptimizer:\n  lr: 3e-4 | 1e-3 | 3e-3\n", 12);
    check_grid(GRID "model:\n  latent: 2 .. 8\n  width: 64 .. 256 step 64\nloss:\n  beta: 0 .. 1 step 0.25\n",
               7 * 4 * 5);
    check_grid(GRID "model:\n  latent: 2 .. 8 log\n  encoder: 512,256 | 400 | 100\n", 21);
}

static void conditional_ranges_multiply_only_where_active(void **state)
{
    (void)state;
    check_grid(GRID "optimizer:\n  kind: adam | rmsprop | sgd\n  momentum: 0 | 0.5 | 0.9 if kind = sgd\n", 1 + 1 + 3);
    check_grid(GRID "model:\n  latent: 2 | 4\n"
                    "optimizer:\n  kind: adam | rmsprop | sgd\n"
                    "  lr:\n    - 1e-4 | 1e-3 | 1e-2 if kind = adam | rmsprop\n    - 1e-5 | 1e-4 if kind = sgd\n"
                    "  momentum: 0 .. 0.9 step 0.3 if kind = sgd\n"
                    "  beta1: 0.8 if kind = adam\n"
                    "train:\n  batch: 32 | 64\n",
               2 * (3 + 3 + 2 * 4) * 2);
    /* a chain: depth 2 opens width, width 64 opens latent */
    check_grid(GRID "model:\n  depth: 1 .. 3\n  width: 32 | 64 if depth = 2\n  latent: 2 .. 5 if width = 64\n",
               1 + (1 + 4) + 1);
    /* the default of a closed knob is in force: activation is relu when depth is not 2 */
    check_grid(
        GRID
        "model:\n  depth: 1 | 2\n  activation: tanh | relu if depth = 2\nloss:\n  beta: 1 | 2 if activation = relu\n",
        2 + (1 + 2));
    /* a condition that never holds, as after --set optimizer.kind=adam */
    check_grid(GRID "optimizer:\n  kind: adam\n  momentum: 0 | 0.9 if kind = sgd\n  beta1: 0.8 | 0.9 if kind = adam\n",
               2);
}

static void the_last_range_varies_fastest(void **state)
{
    struct drawn x;
    (void)state;
    space_open(&x, GRID "model:\n  latent: 2 | 4\ntrain:\n  batch: 32 | 64 | 128\n");
    for (int n = 0; n < 6; n++) {
        draw(&x, n, SEEN_RUNNING);
        assert_true(x.pt.value[0] == n / 3);
        assert_true(x.pt.value[1] == n % 3);
    }
    space_close(&x);
}

static void a_large_grid_is_counted_not_listed(void **state)
{
    struct drawn x;
    (void)state;
    space_open(&x, GRID "model:\n  latent: 1 .. 4096\n  width: 1 .. 16384 if latent = 7\n"
                        "train:\n  batch: 1 .. 65536\n  epochs: 1 .. 1000000\n");
    assert_true(sampler_count(x.s) == (4095u + 16384u) * (size_t)65536 * 1000000u);
    size_t cell = sampler_count(x.s) - 1, first = 0;
    for (; cell > 1000; cell = cell / 7 * 5) {
        grid_suggest(&x.p, cell, &x.pt);
        assert_int_equal(grid_cell(&x.p, &x.pt), cell);
        first++;
    }
    assert_true(first > 50);
    tell(&x, 0, SEEN_RUNNING); /* a cell far from the next one: nothing is listed between */
    draw(&x, 1, SEEN_RUNNING);
    assert_int_equal(grid_cell(&x.p, &x.pt), 0);
    space_close(&x);
}

#define SIX GRID "model:\n  latent: 2 | 4\ntrain:\n  batch: 32 | 64 | 128\n"

static void check_next(struct drawn *x, int number, size_t cell)
{
    space_draw(x, number);
    assert_int_equal(grid_cell(&x->p, &x->pt), cell);
}

static void check_end(struct drawn *x, const char *says)
{
    struct err e;
    assert_err(sampler_suggest(x->s, 1000, &x->pt, &e), ERR_NOTFOUND, &e);
    assert_string_equal(e.text, says);
}

/* First all others, then those tried least, in their order; not while one more try runs. */
static void a_failed_cell_is_given_out_again(void **state)
{
    struct drawn x;
    (void)state;
    space_open(&x, SIX);
    for (int n = 0; n < 6; n++) {
        draw(&x, n, n == 1 || n == 4 ? SEEN_FAILED : SEEN_COMPLETE);
    }
    check_next(&x, 6, 1);
    assert_string_equal(sampler_why(x.s)->text, "grid: cell 2 of 6 once more, for it failed: try 2 of 3");
    tell(&x, 6, SEEN_RUNNING);
    check_next(&x, 7, 4);
    tell(&x, 7, SEEN_COMPLETE);
    check_end(&x, "the grid has 6 cells, all of them given out"); /* cell 1 runs */
    grid_suggest(&x.p, 1, &x.pt);
    tell(&x, 6, SEEN_FAILED);
    check_next(&x, 8, 1);
    assert_has(sampler_why(x.s)->text, "try 3 of 3");
    tell(&x, 8, SEEN_FAILED);
    check_end(&x, "the grid has 6 cells, all of them given out; 1 failed 3 times");
    space_close(&x);
}

/* What a person enqueued, another program ran or the advisor before gave out, in whatever order it is told. */
static void any_trial_of_a_cell_claims_it(void **state)
{
    struct drawn x;
    (void)state;
    space_open(&x, SIX);
    static const size_t cell[] = {3, 0, 5};
    for (int n = 2; n >= 0; n--) {
        grid_suggest(&x.p, cell[n], &x.pt);
        tell(&x, n, n == 1 ? SEEN_RUNNING : n == 2 ? SEEN_LEFT_OUT : SEEN_COMPLETE);
    }
    grid_suggest(&x.p, 3, &x.pt);
    tell(&x, 3, SEEN_FAILED); /* the same values once more; the first has a value */
    grid_suggest(&x.p, 1, &x.pt);
    tell(&x, -1, SEEN_COMPLETE); /* another study's */
    check_next(&x, 4, 1);
    tell(&x, 4, SEEN_RUNNING);
    check_next(&x, 5, 2);
    tell(&x, 5, SEEN_RUNNING);
    tell(&x, 4, SEEN_FORGOTTEN); /* the number was another program's */
    check_next(&x, 6, 1);
    tell(&x, 6, SEEN_COMPLETE);
    check_next(&x, 7, 4);
    tell(&x, 7, SEEN_COMPLETE);
    check_end(&x, "the grid has 6 cells, all of them given out");
    space_close(&x);
}

static void a_grid_that_cannot_be_counted_is_refused(void **state)
{
    static const char yaml[] =
        GRID "model:\n  latent: 1 .. 4096\n  width: 1 .. 16384\ntrain:\n  batch: 1 .. 65536\n  epochs: 1 .. 1000000\n"
             "loss:\n  beta: 0 .. 1 step 1e-6\noptimizer:\n  beta1: 0 .. 0.5 step 1e-6\n";
    struct preset p;
    struct sampler *s;
    struct err e;
    (void)state;
    assert_ok(preset_parse(&p, yaml, strlen(yaml), "x", &e), &e);
    assert_ok(preset_check(&p, &e), &e);
    assert_err(sampler_new(&s, &p, &e), ERR_USAGE, &e);
    assert_has(e.text, "too many cells");
    preset_release(&p);
}

static void a_continuous_range_in_a_grid_is_refused(void **state)
{
    static const char yaml[] = GRID "optimizer:\n  lr: 1e-4 .. 1e-2 log\n";
    struct preset p;
    struct sampler *s;
    struct err e;
    (void)state;
    assert_ok(preset_parse(&p, yaml, strlen(yaml), "x", &e), &e);
    assert_err(sampler_new(&s, &p, &e), ERR_USAGE, &e); /* even where preset_check() was not called */
    assert_has(e.text, "optimizer.lr");
    assert_has(e.text, "step or choices");
    preset_release(&p);
}

int grid_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(every_cell_comes_exactly_once),
        cmocka_unit_test(conditional_ranges_multiply_only_where_active),
        cmocka_unit_test(the_last_range_varies_fastest),
        cmocka_unit_test(a_large_grid_is_counted_not_listed),
        cmocka_unit_test(a_failed_cell_is_given_out_again),
        cmocka_unit_test(any_trial_of_a_cell_claims_it),
        cmocka_unit_test(a_grid_that_cannot_be_counted_is_refused),
        cmocka_unit_test(a_continuous_range_in_a_grid_is_refused),
    };
    return cmocka_run_group_tests_name("tune grid", test, NULL, NULL);
}
