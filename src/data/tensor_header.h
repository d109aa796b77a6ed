/* The JSON header of a safetensors file, parsed in place: names and texts end up NUL-terminated inside the buffer.
 * Only the format's own grammar is accepted, so nothing nests deeper and nothing is built but the list of entries. */
#ifndef VAETOP_DATA_TENSOR_HEADER_H
#define VAETOP_DATA_TENSOR_HEADER_H

#include "input.h"
#include "tensor_type.h"
#include "vaetop/data/safetensors.h"

struct header_entry {
    struct tensor tensor; /* data not set */
    uint64_t begin, end;  /* in the byte buffer */
    uint64_t at;          /* where the name is in the file, for messages */
};

struct tensor_header {
    struct header_entry *entry; /* in the file's order */
    size_t n_entries, entry_cap;
    const char **meta; /* key, value, key, value ... */
    size_t n_meta, meta_cap;
};

/* Bytes per element. */
size_t tensor_type_size(enum tensor_type type);

/* text has n bytes and stands at offset 8 of `in`; text[n] is 0 already. Checks grammar, UTF-8, types, products,
 * duplicate names; not where the data lies. Owns: on any result the caller calls tensor_header_release();
 * out refers to text. Errors: DATA. */
WUR enum err_code tensor_header_parse(struct tensor_header *out, const struct input *in, char *text, size_t n,
                                      struct err *e);
void tensor_header_release(struct tensor_header *h);

#endif
