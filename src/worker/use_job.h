/* One use of a trained model: what was asked, the model, what is answered. */
#ifndef VAETOP_WORKER_USE_JOB_H
#define VAETOP_WORKER_USE_JOB_H

#include "vaetop/ipc/messages.h"
#include "vaetop/train/use.h"

struct job {
    struct m_use ask;
    struct device *dev;
    struct use *use;      /* NULL until job_open() */
    struct use_figures figures; /* eval */
    double knn;           /* eval; NaN: no labels */
    int64_t rows;         /* evaluated, drawn or written */
    char note[256];       /* worth knowing; "" */
};

/* The data that were asked for. */
enum use_data job_data(const struct job *j);
/* The model with these data, instead of the one before. Errors: as use_open(). */
WUR enum err_code job_open(struct job *j, enum use_data which, struct err *e);

/* --- use_images.c: pictures into ask.output. Errors: as use_*() and png_grid_save(), npy_save(). */
WUR enum err_code job_sample(struct job *j, struct err *e);
WUR enum err_code job_reconstruct(struct job *j, struct err *e);
WUR enum err_code job_interpolate(struct job *j, struct err *e);

#endif
