#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "fuzz.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vaetop/base/str.h"
#include "vaetop/data/dataset.h"

void fuzz_fail(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

const char *fuzz_file(const void *bytes, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        MUST(fd >= 0);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    MUST(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
    return path;
}

void fuzz_check_error(enum err_code rc, const struct err *e)
{
    char clean[4 * sizeof e->text];
    if (rc == ERR_OK) {
        return;
    }
    MUST(e->code == rc && *e->text != '\0');
    MUST(strcmp(str_clean(clean, sizeof clean, e->text), e->text) == 0);
}

static void check_dataset(const struct dataset *d)
{
    MUST(d->n > 0 && d->dim > 0 && d->height * d->width == d->dim);
    MUST(d->scale.n == 0 || d->scale.n == 1 || d->scale.n == d->dim);
    for (size_t i = 0; d->type == DATA_F32 && i < d->n * d->dim; i++) {
        const float v = ((const float *)d->x)[i];
        MUST(isfinite(v) && v >= 0 && v <= 1); /* the likelihood is bernoulli */
    }
    for (size_t i = 0; i < d->scale.n; i++) {
        MUST(isfinite(d->scale.shift[i]) && isfinite(d->scale.factor[i]));
    }
    for (size_t i = 0; d->label && i < d->n; i++) {
        MUST(d->label[i] < d->n_classes);
    }
}

void fuzz_dataset(const uint8_t *data, size_t size)
{
    static const char *const scale[] = {"auto", "none", "255", "unit"};
    static const char *const labels[] = {"auto", "none", "column 1", "column name", NULL};
    static const char *const shape[] = {"", "2x2", "1x3"};
    struct config c;
    struct dataset d;
    struct dataset_header h;
    struct err e;
    if (size == 0) {
        return;
    }
    const unsigned how = data[size - 1];
    const char *path = fuzz_file(data, size - 1);
    const char *names = labels[how / 4 % 5];
    config_init(&c);
    MUST(config_set(&c, KNOB_DATA_SOURCE, path, &e) == ERR_OK);
    MUST(config_set(&c, KNOB_DATA_SCALE, scale[how % 4], &e) == ERR_OK);
    MUST(config_set(&c, KNOB_DATA_LABELS, names ? names : path, &e) == ERR_OK);
    MUST(config_set(&c, KNOB_DATA_SHAPE, shape[how / 20 % 3], &e) == ERR_OK);
    MUST(config_set(&c, KNOB_DATA_COUNT, how / 60 % 2 ? "2" : "0", &e) == ERR_OK);
    MUST(config_set(&c, KNOB_DATA_VALIDATION, "last 1", &e) == ERR_OK);
    const enum err_code peeked = dataset_peek(&h, &c, &e);
    fuzz_check_error(peeked, &e);
    const enum err_code rc = dataset_load(&d, &c, &e);
    fuzz_check_error(rc, &e);
    if (rc == ERR_OK) {
        MUST(peeked == ERR_OK && h.n == d.n && h.dim == d.dim && h.height == d.height && h.type == d.type);
        MUST(h.has_labels == (d.label != NULL));
        check_dataset(&d);
        dataset_release(&d);
    }
    config_release(&c);
}
