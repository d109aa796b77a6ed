#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"
#include "vaetop/ipc/probe.h"

/* Platform of a device, counted over all drivers: devices of one driver's platform are neighbours. */
static size_t platform_of(const struct probe *p, size_t index)
{
    size_t platform = 0;
    for (size_t i = 1; i <= index; i++) {
        const struct device_info *a = &p->device[i - 1], *b = &p->device[i];
        platform += strcmp(a->icd, b->icd) != 0 || a->platform_index != b->platform_index;
    }
    return platform;
}

const char *probe_address(char *buf, size_t cap, const struct probe *p, size_t index)
{
    (void)snprintf(buf, cap, "%zu:%d", platform_of(p, index), p->device[index].device_index);
    return buf;
}

static bool contains_nocase(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < n && text[i] && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i])) {
            i++;
        }
        if (i == n) {
            return true;
        }
    }
    return false;
}

static bool is_type(const struct device_info *d, const char *type)
{
    return strcmp(d->type, type) == 0;
}

/* What a word of --device says. */
enum how { BY_INDEX, BY_ADDRESS, BY_TYPE, ALL, BY_NAME };
struct wish {
    enum how how;
    const char *word;
    int64_t a, b; /* index; platform and device */
};

static struct wish read_wish(const char *word)
{
    struct wish w = {.how = BY_NAME, .word = word};
    const char *colon = strchr(word, ':');
    if (str_to_i64(&w.a, word)) {
        w.how = BY_INDEX;
    } else if (strcmp(word, "all") == 0) {
        w.how = ALL;
    } else if (strcmp(word, "cpu") == 0 || strcmp(word, "gpu") == 0) {
        w.how = BY_TYPE;
    } else if (colon) {
        char *left = xstrndup(word, (size_t)(colon - word));
        if (str_to_i64(&w.a, left) && str_to_i64(&w.b, colon + 1)) {
            w.how = BY_ADDRESS;
        }
        free(left);
    }
    return w;
}

static bool fits(const struct probe *p, size_t i, const struct wish *w)
{
    const struct device_info *d = &p->device[i];
    switch (w->how) {
    case BY_INDEX:
        return w->a == (int64_t)i;
    case BY_ADDRESS:
        return w->a == (int64_t)platform_of(p, i) && w->b == d->device_index;
    case BY_TYPE:
        return is_type(d, w->word);
    case ALL:
        return true;
    case BY_NAME:
        return contains_nocase(d->name, w->word);
    }
    return false;
}

/* "0 NVIDIA H200 (gpu), 1 llvmpipe (cpu, not usable: ...)": what there is, for an error. */
static void list_devices(struct sbuf *out, const struct probe *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct device_info *d = &p->device[i];
        sbuf_addf(out, "%s%zu %s (%s%s%s)", i ? ", " : "", i, d->name, d->type, d->usable ? "" : d->type[0] ? ", " : "",
                  d->usable ? "" : "not usable");
    }
    if (p->n == 0) {
        sbuf_add(out, "none");
    }
}

static enum err_code no_match(const struct probe *p, const char *word, struct err *e)
{
    struct sbuf have = {0};
    list_devices(&have, p);
    enum err_code rc = err_set(e, ERR_NODEVICE, "device %s: no such device; there is: %s; `vaetop devices` says more",
                               word, have.text);
    sbuf_release(&have);
    return rc;
}

static void take(size_t **index, size_t *n, size_t i)
{
    for (size_t k = 0; k < *n; k++) {
        if ((*index)[k] == i) {
            return;
        }
    }
    *index = xreallocarray(*index, *n + 1, sizeof **index);
    (*index)[(*n)++] = i;
}

/* Adds what one word names. Named things that cannot be used are an error only when nothing else fits the word. */
static enum err_code choose_word(size_t **index, size_t *n, const struct probe *p, const char *word, struct err *e)
{
    struct wish w = read_wish(word);
    size_t fitting = 0, usable = 0, first = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (!fits(p, i, &w)) {
            continue;
        }
        first = fitting++ ? first : i;
        if (p->device[i].usable) {
            usable++;
            take(index, n, i);
        }
    }
    if (fitting == 0) {
        return no_match(p, word, e);
    }
    if (usable == 0) {
        const struct device_info *d = &p->device[first];
        return err_set(e, ERR_NODEVICE, "device %s: %s cannot be used: %s", word, d->name, d->why_not);
    }
    return ERR_OK;
}

static enum err_code choose_default(size_t **index, size_t *n, const struct probe *p, struct err *e)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->device[i].usable && is_type(&p->device[i], "gpu")) {
            take(index, n, i);
        }
    }
    /* One CPU only: a second driver for it would be the same cores again. */
    for (size_t i = 0; i < p->n && *n == 0; i++) {
        if (p->device[i].usable && is_type(&p->device[i], "cpu")) {
            take(index, n, i);
        }
    }
    for (size_t i = 0; i < p->n && *n == 0; i++) {
        if (p->device[i].usable) {
            take(index, n, i);
        }
    }
    if (*n > 0) {
        return ERR_OK;
    }
    if (p->n > 0) {
        return err_set(e, ERR_NODEVICE, "no usable OpenCL device: %s: %s; `vaetop devices` says more",
                       p->device[0].name, p->device[0].why_not);
    }
    return err_set(e, ERR_NODEVICE, "no OpenCL device: %s",
                   p->n_advice > 0 ? p->advice[0] : "`vaetop devices` says what is missing");
}

enum err_code probe_choose(size_t **index, size_t *n, const struct probe *p, const char *text, struct err *e)
{
    enum err_code rc = ERR_OK;
    *index = NULL;
    *n = 0;
    if (!text || !text[strspn(text, " ,")]) {
        return choose_default(index, n, p, e);
    }
    const char *at = text;
    while (!rc && *at) {
        at += strspn(at, " ,");
        size_t len = strcspn(at, ",");
        const char *next = at + len;
        while (len > 0 && at[len - 1] == ' ') {
            len--;
        }
        if (len > 0) {
            char *word = xstrndup(at, len);
            rc = choose_word(index, n, p, word, e);
            free(word);
        }
        at = next;
    }
    if (rc) {
        free(*index);
        *index = NULL;
        *n = 0;
    }
    return rc;
}
