/* Checkpoints: everything a lane needs to go on with the same bits. */
#include "train_private.h"

enum err_code checkpoint_load(struct trainer *t, struct train_lane *l, const struct lane_spec *s, struct err *e)
{
    (void)t; (void)l;
    return err_set(e, ERR_DATA, "%s: resume is not there yet", s->resume);
}

enum err_code trainer_checkpoint(struct trainer *t, int lane, const char *path, struct err *e)
{
    (void)t; (void)lane;
    return err_set(e, ERR_IO, "%s: checkpoints are not there yet", path);
}

bool trainer_checkpoint_due(const struct trainer *t, int lane)
{
    (void)t; (void)lane;
    return false;
}
