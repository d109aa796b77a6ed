#include "source.h"

#include <string.h>

#include "idx.h"
#include "npy.h"

/* What people have and what to do with it. */
static const struct {
    const char *magic;
    size_t len;
    const char *name, *advice;
} others[] = {
    {"PK\3\4", 4, "a zip archive (.npz, .pt)", "save one array of it with numpy.save"},
    {"\x80", 1, "a Python pickle", "it runs code when it is read; save the array with numpy.save"},
    {"\x89HDF", 4, "an HDF5 file", "save one array of it with numpy.save"},
    {"MATLAB", 6, "a MATLAB file", "load it with scipy.io.loadmat and save the array with numpy.save"},
    {"\x89PNG", 4, "one PNG image", "stack the images to one array and save it with numpy.save"},
    {"\xff\xd8\xff", 3, "one JPEG image", "stack the images to one array and save it with numpy.save"},
    {"\xff\xfe", 2, "UTF-16 text", "save the table as UTF-8"},
    {"\xfe\xff", 2, "UTF-16 text", "save the table as UTF-8"},
};

static bool is_text(const uint8_t *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((m[i] < 0x20 && !strchr("\t\r\n", m[i])) || m[i] == 0 || m[i] == 0x7f) {
            return false;
        }
    }
    return n > 0;
}

static enum err_code detect(struct source *s, struct err *e)
{
    uint8_t m[INPUT_AHEAD] = {0};
    size_t n;
    enum err_code rc = input_peek(&s->in, m, &n, e);
    if (rc) {
        return rc;
    }
    if (n == 0 && !s->in.gz) {
        return input_bad(&s->in, 0, e, "found an empty file, expected an IDX, NPY, CSV or TSV file");
    }
    if (n >= 6 && memcmp(m, NPY_MAGIC, 6) == 0) {
        s->format = SOURCE_NPY;
        return ERR_OK;
    }
    if (n == 0 || m[0] == 0) {
        s->format = SOURCE_IDX;
        return ERR_OK;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (n >= others[i].len && memcmp(m, others[i].magic, others[i].len) == 0) {
            return input_bad(&s->in, 0, e, "found %s, expected an IDX, NPY, CSV or TSV file: %s", others[i].name,
                             others[i].advice);
        }
    }
    if (is_text(m, n)) {
        s->format = SOURCE_CSV;
        return ERR_OK;
    }
    return input_bad(&s->in, 0, e, "found bytes %02x %02x %02x %02x, expected an IDX, NPY, CSV or TSV file", m[0], m[1],
                     m[2], m[3]);
}

enum err_code source_open(struct source *s, const char *knob, const char *path, bool labels, struct err *e)
{
    memset(s, 0, sizeof *s);
    enum err_code rc = input_open(&s->in, path, true, e);
    if (rc == ERR_NOTFOUND) { /* to the user's shell a missing data set is the same as a broken one */
        rc = err_set(e, ERR_DATA,
                     "%s: found no such file, expected an IDX, NPY, CSV or TSV file, plain or .gz: give another path "
                     "in %s",
                     s->in.shown, knob);
    }
    if (rc) {
        return rc;
    }
    rc = detect(s, e);
    if (!rc && s->format != SOURCE_CSV) {
        rc = s->format == SOURCE_IDX ? idx_read_header(&s->array, &s->in, labels, e)
                                     : npy_read_header(&s->array, &s->in, labels, e);
    }
    if (rc) {
        source_close(s);
    }
    return rc;
}

void source_close(struct source *s)
{
    input_close(&s->in);
}
