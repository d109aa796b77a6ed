/* What the writer and the reader of safetensors files agree on. */
#ifndef VAETOP_DATA_TENSOR_TYPE_H
#define VAETOP_DATA_TENSOR_TYPE_H

#include <stdint.h>

/* Both forms, file and memory, are little-endian; a big-endian host needs code here first. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors files are read and written as they lie in memory: little-endian hosts only"
#endif

/* X(enum, name in files, bytes) in the order of enum tensor_type */
#define TENSOR_TYPES(X)                                                                                                \
    X(TENSOR_F32, "F32", 4)                                                                                            \
    X(TENSOR_U8, "U8", 1)                                                                                              \
    X(TENSOR_I64, "I64", 8)                                                                                            \
    X(TENSOR_U32, "U32", 4)                                                                                            \
    X(TENSOR_F64, "F64", 8)
#define TENSOR_TYPE_COUNT 5

#define TENSOR_MAX_RANK 8
#define TENSOR_MAX_NAME 512          /* bytes */
#define TENSOR_MAX_COUNT 100000      /* tensors in a file */
#define TENSOR_MAX_HEADER (16u << 20) /* bytes; the format allows 100 MB, none of ours comes near */
#define TENSOR_CRC "vaetop.crc32"

/* Length in bytes of the UTF-8 character at s, which has n > 0 bytes left; 0 if it is none (RFC 3629). */
int tensor_utf8_length(const uint8_t *s, uint64_t n);

#endif
