/* The scripted study of `vaetop --demo`: rows written to a store as an engine would, from numbers made up by a fixed
 * seed. Trials, devices and pictures are invented; everything the screens do with them is real. */
#ifndef VAETOP_UI_SCRIPT_H
#define VAETOP_UI_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/base/rng.h"
#include "vaetop/conf/trial.h"
#include "vaetop/ipc/client.h"

struct script;
struct store;

/* Makes the study in a temporary folder, with some trials already trained. Errors: IO, DB. */
WUR enum err_code script_open(struct script **out, struct err *e);
/* Removes the folder. NULL is fine. */
void script_close(struct script *s);
const char *script_dir(const struct script *s);

/* One beat when it is time; true when rows changed. */
bool script_step(struct script *s, int64_t now_ns);
int64_t script_next_ns(const struct script *s); /* when the next beat is; -1: nothing trains */

/* What the engine would do with it; false: reply says why not. */
bool script_command(struct script *s, enum command c, int trial, const char *arg, char *reply, size_t cap);

/* Stores what a trial of the scripted study shows at an epoch: ten clusters that drift apart, and images. */
void script_snapshot(struct store *st, int trial, int epoch, int latent, struct rng *r);
/* Images for a snapshot of the scripted study, whose epoch is set. */
void script_images(struct snapshot *s);

#endif
