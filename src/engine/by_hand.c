/* What the person adds to a search: trials with values of their own, and another range for a knob. */
#include "engine_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/conf/search_space.h"

enum err_code wake(struct engine *en, struct err *e)
{
    if (en->stage != STAGE_FINISHED || runs_all_final(en)) {
        return ERR_OK;
    }
    enum err_code rc = engine_devices(en, e);
    if (!rc) {
        engine_stage(en, STAGE_RUNNING);
    }
    return rc;
}

enum err_code enqueue_trial(struct engine *en, const struct run *like, const char *assignments, char *reply, size_t cap,
                            struct err *e)
{
    struct point from = {0}, pt;
    struct sbuf drawn = {0};
    int as = like ? like->number : -1; /* the table may move */
    enum err_code rc = en->stage == STAGE_LEAVING ? engine_is_ending(e) : ERR_OK;
    if (!rc && like) { /* a final trial's values are in the store alone */
        rc = writer_flush(en) ? store_trial_point(en->store, as, &en->preset, &from, e)
                              : err_set(e, ERR_IO, "the study's data base cannot be written now; try again");
    }
    rc = rc ? rc : point_compose(&pt, &drawn, &en->preset, like ? &from : NULL, assignments, (int)en->n_runs, e);
    point_release(&from);
    if (!rc) {
        const struct run *r = run_new(en, &pt, PHASE_ENQUEUED);
        point_release(&pt);
        (void)snprintf(reply, cap, "trial %d waits for a slot%s%s%s", r->number, drawn.len > 0 ? " (drawn at random: " : "",
                       drawn.len > 0 ? drawn.text : "", drawn.len > 0 ? ")" : "");
        if (like) {
            engine_log(en, r->number, "enqueued by hand: as trial %d%s%.150s", as,
                       *assignments ? " but " : "", assignments);
        } else {
            engine_log(en, r->number, "enqueued by hand: %.180s", assignments);
        }
        rc = wake(en, e);
    }
    sbuf_release(&drawn);
    return rc;
}

enum err_code rerun_trial(struct engine *en, const struct run *like, char *reply, size_t cap, struct err *e)
{
    const int of = like->number;
    const enum err_code rc = enqueue_trial(en, like, "", reply, cap, e);
    if (!rc) {
        struct run *r = &en->run[en->n_runs - 1];
        r->edited = true; /* as the store marks it */
        write_rerun(en, r->number, of);
    }
    return rc;
}

enum err_code change_space(struct engine *en, const char *assignment, char *reply, size_t cap, struct err *e)
{
    struct preset wide, narrow;
    enum knob k = KNOB_NONE;
    int rows = 0;
    enum err_code rc = en->stage == STAGE_LEAVING ? engine_is_ending(e) : ERR_OK;
    if (!rc && !writer_flush(en)) {
        rc = err_set(e, ERR_IO, "the study's data base cannot be written now; try again");
    }
    if (rc) {
        return rc;
    }
    preset_copy(&wide, &en->preset);
    preset_copy(&narrow, &en->space);
    rc = space_change(&wide, &narrow, &k, assignment, e);
    rc = rc ? rc : store_space(en->store, &wide, &narrow, k, &rows, e);
    preset_release(rc ? &wide : &en->preset);
    preset_release(rc ? &narrow : &en->space);
    if (rc) {
        return rc;
    }
    en->preset = wide;
    en->rungs = asha_rule_of(&en->preset);
    en->space = narrow;
    (void)snprintf(reply, cap, "suggested from now on: %.200s; stored distributions rewritten: %d", assignment, rows);
    engine_log(en, -1, "%.230s", reply);
    advisor_anew(en);
    return wake(en, e);
}
