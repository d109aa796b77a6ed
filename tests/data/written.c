/* What is written for others to read: grids of images as PNG, arrays as NPY. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "files.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/data/npy_write.h"
#include "vaetop/data/png_grid.h"

/* A PNG's grey pixels, read back by libpng. Owns: caller frees. */
static unsigned char *read_png(const char *path, size_t *width, size_t *height)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path));
    image.format = PNG_FORMAT_GRAY;
    unsigned char *px = xcalloc(PNG_IMAGE_SIZE(image), 1);
    assert_true(png_image_finish_read(&image, NULL, px, 0, NULL));
    *width = image.width;
    *height = image.height;
    return px;
}

static void images_stand_apart_enlarged_and_in_order(void **state)
{
    (void)state;
    enum { SIDE = 28, N = 5 };
    static float x[N * SIDE * SIDE];
    struct err e;
    size_t width, height;
    char *path = xasprintf("%s/grid.png", temp_dir());
    for (size_t i = 0; i < N * SIDE * SIDE; i++) {
        x[i] = (float)(i / (SIDE * SIDE)) / 10; /* image i is of grey i / 10 */
    }
    x[3 * SIDE * SIDE + 1 * SIDE + 2] = 1; /* one bright dot: image 3, row 1, column 2 */
    assert_ok(png_grid_save(path, x, &(struct png_grid){.n = N, .height = SIDE, .width = SIDE, .columns = 3}, &e), &e);
    unsigned char *px = read_png(path, &width, &height);
    assert_int_equal(width, 2 + 3 * 58);
    assert_int_equal(height, 2 + 2 * 58);
    const unsigned char gap = px[0];
    assert_true(gap > 26 && gap < 255);
    for (size_t i = 0; i < N; i++) {
        const unsigned char *corner = px + (2 + i / 3 * 58) * width + 2 + i % 3 * 58;
        assert_int_equal(corner[0], (int)((double)i * 25.5 + 0.5));
        assert_int_equal(corner[55 * width + 55], corner[0]);
        assert_int_equal(corner[56 * width], gap);
        assert_int_equal(corner[56], gap);
    }
    const unsigned char *dot = px + (2 + 58 + 2) * width + 2 + 4;
    assert_true(dot[0] == 255 && dot[1] == 255 && dot[width] == 255 && dot[width + 1] == 255);
    assert_true(dot[2] == 77 && dot[-1] == 77 && dot[2 * width] == 77);
    assert_int_equal(px[(2 + 58 + 5) * width + 2 + 2 * 58 + 5], gap); /* the sixth place is empty */
    free(px);
    free(path);
}

static void values_out_of_range_are_cut_and_groups_stand_further_apart(void **state)
{
    (void)state;
    enum { SIDE = 64 };
    static float x[4 * SIDE * SIDE];
    struct err e;
    size_t width, height;
    const float value[4] = {-3, 7, NAN, 0.5F};
    char *path = xasprintf("%s/groups.png", temp_dir());
    for (size_t i = 0; i < 4 * SIDE * SIDE; i++) {
        x[i] = value[i / (SIDE * SIDE)];
    }
    const struct png_grid g = {.n = 4, .height = SIDE, .width = SIDE, .columns = 1, .group = 2};
    assert_ok(png_grid_save(path, x, &g, &e), &e);
    unsigned char *px = read_png(path, &width, &height);
    assert_int_equal(width, 2 + SIDE + 2); /* large enough as it is */
    assert_int_equal(height, 2 + 4 * (SIDE + 2) + 6);
    const size_t top[4] = {2, 2 + 66, 2 + 2 * 66 + 6, 2 + 3 * 66 + 6};
    const unsigned char want[4] = {0, 255, 0, 128};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(px[top[i] * width + 2], want[i]);
        assert_int_equal(px[(top[i] + SIDE - 1) * width + 2], want[i]);
    }
    free(px);
    free(path);
}

static void rows_that_are_no_images_become_strips(void **state)
{
    (void)state;
    float x[3 * 10] = {0};
    struct err e;
    size_t width, height;
    char *path = xasprintf("%s/strips.png", temp_dir());
    assert_ok(png_grid_save(path, x, &(struct png_grid){.n = 3, .height = 1, .width = 10, .columns = 1}, &e), &e);
    unsigned char *px = read_png(path, &width, &height);
    assert_int_equal(width, 2 + 82);
    assert_int_equal(height, 2 + 3 * 10);
    free(px);
    const struct png_grid many = {.n = (size_t)1 << 40, .height = 28, .width = 28};
    assert_err(png_grid_save(path, x, &many, &e), ERR_USAGE, &e);
    assert_has(e.text, "--count");
    free(path);
    assert_err(png_grid_save("/nonexistent/x.png", x, &(struct png_grid){.n = 1, .height = 1, .width = 10}, &e), ERR_IO, &e);
}

static void arrays_are_as_numpy_wants_them(void **state)
{
    (void)state;
    const float x[6] = {0, 0.25F, 0.5F, 0.75F, 1, 0.125F};
    const unsigned char u[3] = {7, 8, 9};
    const size_t shape[4] = {1, 2, 3, 1}, one = 3;
    struct err e;
    char *file, *path = xasprintf("%s/x.npy", temp_dir());
    size_t len;
    assert_ok(npy_save(path, DATA_F32, x, shape, 4, &e), &e);
    assert_ok(fs_read(&file, &len, path, 4096, &e), &e);
    assert_int_equal(len, 128 + sizeof x);
    assert_memory_equal(file, "\x93NUMPY\x01\x00\x76\x00{'descr': '", 10 + 11);
    assert_non_null(strstr(file + 10, "'fortran_order': False, 'shape': (1, 2, 3, 1), }  "));
    assert_int_equal(file[127], '\n');
    assert_memory_equal(file + 128, x, sizeof x);
    free(file);
    assert_ok(npy_save(path, DATA_U8, u, &one, 1, &e), &e);
    assert_ok(fs_read(&file, &len, path, 4096, &e), &e);
    assert_int_equal(len, 128 + 3);
    assert_non_null(strstr(file + 10, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }"));
    free(file);
    free(path);
}

static void written_arrays_are_read_again(void **state)
{
    (void)state;
    float x[4 * 6];
    const size_t shape[3] = {4, 2, 3};
    struct err e;
    struct dataset d;
    char *path = xasprintf("%s/again.npy", temp_dir());
    for (int i = 0; i < 24; i++) {
        x[i] = (float)i / 32;
    }
    assert_ok(npy_save(path, DATA_F32, x, shape, 3, &e), &e);
    load_with(&d, path, "");
    assert_true(d.n == 4 && d.height == 2 && d.width == 3);
    assert_floats(&d, x, 24);
    dataset_release(&d);
    free(path);
}

int written_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_stand_apart_enlarged_and_in_order),
        cmocka_unit_test(values_out_of_range_are_cut_and_groups_stand_further_apart),
        cmocka_unit_test(rows_that_are_no_images_become_strips),
        cmocka_unit_test(arrays_are_as_numpy_wants_them),
        cmocka_unit_test(written_arrays_are_read_again),
    };
    return cmocka_run_group_tests_name("data written", tests, NULL, NULL);
}
