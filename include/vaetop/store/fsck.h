/* Is a study whole, and what can be saved of one that is not. Reads only; the salvage writes into another folder. */
#ifndef VAETOP_STORE_FSCK_H
#define VAETOP_STORE_FSCK_H

#include <stdint.h>

#include "vaetop/base/err.h"

/* What was found. lost: it was there once; duplicated: it is there twice; corrupted: it is not what was written;
 * stray: a file nobody needs, left by a crash and harmless. */
enum fsck_kind { FSCK_LOST, FSCK_DUPLICATED, FSCK_CORRUPTED, FSCK_STRAY, FSCK_KINDS };
const char *fsck_word(enum fsck_kind kind);

/* One finding; trial is -1 when it is about the study. The text is clean for a terminal. */
typedef void fsck_fn(void *arg, enum fsck_kind kind, int trial, const char *text);

/* Checks study.db and snapshots.db: pages, tables, every trial in one state, values and epochs whole. Damage is a
 * finding, not an error. Errors: NOTFOUND (no study.db), IO, BUSY. */
WUR enum err_code store_fsck(const char *dir, fsck_fn *fn, void *arg, struct err *e);

/* Reads what can be read of DIR/study.db, row by row, into a new TO/study.db of that name, puts a failed trial where
 * one is missing, and lets unfinished trials with a gap in their epochs send them again from their checkpoints. TO
 * exists and has no study.db. *rows: how many were saved. Errors: NOTFOUND, IO, DB (nothing can be read). */
WUR enum err_code store_salvage(const char *dir, const char *to, const char *name, int64_t *rows, struct err *e);

#endif
