/* safetensors files: named float32, uint8, int64 and uint32 tensors and string metadata; the form of checkpoints and exports.
 * The reader trusts nothing: lengths before allocation, products checked, no holes, no overlaps.
 * Source: the safetensors format description (huggingface/safetensors, README and tensor.rs). */
#ifndef VAETOP_DATA_SAFETENSORS_H
#define VAETOP_DATA_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"

enum tensor_type { TENSOR_F32, TENSOR_U8, TENSOR_I64, TENSOR_U32, TENSOR_F64 };

/* A writer collects tensors (borrowed until the write) and metadata (copied). */
struct tensor_writer;
struct tensor_writer *tensor_writer_new(void);
void tensor_writer_free(struct tensor_writer *w);
void tensor_writer_meta(struct tensor_writer *w, const char *key, const char *value);
void tensor_writer_add(struct tensor_writer *w, const char *name, enum tensor_type type, const size_t *shape, int rank,
                       const void *data);
/* Durable: as fs_write(). with_crc adds the last tensor "vaetop.crc32" (U32, one value) over all bytes before it.
 * keep_previous leaves the old file as "PATH.prev"; there is a whole file under PATH at every moment, but on file systems
 * without hard links, where for a moment only PATH.prev exists. Errors: IO. */
WUR enum err_code tensor_writer_save(struct tensor_writer *w, const char *path, bool with_crc, bool keep_previous,
                                     struct err *e);

struct tensor {
    const char *name;
    enum tensor_type type;
    int rank;
    size_t shape[8];
    size_t count; /* product of shape */
    const void *data; /* owned by the file */
};
struct tensor_file;
/* need_crc: refuse a file without a right "vaetop.crc32". Errors: NOTFOUND, DATA (broken: file, offset, found,
 * expected), NOMEM. Owns: tensor_file_free(). */
WUR enum err_code tensor_file_open(struct tensor_file **out, const char *path, bool need_crc, struct err *e);
void tensor_file_free(struct tensor_file *f);
size_t tensor_file_count(const struct tensor_file *f);
const struct tensor *tensor_file_at(const struct tensor_file *f, size_t i);
const struct tensor *tensor_file_find(const struct tensor_file *f, const char *name);
/* A weight of a checkpoint as the trial's value was reached with it: with `best` the copy kept of the best epoch, else its
 * moving mean where it has one, else itself. NULL if absent. */
const struct tensor *tensor_file_weight(const struct tensor_file *f, const char *name, bool best);
const char *tensor_file_meta(const struct tensor_file *f, const char *key); /* NULL if absent */

#endif
