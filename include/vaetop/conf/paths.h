/* Where things are: XDG folders and a study's files. All results: Owns: caller frees. */
#ifndef VAETOP_CONF_PATHS_H
#define VAETOP_CONF_PATHS_H

#include <stdbool.h>

#include "vaetop/base/err.h"

char *path_data_home(void);    /* $XDG_DATA_HOME/vaetop, default ~/.local/share/vaetop: studies live here */
char *path_config_home(void);  /* $XDG_CONFIG_HOME/vaetop */
char *path_cache_home(void);   /* $XDG_CACHE_HOME/vaetop */
char *path_run_dir(void);      /* /tmp/vaetop-UID (VAETOP_RUN_DIR in tests): device slot locks */

/* Creates path_run_dir() with mode 0700 and checks owner and mode; refuses a link. Errors: IO. */
WUR enum err_code path_run_dir_check(struct err *e);

bool study_name_ok(const char *name); /* [A-Za-z0-9._-]{1,64}, not "." or ".." */

/* The study's folder: parent (NULL: path_data_home()) / name. */
char *path_study(const char *parent, const char *name);
/* A file in it. */
#define STUDY_DB "study.db"
#define STUDY_SNAPSHOTS "snapshots.db"
#define STUDY_PRESET "preset.yaml"
#define STUDY_CHECKPOINTS "checkpoints"
#define STUDY_LOG "log"
#define STUDY_OLD_LOG "log.1"     /* what was in it before it grew too large */
#define STUDY_RESERVE "reserve"   /* room for the store when the disk is full; there while an engine runs */
#define STUDY_LOCK "lock"
#define STUDY_SUPERVISOR "supervisor" /* the same of the process that brings engines back */
char *path_checkpoint(const char *study_dir, int trial); /* checkpoints/<number>.safetensors */

#endif
