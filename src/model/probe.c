/* Known-answer probes: what kernels compute inside, seen alone. */
#include "pack_private.h"

/* Two inputs, one output; the kernel's arguments a, b (NULL: none), out, then words. */
struct probe {
    const char *kernel;
    const void *a, *b;
    size_t a_bytes, b_bytes;
    void *out;
    size_t out_bytes, n;
    unsigned word[2];
    int n_words;
};

static enum err_code input(struct buffer **out, struct device *dev, const void *p, size_t bytes, struct err *e)
{
    enum err_code rc = buffer_new(out, dev, bytes, "probe", e);
    return rc ? rc : buffer_write(*out, 0, p, bytes, e);
}

static enum err_code probe_run(struct device *dev, const struct probe *p, struct err *e)
{
    struct buffer *a = NULL, *b = NULL, *out = NULL;
    struct launch *l = NULL;
    int arg = 0;
    enum err_code rc = launch_new(&l, dev, p->kernel, e);
    if (!rc) rc = input(&a, dev, p->a, p->a_bytes, e);
    if (!rc && p->b) rc = input(&b, dev, p->b, p->b_bytes, e);
    if (!rc) rc = buffer_new(&out, dev, p->out_bytes, "probe", e);
    if (!rc) {
        launch_buffer(l, arg++, a);
        if (p->b) launch_buffer(l, arg++, b);
        launch_buffer(l, arg++, out);
        for (int i = 0; i < p->n_words; i++) launch_uint(l, arg++, p->word[i]);
        rc = launch_run(l, (const size_t[]){p->n, 1, 1}, (const size_t[]){1, 1, 1}, e);
    }
    if (!rc) rc = buffer_read(out, 0, p->out, p->out_bytes, e);
    launch_free(l);
    buffer_free(a);
    buffer_free(b);
    buffer_free(out);
    return rc;
}

enum err_code probe_philox(struct device *dev, const uint32_t key[2], const uint32_t *counter, uint32_t *out, size_t n,
                           struct err *e)
{
    const struct probe p = {.kernel = "probe_philox", .a = counter, .a_bytes = n * 16, .out = out, .out_bytes = n * 16,
                            .n = n, .word = {key[0], key[1]}, .n_words = 2};
    return probe_run(dev, &p, e);
}

enum err_code probe_normals(struct device *dev, const struct pack_lane *lane, const struct pack_step *s, uint32_t j,
                            float *out, size_t n, struct err *e)
{
    const struct probe p = {.kernel = "probe_normals", .a = lane, .a_bytes = sizeof *lane, .b = s, .b_bytes = sizeof *s,
                            .out = out, .out_bytes = n * sizeof *out, .n = n, .word = {j}, .n_words = 1};
    return probe_run(dev, &p, e);
}

enum err_code probe_order(struct device *dev, const uint32_t key[4], uint32_t *out, size_t n, struct err *e)
{
    const struct probe p = {.kernel = "probe_order", .a = key, .a_bytes = 16, .out = out, .out_bytes = n * sizeof *out,
                            .n = n, .word = {(unsigned)n}, .n_words = 1};
    return probe_run(dev, &p, e);
}
