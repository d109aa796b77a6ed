#include "vaetop/device/clerr.h"

#include <stddef.h>

/* X(name, number). Source: CL/cl.h, CL/cl_ext.h (1.2 and the ICD loader's -1001), clblast_c.h. */
#define CL_STATUS_LIST(X)                            \
    X(CL_SUCCESS, 0)                                 \
    X(CL_DEVICE_NOT_FOUND, -1)                       \
    X(CL_DEVICE_NOT_AVAILABLE, -2)                   \
    X(CL_COMPILER_NOT_AVAILABLE, -3)                 \
    X(CL_MEM_OBJECT_ALLOCATION_FAILURE, -4)          \
    X(CL_OUT_OF_RESOURCES, -5)                       \
    X(CL_OUT_OF_HOST_MEMORY, -6)                     \
    X(CL_PROFILING_INFO_NOT_AVAILABLE, -7)           \
    X(CL_MEM_COPY_OVERLAP, -8)                       \
    X(CL_IMAGE_FORMAT_MISMATCH, -9)                  \
    X(CL_IMAGE_FORMAT_NOT_SUPPORTED, -10)            \
    X(CL_BUILD_PROGRAM_FAILURE, -11)                 \
    X(CL_MAP_FAILURE, -12)                           \
    X(CL_MISALIGNED_SUB_BUFFER_OFFSET, -13)          \
    X(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, -14) \
    X(CL_COMPILE_PROGRAM_FAILURE, -15)               \
    X(CL_LINKER_NOT_AVAILABLE, -16)                  \
    X(CL_LINK_PROGRAM_FAILURE, -17)                  \
    X(CL_DEVICE_PARTITION_FAILED, -18)               \
    X(CL_KERNEL_ARG_INFO_NOT_AVAILABLE, -19)         \
    X(CL_INVALID_VALUE, -30)                         \
    X(CL_INVALID_DEVICE_TYPE, -31)                   \
    X(CL_INVALID_PLATFORM, -32)                      \
    X(CL_INVALID_DEVICE, -33)                        \
    X(CL_INVALID_CONTEXT, -34)                       \
    X(CL_INVALID_QUEUE_PROPERTIES, -35)              \
    X(CL_INVALID_COMMAND_QUEUE, -36)                 \
    X(CL_INVALID_HOST_PTR, -37)                      \
    X(CL_INVALID_MEM_OBJECT, -38)                    \
    X(CL_INVALID_IMAGE_FORMAT_DESCRIPTOR, -39)       \
    X(CL_INVALID_IMAGE_SIZE, -40)                    \
    X(CL_INVALID_SAMPLER, -41)                       \
    X(CL_INVALID_BINARY, -42)                        \
    X(CL_INVALID_BUILD_OPTIONS, -43)                 \
    X(CL_INVALID_PROGRAM, -44)                       \
    X(CL_INVALID_PROGRAM_EXECUTABLE, -45)            \
    X(CL_INVALID_KERNEL_NAME, -46)                   \
    X(CL_INVALID_KERNEL_DEFINITION, -47)             \
    X(CL_INVALID_KERNEL, -48)                        \
    X(CL_INVALID_ARG_INDEX, -49)                     \
    X(CL_INVALID_ARG_VALUE, -50)                     \
    X(CL_INVALID_ARG_SIZE, -51)                      \
    X(CL_INVALID_KERNEL_ARGS, -52)                   \
    X(CL_INVALID_WORK_DIMENSION, -53)                \
    X(CL_INVALID_WORK_GROUP_SIZE, -54)               \
    X(CL_INVALID_WORK_ITEM_SIZE, -55)                \
    X(CL_INVALID_GLOBAL_OFFSET, -56)                 \
    X(CL_INVALID_EVENT_WAIT_LIST, -57)               \
    X(CL_INVALID_EVENT, -58)                         \
    X(CL_INVALID_OPERATION, -59)                     \
    X(CL_INVALID_GL_OBJECT, -60)                     \
    X(CL_INVALID_BUFFER_SIZE, -61)                   \
    X(CL_INVALID_MIP_LEVEL, -62)                     \
    X(CL_INVALID_GLOBAL_WORK_SIZE, -63)              \
    X(CL_INVALID_PROPERTY, -64)                      \
    X(CL_INVALID_IMAGE_DESCRIPTOR, -65)              \
    X(CL_INVALID_COMPILER_OPTIONS, -66)              \
    X(CL_INVALID_LINKER_OPTIONS, -67)                \
    X(CL_INVALID_DEVICE_PARTITION_COUNT, -68)        \
    X(CL_PLATFORM_NOT_FOUND_KHR, -1001)              \
    X(CLBLAST_INSUFFICIENT_MEMORY_Y, -1007)          \
    X(CLBLAST_INSUFFICIENT_MEMORY_X, -1008)          \
    X(CLBLAST_INSUFFICIENT_MEMORY_C, -1009)          \
    X(CLBLAST_INSUFFICIENT_MEMORY_B, -1010)          \
    X(CLBLAST_INSUFFICIENT_MEMORY_A, -1011)          \
    X(CLBLAST_INVALID_INCREMENT_Y, -1012)            \
    X(CLBLAST_INVALID_INCREMENT_X, -1013)            \
    X(CLBLAST_INVALID_LEAD_DIM_C, -1014)             \
    X(CLBLAST_INVALID_LEAD_DIM_B, -1015)             \
    X(CLBLAST_INVALID_LEAD_DIM_A, -1016)             \
    X(CLBLAST_INVALID_DIMENSION, -1017)              \
    X(CLBLAST_INVALID_VECTOR_Y, -1018)               \
    X(CLBLAST_INVALID_VECTOR_X, -1019)               \
    X(CLBLAST_INVALID_MATRIX_C, -1020)               \
    X(CLBLAST_INVALID_MATRIX_B, -1021)               \
    X(CLBLAST_INVALID_MATRIX_A, -1022)               \
    X(CLBLAST_NOT_IMPLEMENTED, -1024)                \
    X(CLBLAST_UNEXPECTED_ERROR, -2039)               \
    X(CLBLAST_UNKNOWN_ERROR, -2040)                  \
    X(CLBLAST_DATABASE_ERROR, -2041)                 \
    X(CLBLAST_INSUFFICIENT_MEMORY_SCALAR, -2042)     \
    X(CLBLAST_INVALID_VECTOR_SCALAR, -2043)          \
    X(CLBLAST_NO_DOUBLE_PRECISION, -2044)            \
    X(CLBLAST_NO_HALF_PRECISION, -2045)              \
    X(CLBLAST_INVALID_LOCAL_MEM_USAGE, -2046)        \
    X(CLBLAST_MISSING_OVERRIDE_PARAMETER, -2047)     \
    X(CLBLAST_INVALID_OVERRIDE_KERNEL, -2048)        \
    X(CLBLAST_INVALID_BATCH_COUNT, -2049)            \
    X(CLBLAST_INSUFFICIENT_MEMORY_TEMP, -2050)

const char *cl_name(int status)
{
    switch (status) {
#define X(name, number) \
    case number:        \
        return #name;
        CL_STATUS_LIST(X)
#undef X
    default:
        return "CL_ERROR";
    }
}

static enum err_code code_of(int status)
{
    switch (status) {
    case -4:
    case -6:
    case -61: /* larger than CL_DEVICE_MAX_MEM_ALLOC_SIZE */
        return ERR_DEVICE_MEM;
    case -11:
        return ERR_CL_BUILD;
    case -1:
    case -1001:
        return ERR_NODEVICE;
    default:
        return ERR_CL;
    }
}

enum err_code cl_fail(struct err *e, int status, const char *call, const char *detail)
{
    return err_set(e, code_of(status), "%s(%s): %s (%d)", call, detail ? detail : "", cl_name(status), status);
}
