/* The tables of study.db and snapshots.db, and the check of a file that claims to have them. */
#ifndef VAETOP_STORE_SCHEMA_H
#define VAETOP_STORE_SCHEMA_H

#include "sqlite_db.h"

/* Raised when a table of ours changes; a file with a higher one is refused. */
#define STORE_SCHEMA 1

WUR enum err_code schema_create_study(struct db *d, struct err *e);
/* What an older study lacks. */
WUR enum err_code schema_add_tables(struct db *d, struct err *e);
WUR enum err_code schema_create_snapshots(struct db *d, struct err *e);
/* Whether there is a plain table of this name. */
WUR enum err_code schema_has(bool *there, struct db *d, const char *table, struct err *e);
/* Errors: DB (a table is missing or is not one, newer schema). */
WUR enum err_code schema_check_study(struct db *d, struct err *e);
WUR enum err_code schema_check_snapshots(struct db *d, struct err *e);

#endif
