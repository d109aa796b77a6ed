#include "vaetop/conf/insight.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"

#define RANGES_MOST 4096

void suggestion_release(struct suggestion *s)
{
    free(s->sampler);
    free(s->running);
    free(s->text);
    s->sampler = s->running = s->text = NULL;
}

void insight_release(struct insight *s)
{
    free(s->share);
    *s = (struct insight){0};
}

static void add_f64(struct sbuf *out, double v)
{
    char text[40];
    sbuf_add(out, " ");
    sbuf_add(out, isfinite(v) ? str_from_f64(text, sizeof text, v) : "-");
}

void insight_format(struct sbuf *out, const struct insight *s)
{
    sbuf_addf(out, "%d %d %d %d %zu %zu", s->finished, s->complete, s->since, s->stop, s->objectives, s->n_ranges);
    add_f64(out, s->expected);
    for (size_t i = 0; i < s->objectives * s->n_ranges; i++) {
        add_f64(out, s->share[i]);
    }
}

/* The next word as a number, "-" as NaN. */
static bool next(double *out, char **at)
{
    char *word = *at + strspn(*at, " ");
    char *end = word + strcspn(word, " ");
    *at = *end ? end + 1 : end;
    *end = '\0';
    *out = (double)NAN;
    return strcmp(word, "-") == 0 || str_to_f64(out, word);
}

static bool next_count(size_t *out, char **at, size_t most)
{
    double v;
    bool ok = next(&v, at) && v >= 0 && v <= (double)most && v == floor(v);
    *out = ok ? (size_t)v : 0;
    return ok;
}

static bool parse(struct insight *s, char *at)
{
    size_t n[4];
    for (int i = 0; i < 4; i++) {
        if (!next_count(&n[i], &at, INT32_MAX)) {
            return false;
        }
    }
    *s = (struct insight){.finished = (int)n[0], .complete = (int)n[1], .since = (int)n[2], .stop = n[3] != 0};
    if (!next_count(&s->objectives, &at, 2) || !next_count(&s->n_ranges, &at, RANGES_MOST) || !next(&s->expected, &at)) {
        return false;
    }
    s->share = xcalloc(s->objectives * s->n_ranges + 1, sizeof *s->share);
    for (size_t i = 0; i < s->objectives * s->n_ranges; i++) {
        if (!next(&s->share[i], &at)) {
            return false;
        }
    }
    return *at == '\0';
}

bool insight_parse(struct insight *out, const char *text)
{
    char *copy = xstrdup(text);
    *out = (struct insight){0};
    bool ok = parse(out, copy);
    free(copy);
    if (!ok) {
        insight_release(out);
    }
    return ok;
}
