#include "made.h"

#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"

/* Choices need a knob whose words can be asked for in a condition: those with words of their own. */
static const enum knob number_knob[] = {KNOB_LOSS_BETA,      KNOB_LOSS_BETA_WARMUP, KNOB_OPTIMIZER_LR,
                                        KNOB_OPTIMIZER_MOMENTUM, KNOB_OPTIMIZER_ALPHA,  KNOB_OPTIMIZER_BETA1,
                                        KNOB_OPTIMIZER_BETA2, KNOB_OPTIMIZER_EPS,    KNOB_MODEL_DEPTH,
                                        KNOB_MODEL_WIDTH,    KNOB_MODEL_LATENT,     KNOB_TRAIN_EPOCHS};
static const enum knob word_knob[] = {KNOB_OPTIMIZER_KIND, KNOB_MODEL_ACTIVATION, KNOB_LOSS_BETA_SCHEDULE};

void made_init(struct preset *p)
{
    *p = (struct preset){.name = xstrdup("made"), .lesson = xstrdup("")};
    config_init(&p->base);
}

static struct range *add(struct preset *p, enum range_kind kind)
{
    size_t same = 0;
    struct range *r;
    for (size_t i = 0; i < p->n_ranges; i++) {
        same += (p->range[i].kind == RANGE_CHOICE) == (kind == RANGE_CHOICE);
    }
    p->range = xreallocarray(p->range, p->n_ranges + 1, sizeof *p->range);
    r = &p->range[p->n_ranges++];
    *r = (struct range){.kind = kind, .when.on = KNOB_NONE};
    r->knob = kind == RANGE_CHOICE ? word_knob[same] : number_knob[same];
    return r;
}

void made_float(struct preset *p, double lo, double hi, bool log)
{
    struct range *r = add(p, RANGE_FLOAT);
    r->lo = lo;
    r->hi = hi;
    r->log = log;
}

void made_int(struct preset *p, double lo, double hi, bool log)
{
    struct range *r = add(p, RANGE_INT);
    r->lo = lo;
    r->hi = hi;
    r->step = 1;
    r->log = log;
}

static void add_words(char ***list, size_t *n, const char *words)
{
    while (*words) {
        size_t len = strcspn(words, " ");
        *list = xreallocarray(*list, *n + 1, sizeof **list);
        (*list)[(*n)++] = xstrndup(words, len);
        words += len + (words[len] == ' ');
    }
}

void made_choice(struct preset *p, const char *words)
{
    struct range *r = add(p, RANGE_CHOICE);
    add_words(&r->choice, &r->n_choices, words);
}

void made_when(struct preset *p, size_t on, const char *word)
{
    struct condition *c = &p->range[p->n_ranges - 1].when;
    c->on = p->range[on].knob;
    add_words(&c->word, &c->n_words, word);
}
