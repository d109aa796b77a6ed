#include "space.h"

#include <string.h>

#include "check.h"

void space_open(struct drawn *x, const char *yaml)
{
    struct err e;
    assert_ok(preset_parse(&x->p, yaml, strlen(yaml), "space.yaml", &e), &e);
    assert_ok(preset_check(&x->p, &e), &e);
    assert_ok(sampler_new(&x->s, &x->p, &e), &e);
    point_init(&x->pt, &x->p);
}

void space_close(struct drawn *x)
{
    point_release(&x->pt);
    sampler_free(x->s);
    preset_release(&x->p);
}

void space_draw(struct drawn *x, int number)
{
    struct err e;
    assert_ok(sampler_suggest(x->s, number, &x->pt, &e), &e);
}

size_t space_range(const struct drawn *x, enum knob k, size_t i)
{
    for (size_t r = 0; r < x->p.n_ranges; r++) {
        if (x->p.range[r].knob == k && i-- == 0) {
            return r;
        }
    }
    fail_msg("no such range of %s", knob_info(k)->full);
    return 0;
}

void assert_fits(const int *count, const double *share, size_t n, double limit, const char *what)
{
    double total = 0, shares = 0, chi2 = 0;
    for (size_t i = 0; i < n; i++) {
        total += count[i];
        shares += share[i];
    }
    assert_close(shares, 1, 1e-9, 0);
    for (size_t i = 0; i < n; i++) {
        double want = total * share[i];
        assert_true(want >= 5); /* else the statistic means nothing */
        chi2 += (count[i] - want) * (count[i] - want) / want;
    }
    if (!(chi2 < limit)) {
        fail_msg("%s: chi-square %.2f over %zu cells, below %.2f expected", what, chi2, n, limit);
    }
}
