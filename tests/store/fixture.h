/* A small study to write into: every kind of range, two ranges of one knob, conditions. */
#ifndef VAETOP_TEST_STORE_FIXTURE_H
#define VAETOP_TEST_STORE_FIXTURE_H

#include "check.h"

#include <sqlite3.h>

#include "vaetop/store/store.h"

extern const char space_yaml[]; /* study.value: best, constant or linear beta */

/* The preset of a YAML text, checked. Owns: preset_release(). */
void make_preset(struct preset *p, const char *yaml);

/* A fresh folder with a study of space_yaml, open for writing. */
struct study {
    const char *dir;
    struct preset p;
    struct store *s;
};
void study_open(struct study *t);
void study_open_with(struct study *t, const char *yaml);
void study_close(struct study *t);

/* A point with a value in every range that is active, different for each seed. Owns: point_release(). */
void make_point(struct point *pt, const struct preset *p, int seed);
/* A new trial with make_point(number). */
int add_trial(struct study *t, enum trial_phase phase);

/* Metrics that differ by trial, epoch and column; `value` as given. */
struct epoch_row make_epoch(int trial, int epoch, double value);
void add_epoch(struct study *t, int trial, int epoch, double value);

void assert_epoch_equal(const struct epoch_row *a, const struct epoch_row *b);

/* One row of the study as a new reader sees it. Owns: trial_rows_free(row, 1). */
struct trial_row *read_trial(const char *dir, int number);

/* First column of the first row of a query on DIR/study.db, by a plain SQLite connection. Owns: caller frees. */
char *query(const char *dir, const char *sql);
#define assert_query(dir, sql, want)          \
    do {                                      \
        char *got_ = query(dir, sql);         \
        assert_string_equal(got_, want);      \
        free(got_);                           \
    } while (0)
/* Statements by a plain connection, as another program would. */
void meddle(const char *dir, const char *file, const char *sql);

#endif
