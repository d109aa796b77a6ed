/* Files for the tests of readers. */
#ifndef VAETOP_TEST_DATA_FILES_H
#define VAETOP_TEST_DATA_FILES_H

#include "check.h"
#include "vaetop/conf/config.h"
#include "vaetop/data/dataset.h"

/* Writes len bytes to DIR/NAME. Owns: caller frees the path. */
char *put_file(const char *dir, const char *name, const void *bytes, size_t len);

/* The bytes as a gzip member. Owns: caller frees. */
uint8_t *gzip(size_t *out_len, const void *bytes, size_t len);

/* Defaults with data.source = source and, unless NULL, one more knob. config_release() is due. */
void data_config(struct config *c, const char *source, enum knob k, const char *text);

/* Loads under settings, lines "section.knob=value", and holds the peek against it. dataset_release() is due. */
void load_with(struct dataset *d, const char *source, const char *settings);
/* The load is refused as DATA. */
void refuse_with(struct err *e, const char *source, const char *settings);
void assert_floats(const struct dataset *d, const float *want, size_t count);

#endif
