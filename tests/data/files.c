#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"

char *put_file(const char *dir, const char *name, const void *bytes, size_t len)
{
    char *path = fs_join(dir, name);
    (void)unlink(path); /* a file that is cut to nothing and written again is flushed by ext4 when it is closed */
    FILE *f = fopen(path, "wb"); /* not fs_write(): thousands of fsyncs would be the slowest part of the tests */
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    return path;
}

uint8_t *gzip(size_t *out_len, const void *bytes, size_t len)
{
    z_stream z = {0};
    size_t cap = len + len / 100 + 1024;
    uint8_t *out = xcalloc(cap, 1);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (z_const Bytef *)bytes;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *out_len = cap - z.avail_out;
    (void)deflateEnd(&z);
    return out;
}

void data_config(struct config *c, const char *source, enum knob k, const char *text)
{
    struct err e;
    config_init(c);
    assert_ok(config_set(c, KNOB_DATA_SOURCE, source, &e), &e);
    if (text) {
        assert_ok(config_set(c, k, text, &e), &e);
    }
}

void load_with(struct dataset *d, const char *source, const char *settings)
{
    struct config c;
    struct dataset_header h;
    struct err e;
    data_config(&c, source, KNOB_NONE, NULL);
    assert_ok(config_parse(&c, settings, &e), &e);
    assert_ok(dataset_peek(&h, &c, &e), &e);
    assert_ok(dataset_load(d, &c, &e), &e);
    config_release(&c);
    /* What the peek promised is what the load brought. */
    assert_int_equal(h.n, d->n);
    assert_int_equal(h.dim, d->dim);
    assert_int_equal(h.height, d->height);
    assert_int_equal(h.width, d->width);
    assert_int_equal(h.type, d->type);
    assert_int_equal(h.has_labels, d->label != NULL);
}

void refuse_with(struct err *e, const char *source, const char *settings)
{
    struct config c;
    struct dataset d;
    data_config(&c, source, KNOB_NONE, NULL);
    assert_ok(config_parse(&c, settings, e), e);
    assert_err(dataset_load(&d, &c, e), ERR_DATA, e);
    assert_null(d.x);
    assert_null(strchr(e->text, '\n'));
    config_release(&c);
}

void assert_floats(const struct dataset *d, const float *want, size_t count)
{
    assert_int_equal(d->type, DATA_F32);
    assert_int_equal(d->n * d->dim, count);
    for (size_t i = 0; i < count; i++) {
        assert_close(((const float *)d->x)[i], want[i], 0.0, 1e-6);
    }
}
