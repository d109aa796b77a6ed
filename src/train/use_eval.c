/* Figures of a model on held-out rows: those of an epoch, and the importance-weighted likelihood. */
#include <math.h>
#include <stdlib.h>

#include "measure.h"
#include "use_private.h"

enum err_code use_eval(struct use *u, int samples, struct use_figures *out, struct err *e)
{
    struct evaluation ev;
    enum err_code rc = evaluate(u->trainer, &u->lane, 1, &ev, e);
    if (rc) return rc;
    *out = (struct use_figures){.rows = u->split.n_val, .rec = ev.rec, .kl = ev.kl, .active_units = ev.active_units,
                                .latent = u->net.latent, .dim_kl = ev.dim_kl, .samples = samples};
    struct nll nll = {(double)NAN, (double)NAN, (double)NAN};
    if (samples > 0) rc = nll_measure(u->trainer, u->lane, out->rows, samples, &nll, e);
    out->nll = nll.mean;
    out->nll_error = nll.error;
    out->ess = nll.ess;
    if (rc) use_figures_release(out);
    return rc;
}

void use_figures_release(struct use_figures *f)
{
    free(f->dim_kl);
    *f = (struct use_figures){0};
}
