/* Broken and hostile data files: one line with file and offset, and no memory taken on a header's word. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/rng.h"
#include "vaetop/data/dataset.h"

enum packing {
    PLAIN,
    GZ,         /* as it should be */
    GZ_CUT,     /* without the last 9 bytes: checksum, length and a bit of the data */
    GZ_NO_SUM,  /* without the checksum and length */
    GZ_BAD_SUM, /* the checksum is another one */
    GZ_TAIL,    /* one more byte behind */
    GZ_NOISE,   /* a byte in the middle is another one */
    GZ_MEMBER   /* a second member that breaks off */
};

/* B("...") is bytes and their count. */
#define B(text) (text), sizeof(text) - 1

#define MAGIC "\0\0\x08\x03"
#define TWO_BY_TWO "\0\0\0\2\0\0\0\2"
#define GOOD MAGIC "\0\0\0\3" TWO_BY_TWO "abcdefghijkl"
#define GOOD_LABELS "\0\0\x08\x01\0\0\0\3\1\2\3"
#define FLOATS "\0\0\x0D\x02\0\0\0\2\0\0\0\2\x3f\0\0\0"
#define GIGA "\x40\0\0\0"

static const struct broken {
    const char *what;
    const char *images;
    size_t images_len;
    enum packing packing;
    const char *labels; /* NULL: none */
    size_t labels_len;
    const char *count;
    bool at_load;     /* only the load can know */
    const char *file; /* which one is named */
    const char *want[2];
} cases[] = {
    {"empty", B(""), PLAIN, NULL, 0, "0", false, "images", {"offset 0", "found an empty file"}},
    {"three bytes", B("\0\0\x08"), PLAIN, NULL, 0, "0", false, "images", {"offset 3", "expected 1 more bytes"}},
    {"text", B("hello, world, this is no IDX"), PLAIN, NULL, 0, "0", false, "images",
     {"line 1, column 1", "names of columns alone"}},
    {"PNG", B("\x89PNG\r\n\x1a\n1234567890"), PLAIN, NULL, 0, "0", false, "images",
     {"offset 0: found one PNG image", "numpy.save"}},
    {"pickle", B("\x80\4\x95\0\0\0"), PLAIN, NULL, 0, "0", false, "images", {"offset 0", "a Python pickle"}},
    {"NPZ", B("PK\3\4\x14\0\0\0"), PLAIN, NULL, 0, "0", false, "images", {"offset 0", "a zip archive"}},
    {"UTF-16", B("\xff\xfe" "1\0,\0"), PLAIN, NULL, 0, "0", false, "images", {"offset 0", "save the table as UTF-8"}},
    {"noise", B("\3\2\1\0\4\5"), PLAIN, NULL, 0, "0", false, "images", {"offset 0", "found bytes 03 02 01 00"}},
    {"second byte", B("\0\1\x08\x03" TWO_BY_TWO), PLAIN, NULL, 0, "0", false, "images", {"offset 0", "00 01 08 03"}},
    {"int8", B("\0\0\x09\x03" TWO_BY_TWO), PLAIN, NULL, 0, "0", false, "images", {"offset 2", "0x09 (signed byte)"}},
    {"int16", B("\0\0\x0B\x03" TWO_BY_TWO), PLAIN, NULL, 0, "0", false, "images",
     {"offset 2", "0x08 (unsigned byte) or 0x0D"}},
    {"int32", B("\0\0\x0C\x03" TWO_BY_TWO), PLAIN, NULL, 0, "0", false, "images", {"offset 2", "int32"}},
    {"float64", B("\0\0\x0E\x03" TWO_BY_TWO), PLAIN, NULL, 0, "0", false, "images", {"offset 2", "float64"}},
    {"type 0", B("\0\0\0\x03" TWO_BY_TWO), PLAIN, NULL, 0, "0", false, "images", {"offset 2", "no type of IDX"}},
    {"type 255", B("\0\0\xff\x03" TWO_BY_TWO), PLAIN, NULL, 0, "0", false, "images", {"offset 2", "0xff"}},
    {"rank 0", B("\0\0\x08\0" TWO_BY_TWO), PLAIN, NULL, 0, "0", false, "images", {"offset 3", "found 0 dimensions"}},
    {"labels as images", B(GOOD_LABELS), PLAIN, NULL, 0, "0", false, "images",
     {"offset 3", "is this the labels file?"}},
    {"rank 4", B("\0\0\x08\4" TWO_BY_TWO TWO_BY_TWO), PLAIN, NULL, 0, "0", false, "images",
     {"offset 3", "found 4 dim"}},
    {"rank 255", B("\0\0\x08\xff" TWO_BY_TWO), PLAIN, NULL, 0, "0", false, "images", {"offset 3", "found 255"}},
    {"no sizes", B(MAGIC), PLAIN, NULL, 0, "0", false, "images", {"offset 4", "expected 4 more bytes"}},
    {"one size", B(MAGIC "\0\0\0\1"), PLAIN, NULL, 0, "0", false, "images", {"offset 8", "the IDX header"}},
    {"size cut", B(MAGIC "\0\0\0\1\0\0\0\1\0\0"), PLAIN, NULL, 0, "0", false, "images", {"offset 14", "2 more bytes"}},
    {"no rows", B(MAGIC "\0\0\0\0" TWO_BY_TWO), PLAIN, NULL, 0, "0", false, "images", {"offset 4", "found 0"}},
    {"no height", B(MAGIC "\0\0\0\1\0\0\0\0\0\0\0\2"), PLAIN, NULL, 0, "0", false, "images",
     {"offset 8", "dimension 2"}},
    {"no width", B(MAGIC "\0\0\0\1\0\0\0\1\0\0\0\0"), PLAIN, NULL, 0, "0", false, "images",
     {"offset 12", "dimension 3"}},
    {"overflow", B(MAGIC "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), PLAIN, NULL, 0, "0", false, "images",
     {"offset 8", "found 18446744065119617025 values per row"}},
    {"float overflow", B("\0\0\x0D\x02\xff\xff\xff\xff\xff\xff\xff\xff"), PLAIN, NULL, 0, "0", false, "images",
     {"offset 8", "found 4294967295 values per row"}},
    {"wide row", B(MAGIC "\0\0\0\1\0\1\0\0\0\1\0\0"), PLAIN, NULL, 0, "0", false, "images",
     {"offset 8", "found 4294967296 values per row"}},
    {"4 G rows", B(MAGIC "\xff\xff\xff\xff" TWO_BY_TWO "abcd"), PLAIN, NULL, 0, "0", false, "images",
     {"offset 16", "expected 17179869180"}},
    {"16 G rows packed", B(MAGIC "\xff\xff\xff\xff" TWO_BY_TWO "abcd"), GZ, NULL, 0, "0", false, "images",
     {"offset 16 unpacked", "unpack to at most"}},
    {"float rows packed", B("\0\0\x0D\x02" GIGA "\0\0\0\2"), GZ, NULL, 0, "0", false, "images",
     {"offset 12 unpacked", "expected 8589934592"}},
    {"first row of many", B(MAGIC "\xff\xff\xff\xff" TWO_BY_TWO "abcd"), PLAIN, NULL, 0, "1", false, "images",
     {"offset 16", "cut short"}},
    {"one byte short", B(MAGIC "\0\0\0\1" TWO_BY_TWO "abc"), PLAIN, NULL, 0, "0", false, "images",
     {"offset 16", "found 3 bytes up to the end of the file, expected 4"}},
    {"one byte long", B(GOOD "m"), PLAIN, NULL, 0, "0", false, "images", {"offset 16", "too long"}},
    {"no data", B(MAGIC "\0\0\0\1" TWO_BY_TWO), PLAIN, NULL, 0, "0", false, "images", {"offset 16", "found 0 bytes"}},
    {"vector short", B("\0\0\x08\x02\0\0\0\2\0\0\0\2abc"), PLAIN, NULL, 0, "0", false, "images",
     {"offset 12", "expected 4"}},
    {"float short", B(FLOATS), PLAIN, NULL, 0, "0", false, "images", {"offset 12", "expected 16"}},
    {"float over 1", B(FLOATS "\x3f\xc0\0\0\0\0\0\0\0\0\0\0"), PLAIN, NULL, 0, "0", true, "images",
     {"offset 16: found 1.5", "set data.scale to 255 or unit"}},
    {"float under 0", B(FLOATS "\0\0\0\0\0\0\0\0\xbf\x80\0\0"), PLAIN, NULL, 0, "0", true, "images",
     {"offset 24: found -1", "set data.scale to unit"}},
    {"float NaN", B(FLOATS "\0\0\0\0\x7f\xc0\0\0\0\0\0\0"), PLAIN, NULL, 0, "0", true, "images", {"offset 20", "nan"}},
    {"float infinite", B(FLOATS "\x7f\x80\0\0\0\0\0\0\0\0\0\0"), GZ, NULL, 0, "0", true, "images",
     {"offset 16 unpacked: found inf", "finite"}},
    {"short packed", B(MAGIC "\0\0\0\1" TWO_BY_TWO "abc"), GZ, NULL, 0, "0", true, "images",
     {"offset 19 unpacked", "expected 1 more bytes of values"}},
    {"long packed", B(GOOD "m"), GZ, NULL, 0, "0", true, "images", {"offset 28 unpacked", "found byte 0x6d"}},
    {"empty packed", B(""), GZ, NULL, 0, "0", false, "images", {"offset 0 unpacked", "expected 4 more bytes"}},
    {"packed and cut", B(GOOD), GZ_CUT, NULL, 0, "0", true, "images", {"unpacked", "found the end of the file"}},
    {"no checksum", B(GOOD), GZ_NO_SUM, NULL, 0, "0", true, "images",
     {"offset 28 unpacked", "the checksum of the gzip data"}},
    {"wrong checksum", B(GOOD), GZ_BAD_SUM, NULL, 0, "0", true, "images", {"offset 28 unpacked", "damaged gzip data"}},
    {"tail", B(GOOD), GZ_TAIL, NULL, 0, "0", true, "images", {"offset 28 unpacked", "found byte 0x58 behind the gzip"}},
    {"noise", B(GOOD), GZ_NOISE, NULL, 0, "0", true, "images", {"unpacked", "expected"}},
    {"half a second member", B(GOOD), GZ_MEMBER, NULL, 0, "0", true, "images", {"offset 28 unpacked", "expected"}},
    {"gzip magic alone", B("\x1f\x8b"), PLAIN, NULL, 0, "0", false, "images",
     {"offset 0 unpacked", "expected 4 more bytes"}},
    {"gzip of another method", B("\x1f\x8b\x07\0\0\0\0\0\0\0"), PLAIN, NULL, 0, "0", false, "images",
     {"offset 0", "damaged"}},
    {"more wanted than there is", B(GOOD), PLAIN, NULL, 0, "4", false, "images", {"offset 4: found 3 rows", "lower data.count"}},
    {"labels empty", B(GOOD), PLAIN, B(""), "0", false, "labels", {"offset 0", "found an empty file"}},
    {"labels are images", B(GOOD), PLAIN, B(GOOD), "0", false, "labels", {"offset 3", "expected 1 as labels have"}},
    {"labels int32", B(GOOD), PLAIN, B("\0\0\x0C\1\0\0\0\3"), "0", false, "labels", {"offset 2", "type of labels"}},
    {"labels are floats", B(GOOD), PLAIN, B("\0\0\x0D\1\0\0\0\3"), "0", false, "labels", {"offset 2", "float32"}},
    {"labels too few", B(GOOD), PLAIN, B("\0\0\x08\1\0\0\0\2ab"), "0", false, "labels",
     {"found 2 labels, expected 3", "data.labels"}},
    {"labels too many", B(GOOD), PLAIN, B("\0\0\x08\1\0\0\0\4abcd"), "1", false, "labels",
     {"found 4 labels", "data.labels"}},
    {"labels cut", B(GOOD), PLAIN, B("\0\0\x08\1\0\0\0\3ab"), "0", false, "labels", {"offset 8", "cut short"}},
    {"labels long", B(GOOD), PLAIN, B(GOOD_LABELS "m"), "0", false, "labels", {"offset 8", "too long"}},
    {"labels 4 G", B(GOOD), PLAIN, B("\0\0\x08\1\xff\xff\xff\xff"), "0", false, "labels",
     {"offset 8", "expected 4294967295"}},
    {"label 255", B(GOOD), PLAIN, B("\0\0\x08\1\0\0\0\3\1\xff\2"), "0", true, "labels",
     {"offset 9", "at most 255 classes"}},
};

static char *put_images(const char *dir, const struct broken *b)
{
    size_t len, half;
    if (b->packing == PLAIN) {
        return put_file(dir, "images", b->images, b->images_len);
    }
    uint8_t *packed = gzip(&len, b->images, b->images_len);
    uint8_t *bytes = xcalloc(2 * len + 1, 1);
    memcpy(bytes, packed, len);
    half = len / 2;
    switch (b->packing) {
    case GZ_CUT:
        len -= 9;
        break;
    case GZ_NO_SUM:
        len -= 8;
        break;
    case GZ_BAD_SUM:
        bytes[len - 8] ^= 1;
        break;
    case GZ_TAIL:
        bytes[len++] = 'X';
        break;
    case GZ_NOISE:
        bytes[half] ^= 0xff;
        break;
    case GZ_MEMBER:
        memcpy(bytes + len, packed, half);
        len += half;
        break;
    default:
        break;
    }
    char *path = put_file(dir, "images", bytes, len);
    free(bytes);
    free(packed);
    return path;
}

static void check_message(const struct err *e, const struct broken *b, const char *dir)
{
    char *path = fs_join(dir, b->file);
    assert_has(e->text, path);
    assert_has(e->text, b->want[0]);
    assert_has(e->text, b->want[1]);
    assert_has(e->text, "found ");
    assert_has(e->text, "expected ");
    assert_null(strchr(e->text, '\n'));
    free(path);
}

static void every_broken_file_is_refused_with_file_and_offset(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct broken *b = &cases[i];
        const char *dir = temp_dir();
        struct config c;
        struct dataset d;
        struct dataset_header h;
        struct err e;
        char *images = put_images(dir, b);
        char *labels = b->labels ? put_file(dir, "labels", b->labels, b->labels_len) : NULL;
        data_config(&c, images, KNOB_DATA_COUNT, b->count);
        if (!b->at_load) { /* before a study's folder is made */
            assert_err(dataset_peek(&h, &c, &e), ERR_DATA, &e);
            check_message(&e, b, dir);
        }
        assert_err(dataset_load(&d, &c, &e), ERR_DATA, &e);
        check_message(&e, b, dir);
        assert_null(d.x);
        config_release(&c);
        free(images);
        free(labels);
    }
}

/* Runs fn in a child and gives back how far its memory rose above where it began, in KiB. */
static long memory_of(void (*fn)(void))
{
    int fd[2], status;
    long rise = -1;
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        long before = peak_rss_kib();
        fn();
        rise = peak_rss_kib() - before;
        _exit(write(fd[1], &rise, sizeof rise) == (ssize_t)sizeof rise ? 0 : 1);
    }
    (void)close(fd[1]);
    assert_int_equal(read(fd[0], &rise, sizeof rise), sizeof rise);
    (void)close(fd[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return rise;
}

static char *bomb_path;

static void load_bomb(void)
{
    struct config c;
    struct dataset d;
    struct err e;
    data_config(&c, bomb_path, KNOB_NONE, NULL);
    if (dataset_load(&d, &c, &e) != ERR_DATA) {
        _exit(1);
    }
}

/* 64 MiB of zeros in 64 KiB, behind a header that asks for 4 bytes; and a header that asks for 200 MiB of a file that
 * could unpack to so much but ends at once. */
static void a_bomb_takes_no_memory(void **state)
{
    (void)state;
    enum { ZEROS = 64 << 20 };
    static const uint8_t small[] = {0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 4};
    static const uint8_t greedy[] = {0, 0, 8, 2, 0x0c, 0x80, 0, 0, 0, 0, 0, 1};
    const char *dir = temp_dir();
    size_t len;
    uint8_t *zeros = xcalloc(ZEROS, 1);
    memcpy(zeros, small, sizeof small);
    uint8_t *packed = gzip(&len, zeros, ZEROS);
    bomb_path = put_file(dir, "images", packed, len);
    free(packed);
    free(zeros);
    assert_true(memory_of(load_bomb) < 16 << 10);
    free(bomb_path);

    /* Noise does not pack, so that the file is large enough to be believed and its data are not. */
    size_t noise_len = 300000;
    uint8_t *noise = xcalloc(noise_len, 1);
    struct rng r = rng_start(rng_key(0, 0), RNG_SAMPLE, 0);
    for (size_t i = 0; i < noise_len; i++) {
        noise[i] = (uint8_t)rng_u32(&r);
    }
    memcpy(noise, greedy, sizeof greedy);
    packed = gzip(&len, noise, noise_len);
    bomb_path = put_file(dir, "images", packed, len);
    assert_true(memory_of(load_bomb) < 64 << 10);
    free(bomb_path);
    free(packed);
    free(noise);
}

static void what_is_no_file_is_refused_at_once(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    char *pipe_path = fs_join(dir, "pipe"), *absent = fs_join(dir, "absent"), *below = fs_join(dir, "pipe/images");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    const char *paths[][2] = {{pipe_path, "found a pipe"},     {dir, "found a folder"},
                              {"/dev/zero", "found a device"}, {absent, "found no such file"},
                              {below, "found no such file"},   {"builtin:letters", "expected builtin:digits"}};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct config c;
        struct dataset d;
        struct dataset_header h;
        struct err e;
        data_config(&c, paths[i][0], KNOB_NONE, NULL);
        assert_err(dataset_peek(&h, &c, &e), ERR_DATA, &e);
        assert_has(e.text, paths[i][0]);
        assert_has(e.text, paths[i][1]);
        assert_err(dataset_load(&d, &c, &e), ERR_DATA, &e);
        assert_has(e.text, paths[i][1]);
        config_release(&c);
    }
    free(pipe_path);
    free(absent);
    free(below);
}

static void labels_asked_for_must_be_there(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    char *images = put_file(dir, "digits", B(GOOD));
    char *labels = fs_join(dir, "absent");
    const char *sources[] = {images, "builtin:digits"};
    for (size_t i = 0; i < 2; i++) {
        struct config c;
        struct dataset_header h;
        struct err e;
        data_config(&c, sources[i], KNOB_DATA_LABELS, labels);
        assert_err(dataset_peek(&h, &c, &e), ERR_DATA, &e);
        assert_has(e.text, labels);
        assert_has(e.text, "data.labels");
        config_release(&c);
    }
    free(images);
    free(labels);
}

static void names_with_control_bytes_do_not_reach_the_terminal(void **state)
{
    (void)state;
    struct config c;
    struct dataset_header h;
    struct err e;
    data_config(&c, "builtin:digits", KNOB_NONE, NULL);
    free(c.text[KNOB_DATA_SOURCE]); /* past config_set(), which refuses such a name */
    c.text[KNOB_DATA_SOURCE] = xstrdup("/absent/\x1b]0;title\x07.idx");
    assert_err(dataset_peek(&h, &c, &e), ERR_DATA, &e);
    assert_null(strchr(e.text, '\x1b'));
    assert_null(strchr(e.text, '\x07'));
    config_release(&c);
}

/* Random damage: whatever the result, it is one, and a refusal says where. */
static void damaged_files_never_do_more_than_fail(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct rng r = rng_start(rng_key(3, 0), RNG_SAMPLE, 0);
    size_t len[2];
    uint8_t *base[2] = {xcalloc(sizeof GOOD - 1, 1), NULL};
    memcpy(base[0], GOOD, sizeof GOOD - 1);
    len[0] = sizeof GOOD - 1;
    base[1] = gzip(&len[1], base[0], len[0]);
    for (int i = 0; i < 600; i++) {
        const int which = i % 2;
        size_t n = len[which] - (rng_below(&r, 4) == 0 ? rng_below(&r, (uint32_t)len[which]) : 0);
        uint8_t *copy = xcalloc(len[which], 1);
        struct config c;
        struct dataset d;
        struct err e;
        memcpy(copy, base[which], len[which]);
        for (uint32_t k = rng_below(&r, 4); k > 0; k--) {
            copy[rng_below(&r, (uint32_t)len[which])] = (uint8_t)rng_u32(&r);
        }
        char *path = put_file(dir, "damaged", copy, n);
        data_config(&c, path, KNOB_NONE, NULL);
        if (dataset_load(&d, &c, &e) == ERR_OK) {
            dataset_release(&d);
        } else {
            assert_int_equal(e.code, ERR_DATA);
            assert_true(strstr(e.text, "offset ") || strstr(e.text, "line "));
        }
        config_release(&c);
        free(path);
        free(copy);
    }
    free(base[0]);
    free(base[1]);
}

int idx_broken_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_file_is_refused_with_file_and_offset),
        cmocka_unit_test(a_bomb_takes_no_memory),
        cmocka_unit_test(what_is_no_file_is_refused_at_once),
        cmocka_unit_test(labels_asked_for_must_be_there),
        cmocka_unit_test(names_with_control_bytes_do_not_reach_the_terminal),
        cmocka_unit_test(damaged_files_never_do_more_than_fail),
    };
    return cmocka_run_group_tests_name("data idx_broken", tests, NULL, NULL);
}
