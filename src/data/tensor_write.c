#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "tensor_type.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"
#include "vaetop/data/safetensors.h"

static const char *const type_name[] = {
#define X(type, name, bytes) [type] = name,
    TENSOR_TYPES(X)
#undef X
};
static const size_t type_size[] = {
#define X(type, name, bytes) [type] = bytes,
    TENSOR_TYPES(X)
#undef X
};

struct entry {
    char *name;
    enum tensor_type type;
    size_t shape[TENSOR_MAX_RANK];
    int rank;
    const void *data;
    size_t bytes;
};

struct tensor_writer {
    struct entry *tensor;
    size_t n_tensors, tensor_cap;
    char **meta; /* key, value, key, value ... */
    size_t n_meta, meta_cap;
};

struct tensor_writer *tensor_writer_new(void)
{
    return xcalloc(1, sizeof(struct tensor_writer));
}

void tensor_writer_free(struct tensor_writer *w)
{
    if (!w) {
        return;
    }
    for (size_t i = 0; i < w->n_tensors; i++) {
        free(w->tensor[i].name);
    }
    for (size_t i = 0; i < 2 * w->n_meta; i++) {
        free(w->meta[i]);
    }
    free(w->tensor);
    free(w->meta);
    free(w);
}

void tensor_writer_meta(struct tensor_writer *w, const char *key, const char *value)
{
    for (size_t i = 0; i < w->n_meta; i++) {
        assert(strcmp(w->meta[2 * i], key) != 0);
    }
    if (w->n_meta == w->meta_cap) {
        w->meta_cap = w->meta_cap ? 2 * w->meta_cap : 8;
        w->meta = xreallocarray(w->meta, w->meta_cap, 2 * sizeof *w->meta);
    }
    w->meta[2 * w->n_meta] = xstrdup(key);
    w->meta[2 * w->n_meta + 1] = xstrdup(value);
    w->n_meta++;
}

void tensor_writer_add(struct tensor_writer *w, const char *name, enum tensor_type type, const size_t *shape, int rank,
                       const void *data)
{
    assert(rank >= 0 && rank <= TENSOR_MAX_RANK && strlen(name) <= TENSOR_MAX_NAME && strcmp(name, TENSOR_CRC) != 0 &&
           strcmp(name, "__metadata__") != 0 && w->n_tensors < TENSOR_MAX_COUNT - 1);
    if (w->n_tensors == w->tensor_cap) {
        w->tensor_cap = w->tensor_cap ? 2 * w->tensor_cap : 16;
        w->tensor = xreallocarray(w->tensor, w->tensor_cap, sizeof *w->tensor);
    }
    struct entry *t = &w->tensor[w->n_tensors++];
    *t = (struct entry){.name = xstrdup(name), .type = type, .rank = rank, .data = data, .bytes = type_size[type]};
    for (int i = 0; i < rank; i++) {
        bool fits = mul_size(&t->bytes, t->bytes, shape[i]);
        assert(fits);
        (void)fits;
        t->shape[i] = shape[i];
    }
}

/* Widest elements first keep every tensor aligned; then by name, so that equal content gives equal bytes. */
static int compare_entries(const void *a, const void *b)
{
    const struct entry *p = a, *q = b;
    if (type_size[p->type] != type_size[q->type]) {
        return type_size[p->type] > type_size[q->type] ? -1 : 1;
    }
    return strcmp(p->name, q->name);
}

/* Bytes that are no UTF-8 (a path may hold such) become U+FFFD: the format has no place for them. */
static void add_json_string(struct sbuf *b, const char *s)
{
    size_t n = strlen(s);
    sbuf_add(b, "\"");
    while (n > 0) {
        uint8_t c = (uint8_t)*s;
        int len = tensor_utf8_length((const uint8_t *)s, n);
        if (len == 0) {
            sbuf_add(b, "\xef\xbf\xbd");
            len = 1;
        } else if (c == '"' || c == '\\') {
            sbuf_addf(b, "\\%c", c);
        } else if (c < 0x20) {
            sbuf_addf(b, "\\u%04x", c);
        } else {
            sbuf_add_bytes(b, s, (size_t)len);
        }
        s += len;
        n -= (size_t)len;
    }
    sbuf_add(b, "\"");
}

static void add_entry(struct sbuf *b, const struct entry *t, uint64_t *offset)
{
    sbuf_add(b, b->len > 1 ? "," : "");
    add_json_string(b, t->name);
    sbuf_addf(b, ":{\"dtype\":\"%s\",\"shape\":[", type_name[t->type]);
    for (int i = 0; i < t->rank; i++) {
        sbuf_addf(b, "%s%zu", i ? "," : "", t->shape[i]);
    }
    sbuf_addf(b, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", *offset, *offset + t->bytes);
    *offset += t->bytes;
}

/* Length and JSON, padded so that the data begins at a multiple of 8. */
static void build_header(struct sbuf *out, const struct tensor_writer *w, bool with_crc)
{
    struct sbuf json = {0};
    uint64_t offset = 0;
    uint64_t length;
    sbuf_add(&json, "{");
    if (w->n_meta > 0) {
        sbuf_add(&json, "\"__metadata__\":{");
        for (size_t i = 0; i < w->n_meta; i++) {
            sbuf_add(&json, i ? "," : "");
            add_json_string(&json, w->meta[2 * i]);
            sbuf_add(&json, ":");
            add_json_string(&json, w->meta[2 * i + 1]);
        }
        sbuf_add(&json, "}");
    }
    for (size_t i = 0; i < w->n_tensors; i++) {
        assert(i == 0 || strcmp(w->tensor[i - 1].name, w->tensor[i].name) != 0);
        add_entry(&json, &w->tensor[i], &offset);
    }
    if (with_crc) {
        struct entry crc = {.name = (char[]){TENSOR_CRC}, .type = TENSOR_U32, .rank = 1, .shape = {1}, .bytes = 4};
        add_entry(&json, &crc, &offset);
    }
    sbuf_add(&json, "}");
    while (json.len % 8 != 0) {
        sbuf_add(&json, " ");
    }
    length = json.len;
    sbuf_add_bytes(out, &length, sizeof length);
    sbuf_add_bytes(out, json.text, json.len);
    sbuf_release(&json);
}

static int put(int fd, const void *p, size_t n, uLong *crc)
{
    if (n == 0) {
        return 0;
    }
    *crc = crc32_z(*crc, p, n);
    return fs_write_all(fd, p, n);
}

static int write_body(int fd, const struct sbuf *header, const struct tensor_writer *w, bool with_crc)
{
    uLong crc = crc32_z(0, NULL, 0);
    int bad = put(fd, header->text, header->len, &crc);
    for (size_t i = 0; i < w->n_tensors && !bad; i++) {
        bad = put(fd, w->tensor[i].data, w->tensor[i].bytes, &crc);
    }
    if (with_crc && !bad) {
        uint32_t value = (uint32_t)crc;
        bad = fs_write_all(fd, &value, sizeof value);
    }
    return bad ? bad : fsync(fd);
}

/* A second name for the old file, so that there is a whole file under `path` at every moment. File systems without
 * hard links get a rename and a short gap, in which only the previous file exists. */
static int keep_old(const char *path)
{
    char *previous = xasprintf("%s.prev", path);
    int bad = 0;
    if (fs_exists(path)) {
        (void)unlink(previous);
        bad = link(path, previous);
        if (bad && errno != ENOENT) {
            bad = rename(path, previous);
        }
    }
    free(previous);
    return bad;
}

static enum err_code sync_folder_of(const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/');
    char *dir = !slash ? xstrdup(".") : slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
    enum err_code rc = fs_sync_dir(dir, e);
    free(dir);
    return rc;
}

enum err_code tensor_writer_save(struct tensor_writer *w, const char *path, bool with_crc, bool keep_previous,
                                 struct err *e)
{
    struct sbuf header = {0};
    enum err_code rc = ERR_OK;
    char *temporary = xasprintf("%s.tmp.%ld", path, (long)getpid());
    if (w->n_tensors > 1) {
        qsort(w->tensor, w->n_tensors, sizeof *w->tensor, compare_entries);
    }
    build_header(&header, w, with_crc);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        rc = err_set(e, fs_errno_code(errno), "%s: %s", path, strerror(errno));
        goto out;
    }
    int bad = write_body(fd, &header, w, with_crc);
    int why = errno;
    if (close(fd) != 0 && !bad) { /* network file systems report a full disk here */
        bad = 1;
        why = errno;
    }
    if (!bad && ((keep_previous && keep_old(path) != 0) || rename(temporary, path) != 0)) {
        bad = 1;
        why = errno;
    }
    if (bad) {
        (void)unlink(temporary);
        rc = err_set(e, fs_errno_code(why), "%s: cannot write it: %s", path, strerror(why));
        goto out;
    }
    rc = sync_folder_of(path, e);
out:
    free(temporary);
    sbuf_release(&header);
    return rc;
}
