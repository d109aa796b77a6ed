/* What the fuzz targets share. Each target is one file with LLVMFuzzerTestOneInput(); run.sh builds and runs them. */
#ifndef VAETOP_FUZZ_H
#define VAETOP_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"

/* Also in builds without asserts; libFuzzer reports the abort with the input. */
#define MUST(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))
__attribute__((noreturn)) void fuzz_fail(const char *condition, const char *file, int line);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory with these bytes; the path is good until the next call. */
const char *fuzz_file(const void *bytes, size_t size);

/* A refusal has a code and one line that is safe on a terminal. */
void fuzz_check_error(enum err_code rc, const struct err *e);

/* Loads the bytes as a data set; the last byte chooses settings. What is loaded must keep the contract. */
void fuzz_dataset(const uint8_t *data, size_t size);

#endif
