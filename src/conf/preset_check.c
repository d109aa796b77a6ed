#include <stdlib.h>
#include <string.h>

#include "range_text.h"
#include "text.h"
#include "vaetop/base/alloc.h"
#include "vaetop/conf/objective.h"

/* Sets the error with the place where the knob was given in front. */
static enum err_code refuse(const struct preset *p, enum knob k, struct err *e, const char *text)
{
    (void)err_set(e, ERR_USAGE, "%s: %s", knob_info(k)->full, text);
    if (p->origin[k]) {
        err_prefix(e, "%s", p->origin[k]);
    }
    return ERR_USAGE;
}

static bool searched(const struct preset *p, enum knob k)
{
    for (size_t r = 0; r < p->n_ranges; r++) {
        if (p->range[r].knob == k) {
            return true;
        }
    }
    return false;
}

/* A real number from a continuous range equals no word, so such a condition would never hold. */
static enum err_code check_conditions(const struct preset *p, struct err *e)
{
    for (size_t r = 0; r < p->n_ranges; r++) {
        enum knob on = p->range[r].when.on;
        for (size_t s = 0; on != KNOB_NONE && s < p->n_ranges; s++) {
            if (p->range[s].knob == on && range_count(&p->range[s]) == 0) {
                char *text = xasprintf(
                    "condition on %s, which takes any value of a continuous range; give that a step or choices",
                    knob_info(on)->full);
                enum err_code rc = refuse(p, p->range[r].knob, e, text);
                free(text);
                return rc;
            }
        }
    }
    return ERR_OK;
}

/* All knobs that the conditions of k name stand already. */
static bool ready(const struct preset *p, enum knob k, const bool *placed)
{
    for (size_t r = 0; r < p->n_ranges; r++) {
        enum knob on = p->range[r].knob == k ? p->range[r].when.on : KNOB_NONE;
        if (on != KNOB_NONE && !placed[on]) {
            return false;
        }
    }
    return true;
}

/* A knob that another's condition names comes first; else the table's order, so that equal presets order alike. */
static enum err_code order_ranges(struct preset *p, struct err *e)
{
    bool placed[KNOB_COUNT];
    struct range *sorted = p->n_ranges > 0 ? xcalloc(p->n_ranges, sizeof *sorted) : NULL;
    size_t to = 0;
    enum knob stuck = KNOB_NONE;
    for (int k = 0; k < KNOB_COUNT; k++) {
        placed[k] = !searched(p, (enum knob)k);
    }
    for (int k = 0; k < KNOB_COUNT;) {
        if (placed[k] || !ready(p, (enum knob)k, placed)) {
            stuck = placed[k] || stuck != KNOB_NONE ? stuck : (enum knob)k;
            k++;
            continue;
        }
        for (size_t r = 0; r < p->n_ranges; r++) {
            if (p->range[r].knob == (enum knob)k) {
                sorted[to++] = p->range[r];
            }
        }
        placed[k] = true;
        stuck = KNOB_NONE;
        k = 0; /* an earlier one may be free now */
    }
    if (to < p->n_ranges) {
        free(sorted);
        return refuse(p, stuck, e, "its condition depends, over others, on itself; break the circle");
    }
    free(p->range);
    p->range = sorted;
    return ERR_OK;
}

static enum err_code check_grid(const struct preset *p, struct err *e)
{
    for (size_t r = 0; config_choice(&p->base, KNOB_STUDY_SAMPLER) == SAMPLER_GRID && r < p->n_ranges; r++) {
        if (range_count(&p->range[r]) == 0) {
            struct sbuf s = {0};
            enum err_code rc;
            range_format(&s, &p->range[r]);
            sbuf_add(&s, " has no end of values for study.sampler: grid; give it a step or choices a | b | c");
            rc = refuse(p, p->range[r].knob, e, s.text);
            sbuf_release(&s);
            return rc;
        }
    }
    return ERR_OK;
}

/* The smallest (sign 1) or largest (sign -1) value a numeric knob can get. */
static double extreme(const struct preset *p, enum knob k, double sign)
{
    double best = 0;
    bool any = false, always = false;
    for (size_t r = 0; r < p->n_ranges; r++) {
        const struct range *x = &p->range[r];
        size_t n = x->kind == RANGE_CHOICE ? x->n_choices : 2;
        for (size_t i = 0; x->knob == k && i < n; i++) {
            double v = i == 0 ? x->lo : x->hi;
            if (x->kind == RANGE_CHOICE && !str_to_f64(&v, x->choice[i])) {
                continue;
            }
            best = !any || sign * v < sign * best ? v : best;
            any = true;
        }
        always = always || (x->knob == k && x->when.on == KNOB_NONE);
    }
    /* Under conditions the base value is in force at times, but a warm-up's condition is its schedule. */
    if (!any || (!always && k != KNOB_LOSS_BETA_WARMUP && sign * p->base.num[k] < sign * best)) {
        best = p->base.num[k];
    }
    return best;
}

static bool may_be(const struct preset *p, enum knob k, const char *word)
{
    if (strcmp(knob_choice_name(k, config_choice(&p->base, k)), word) == 0 && !searched(p, k)) {
        return true;
    }
    for (size_t r = 0; r < p->n_ranges; r++) {
        for (size_t i = 0; p->range[r].knob == k && i < p->range[r].n_choices; i++) {
            if (strcmp(p->range[r].choice[i], word) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* config_check() for the worst trial the space holds, so that a study is refused at its start and not trial by trial.
 */
static enum err_code check_worst(const struct preset *p, struct err *e)
{
    struct config worst;
    enum knob blame = searched(p, KNOB_LOSS_BETA_WARMUP) ? KNOB_LOSS_BETA_WARMUP : KNOB_TRAIN_EPOCHS;
    enum err_code rc;
    config_copy(&worst, &p->base);
    worst.num[KNOB_TRAIN_EPOCHS] = extreme(p, KNOB_TRAIN_EPOCHS, 1);
    worst.num[KNOB_LOSS_BETA_WARMUP] = extreme(p, KNOB_LOSS_BETA_WARMUP, -1);
    worst.num[KNOB_LOSS_BETA_SCHEDULE] = may_be(p, KNOB_LOSS_BETA_SCHEDULE, "linear") ? BETA_LINEAR : BETA_CONSTANT;
    rc = config_check(&worst, e);
    if (rc && p->origin[blame]) {
        err_prefix(e, "%s", p->origin[blame]);
    }
    config_release(&worst);
    return rc;
}

void preset_epochs(const struct preset *p, int *most, int *warmup)
{
    struct config c;
    config_copy(&c, &p->base);
    c.num[KNOB_TRAIN_EPOCHS] = extreme(p, KNOB_TRAIN_EPOCHS, -1);
    c.num[KNOB_LOSS_BETA_WARMUP] = extreme(p, KNOB_LOSS_BETA_WARMUP, -1);
    c.num[KNOB_LOSS_BETA_CYCLES] = extreme(p, KNOB_LOSS_BETA_CYCLES, 1);
    *most = (int)config_i64(&c, KNOB_TRAIN_EPOCHS);
    *warmup = 0;
    for (int i = 0; i < knob_choice_count(KNOB_LOSS_BETA_SCHEDULE); i++) {
        c.num[KNOB_LOSS_BETA_SCHEDULE] = i;
        if (may_be(p, KNOB_LOSS_BETA_SCHEDULE, knob_choice_name(KNOB_LOSS_BETA_SCHEDULE, i))) {
            int first = config_first_best(&c);
            *warmup = first > *warmup ? first : *warmup;
        }
    }
    config_release(&c);
}

/* Successive halving needs a rung that is not the end, and every trial must be past its warm-up there. */
static enum err_code check_rungs(const struct preset *p, struct err *e)
{
    int pruner = config_choice(&p->base, KNOB_STUDY_PRUNER);
    int least = (int)config_i64(&p->base, KNOB_STUDY_PRUNER_MIN_EPOCHS), most, warmup;
    if (pruner != PRUNER_ASHA && pruner != PRUNER_ASHA_STOP) {
        return ERR_OK;
    }
    preset_epochs(p, &most, &warmup);
    least = least > warmup ? least : warmup;
    if (least < most) {
        return ERR_OK;
    }
    char *text = xasprintf("%s has no rung: the lowest is at %d epochs (study.pruner_min_epochs, and the longest KL warm-up"
                           " is %d), which must be below train.epochs, %d",
                           knob_choice_name(KNOB_STUDY_PRUNER, pruner), least, warmup, most);
    enum err_code rc = refuse(p, KNOB_STUDY_PRUNER, e, text);
    free(text);
    return rc;
}

static enum err_code check_require(const struct preset *p, struct err *e)
{
    struct requirement r[REQUIRE_MAX];
    size_t n;
    enum err_code rc = require_parse(r, &n, config_text(&p->base, KNOB_STUDY_REQUIRE), e);
    if (rc && p->origin[KNOB_STUDY_REQUIRE]) {
        err_prefix(e, "%s", p->origin[KNOB_STUDY_REQUIRE]);
    }
    return rc;
}

enum err_code preset_check(struct preset *p, struct err *e)
{
    enum err_code rc = check_conditions(p, e);
    rc = rc ? rc : order_ranges(p, e);
    rc = rc ? rc : check_grid(p, e);
    rc = rc ? rc : check_require(p, e);
    rc = rc ? rc : check_rungs(p, e);
    return rc ? rc : check_worst(p, e);
}
