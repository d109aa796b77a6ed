#include "vaetop/conf/objective.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "vaetop/base/alloc.h"

static const struct {
    const char *name[2];
    const char *unit;
    int count;
    bool maximised;
} table[] = {[OBJECTIVE_ELBO] = {{"-ELBO", ""}, "nats", 1, false},
             [OBJECTIVE_NLL] = {{"NLL", ""}, "nats", 1, false},
             [OBJECTIVE_REC] = {{"rec", ""}, "nats", 1, false},
             [OBJECTIVE_KNN] = {{"knn", ""}, "", 1, true},
             [OBJECTIVE_REC_KL] = {{"rec", "kl"}, "nats", 2, false}};

enum objective objective_of(const struct config *study)
{
    return (enum objective)config_choice(study, KNOB_STUDY_OBJECTIVE);
}

int objective_count(enum objective o)
{
    return table[o].count;
}

bool objective_maximised(enum objective o)
{
    return table[o].maximised;
}

const char *objective_name(enum objective o, int k)
{
    return table[o].name[k];
}

const char *objective_unit(enum objective o)
{
    return table[o].unit;
}

double objective_epoch_value(enum objective o, double rec, double kl, double measured)
{
    switch (o) {
    case OBJECTIVE_REC:
        return rec;
    case OBJECTIVE_NLL:
    case OBJECTIVE_KNN:
        return objective_shown(o, measured);
    case OBJECTIVE_ELBO:
    case OBJECTIVE_REC_KL:
        break;
    }
    return rec + kl;
}

void objective_values(double out[2], enum objective o, const struct epoch_row *row)
{
    bool two = objective_count(o) == 2;
    out[0] = two ? row->val_rec : row->value;
    out[1] = two ? row->val_kl : (double)NAN;
}

bool objective_better(int first_best, int epoch, double value, const struct epoch_row *row)
{
    bool counted = epoch > 0 && epoch >= first_best && isfinite(value);
    return !counted || (row->epoch >= first_best && isfinite(row->value) && row->value < value);
}

double objective_shown(enum objective o, double value)
{
    return objective_maximised(o) ? -value : value;
}

const char *objective_advice(char *buf, size_t cap, const struct preset *p)
{
    static const enum knob judged[] = {KNOB_LOSS_BETA, KNOB_LOSS_CAPACITY, KNOB_LOSS_FREE_BITS};
    enum objective o = objective_of(&p->base);
    const char *found = NULL;
    for (size_t r = 0; r < p->n_ranges && !found; r++) {
        for (size_t i = 0; i < sizeof judged / sizeof *judged && !found; i++) {
            found = p->range[r].knob == judged[i] ? knob_info(judged[i])->full : NULL;
        }
    }
    buf[0] = '\0';
    if (found && (o == OBJECTIVE_ELBO || o == OBJECTIVE_NLL)) {
        (void)snprintf(buf, cap,
                       "%s is searched, but study.objective: %s scores at beta 1, so expect %s; for a trade-off use "
                       "study.objective: rec,kl, or rec with study.require: kl <= 20",
                       found, knob_choice_name(KNOB_STUDY_OBJECTIVE, o),
                       strcmp(found, "loss.beta") == 0 ? "a beta of about 1 to win" : "next to no control of KL to win");
    }
    return buf;
}

/* --- requirements */

static enum err_code bad(const char *text, const char *why, struct err *e)
{
    char shown[SHOWN_CAP];
    return err_set(e, ERR_USAGE, "study.require: \"%s\": %s; rec, kl or active, then <= or >=, then a number was expected",
                   show(shown, text), why);
}

/* One of them, without spaces around. */
static enum err_code parse_one(struct requirement *out, char *text, struct err *e)
{
    static const char *const word[] = {"rec", "kl", "active"};
    char *op = strpbrk(text, "<>");
    size_t len;
    int of = -1;
    if (!op || op[1] != '=') {
        return bad(text, "no <= or >= in it", e);
    }
    len = (size_t)(op - text);
    while (len > 0 && text[len - 1] == ' ') {
        len--;
    }
    for (int i = 0; i < 3; i++) {
        of = strlen(word[i]) == len && strncmp(word[i], text, len) == 0 ? i : of;
    }
    if (of < 0) {
        return bad(text, "unknown measure", e);
    }
    *out = (struct requirement){.of = (enum required)of, .at_most = *op == '<'};
    return str_to_f64(&out->bound, op + 2 + strspn(op + 2, " ")) && isfinite(out->bound) ? ERR_OK
                                                                                         : bad(text, "no number", e);
}

enum err_code require_parse(struct requirement out[REQUIRE_MAX], size_t *n, const char *text, struct err *e)
{
    enum err_code rc = ERR_OK;
    char *copy = xstrdup(text);
    *n = 0;
    for (char *at = copy; !rc && at;) {
        char *comma = strchr(at, ',');
        if (comma) {
            *comma = '\0';
        }
        at += strspn(at, " ");
        size_t len = strlen(at);
        while (len > 0 && at[len - 1] == ' ') {
            at[--len] = '\0';
        }
        if (*at || comma || *n > 0) {
            rc = *n == REQUIRE_MAX ? bad(text, "too many of them", e) : parse_one(&out[(*n)++], at, e);
        }
        at = comma ? comma + 1 : NULL;
    }
    free(copy);
    return rc;
}

double require_violation(const struct config *study, const struct epoch_row *row)
{
    struct requirement r[REQUIRE_MAX];
    double sum = 0;
    size_t n;
    if (require_parse(r, &n, config_text(study, KNOB_STUDY_REQUIRE), NULL)) {
        return 0; /* refused when the study was made */
    }
    for (size_t i = 0; i < n; i++) {
        double v = r[i].of == REQUIRED_REC ? row->val_rec : r[i].of == REQUIRED_KL ? row->val_kl : row->active_units;
        double over = r[i].at_most ? v - r[i].bound : r[i].bound - v;
        sum += over > 0 ? over / fmax(1, fabs(r[i].bound)) : 0;
    }
    return sum;
}
