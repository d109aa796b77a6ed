/* Regret of the samplers on known functions, and the time of a suggestion.
 *
 *   bench_tune times
 *   bench_tune [sampler=NAME] [function=NAME] [seeds=20] [evals=100] [flight=1] [each=0] [first=0]
 *
 * `times` prints how long a suggestion takes with ten parameters and many finished trials. Else prints the median
 * simple regret after a quarter, half and all evaluations, its third quartile at the end, and the median and the
 * longest time of a suggestion. each=1 prints every seed's regrets, first is the first seed. Times are the processor's. Not part of the tests:
 * it takes minutes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../tune/made.h"
#include "functions.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"
#include "vaetop/tune/blas.h"
#include "vaetop/tune/sampler.h"

struct options {
    const char *sampler, *function;
    int seeds, evals, flight, each, first;
};

struct result {
    double at[3];
    double *ms;
};

/* The processor's time, so that a busy machine measures the same. */
static int64_t cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void tell(struct sampler *s, int number, enum seen_state st, double value, const struct point *pt)
{
    sampler_observe(s, &(struct seen){.number = number, .state = st, .value = {value, 0}}, pt);
}

/* flight trials are out at any time; they come back in the order in which they went. */
static void run(struct result *out, const struct function *f, enum sampler_kind kind, int seed, const struct options *o)
{
    struct preset p = {.name = xstrdup("bench"), .lesson = xstrdup("")};
    struct sampler *s;
    struct err e;
    double best = HUGE_VAL;
    config_init(&p.base);
    f->space(&p);
    p.base.num[KNOB_STUDY_SAMPLER] = kind;
    p.base.num[KNOB_STUDY_SEED] = seed;
    struct point *pt = xcalloc((size_t)o->evals, sizeof *pt);
    if (sampler_new(&s, &p, &e)) {
        fprintf(stderr, "%s\n", e.text);
        exit(1);
    }
    for (int back = 0, n = 0; back < o->evals; back++) {
        for (; n < o->evals && n < back + o->flight; n++) {
            point_init(&pt[n], &p);
            int64_t t = cpu_ns();
            if (sampler_suggest(s, n, &pt[n], &e)) {
                fprintf(stderr, "%s\n", e.text);
                exit(1);
            }
            out->ms[n] = (double)(cpu_ns() - t) / 1e6;
            tell(s, n, SEEN_RUNNING, 0, &pt[n]);
        }
        best = fmin(best, f->value(&pt[back]));
        tell(s, back, SEEN_COMPLETE, f->value(&pt[back]), &pt[back]);
        if (back + 1 == o->evals / 4) {
            out->at[0] = best - f->least;
        } else if (back + 1 == o->evals / 2) {
            out->at[1] = best - f->least;
        }
    }
    out->at[2] = best - f->least;
    for (int n = 0; n < o->evals; n++) {
        point_release(&pt[n]);
    }
    free(pt);
    sampler_free(s);
    preset_release(&p);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double quantile(double *x, int n, double q)
{
    double at = q * (n - 1);
    int i = (int)at;
    qsort(x, (size_t)n, sizeof *x, by_size);
    return i + 1 < n ? x[i] + (at - i) * (x[i + 1] - x[i]) : x[i];
}

static void bench(const struct function *f, enum sampler_kind kind, const char *name, const struct options *o)
{
    double *at[3], mid[3], upper;
    double *ms = xcalloc((size_t)(o->seeds * o->evals), sizeof *ms);
    for (int k = 0; k < 3; k++) {
        at[k] = xcalloc((size_t)o->seeds, sizeof **at);
    }
    for (int seed = 0; seed < o->seeds; seed++) {
        struct result r = {.ms = ms + seed * o->evals};
        run(&r, f, kind, o->first + seed, o);
        for (int k = 0; k < 3; k++) {
            at[k][seed] = r.at[k];
        }
        if (o->each) {
            printf("# %s %s %d %.6g %.6g %.6g\n", f->name, name, o->first + seed, r.at[0], r.at[1], r.at[2]);
        }
    }
    for (int k = 0; k < 3; k++) {
        mid[k] = quantile(at[k], o->seeds, .5);
    }
    upper = quantile(at[2], o->seeds, .75);
    double most = quantile(ms, o->seeds * o->evals, 1);
    printf("%-12s %-8s %10.4g %10.4g %10.4g   75%%: %8.3g   %8.3f ms, longest %.1f ms\n", f->name, name, mid[0], mid[1],
           mid[2], upper, quantile(ms, o->seeds * o->evals, .5), most);
    (void)fflush(stdout);
    for (int k = 0; k < 3; k++) {
        free(at[k]);
    }
    free(ms);
}

static void ten(struct preset *p)
{
    made_choice(p, "sgd rmsprop adam");
    made_choice(p, "relu tanh");
    made_float(p, 0, 1, false);
    made_float(p, 1e-5, 1e-1, true);
    made_float(p, 0, 1, false);
    made_float(p, .5, .999, false);
    made_when(p, 0, "adam");
    made_float(p, 1e-3, 1, true);
    made_float(p, -1, 1, false);
    made_int(p, 1, 8, false);
    made_int(p, 8, 512, true);
}

/* One more trial of s, suggested by `by`, told to s: how long the suggestion took. */
static double one_more(struct sampler *s, struct sampler *by, int number, struct point *pt)
{
    struct err e;
    int64_t t = cpu_ns();
    if (sampler_suggest(by, number, pt, &e)) {
        exit(1);
    }
    double ms = (double)(cpu_ns() - t) / 1e6;
    double f = fabs(pt->value[2] - .3) + pow(log10(pt->value[3]) + 3, 2) + pt->value[0] * .3;
    f += pow(pt->value[8] - 3, 2) / 20;
    tell(s, number, SEEN_COMPLETE, f, pt);
    return ms;
}

/* Without a fit: the median of those that follow on one with whatever fits were due. The longest, of so many that a fit
 * of the Gaussian process was due among them, has one fit in it. */
static void time_one(enum sampler_kind kind, const char *name, int n)
{
    struct preset p = {.name = xstrdup("bench"), .lesson = xstrdup("")};
    struct sampler *s, *draw;
    struct err e;
    struct point pt;
    double ms[14], longest = 0;
    config_init(&p.base);
    ten(&p);
    point_init(&pt, &p);
    if (sampler_new(&draw, &p, &e)) {
        exit(1);
    }
    p.base.num[KNOB_STUDY_SAMPLER] = kind;
    if (sampler_new(&s, &p, &e)) {
        exit(1);
    }
    for (int i = 0; i < n; i++) {
        (void)one_more(s, draw, i, &pt);
    }
    double first = one_more(s, s, n, &pt);
    for (int i = 0; i < 14; i++) {
        ms[i] = one_more(s, s, n + 1 + i, &pt);
        longest = fmax(longest, ms[i]);
    }
    for (int i = 15; i < 20 + n / 10 && kind == SAMPLER_GP; i++) {
        longest = fmax(longest, one_more(s, i % 10 ? draw : s, n + i, &pt));
    }
    printf("%-4s %6d finished: %8.2f ms a suggestion, %8.1f ms the longest, %8.1f ms with all fits so far\n", name, n,
           quantile(ms, 14, .5), longest, first);
    (void)fflush(stdout);
    point_release(&pt);
    sampler_free(draw);
    sampler_free(s);
    preset_release(&p);
}

static int times(void)
{
    time_one(SAMPLER_TPE, "tpe", 100);
    time_one(SAMPLER_TPE, "tpe", 1000);
    time_one(SAMPLER_TPE, "tpe", 10000);
    time_one(SAMPLER_GP, "gp", 100);
    time_one(SAMPLER_GP, "gp", 300);
    time_one(SAMPLER_GP, "gp", 1000);
    return 0;
}

static bool option(struct options *o, const char *arg)
{
    static const char *const name[] = {"seeds=", "evals=", "flight=", "each=", "first="};
    int *const to[] = {&o->seeds, &o->evals, &o->flight, &o->each, &o->first};
    for (int i = 0; i < 5; i++) {
        if (strncmp(arg, name[i], strlen(name[i])) == 0) {
            *to[i] = (int)strtol(arg + strlen(name[i]), NULL, 10);
            return *to[i] >= 0;
        }
    }
    if (strncmp(arg, "sampler=", 8) == 0) {
        o->sampler = arg + 8;
        return true;
    }
    o->function = strncmp(arg, "function=", 9) == 0 ? arg + 9 : NULL;
    return o->function != NULL;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum sampler_kind kind;
    } sampler[] = {{"random", SAMPLER_RANDOM},
                   {"sobol", SAMPLER_SOBOL},
                   {"tpe", SAMPLER_TPE},
                   {"gp", SAMPLER_GP},
                   {"auto", SAMPLER_AUTO}};
    blas_settle(argv);
    if (argc == 2 && strcmp(argv[1], "times") == 0) {
        return times();
    }
    struct options o = {NULL, NULL, 20, 100, 1, 0, 0};
    for (int i = 1; i < argc; i++) {
        if (!option(&o, argv[i])) {
            fprintf(stderr, "bench_tune: %s: not an option; see the first lines of tests/bench/bench_tune.c\n",
                    argv[i]);
            return 2;
        }
    }
    printf("%-12s %-8s %10s %10s %10s   median simple regret, %d seeds, %d in flight\n", "function", "sampler",
           "quarter", "half", "all", o.seeds, o.flight);
    for (int f = 0; f < bench_functions; f++) {
        for (size_t k = 0; k < sizeof sampler / sizeof *sampler; k++) {
            if ((!o.function || strcmp(o.function, bench_function[f].name) == 0) &&
                (!o.sampler || strcmp(o.sampler, sampler[k].name) == 0)) {
                bench(&bench_function[f], sampler[k].kind, sampler[k].name, &o);
            }
        }
    }
    return 0;
}
