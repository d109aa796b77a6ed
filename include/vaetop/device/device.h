/* OpenCL devices: what there is, why one cannot be used, opening one, its program, buffers, launches, GEMM.
 * Only this layer calls OpenCL and CLBlast, and only a worker process may call device_open() or device_list_icd(). */
#ifndef VAETOP_DEVICE_DEVICE_H
#define VAETOP_DEVICE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/device_info.h"

/* Devices of the drivers this process was started with (OCL_ICD_VENDORS names one .icd file). For the probe worker.
 * Owns: caller frees *out. Errors: CL. */
WUR enum err_code device_list_icd(struct device_info **out, size_t *n, struct err *e);

/* What must stand in the environment before the first OpenCL call of a process. The first use of a driver sets it; a
 * process with a second thread does so before it starts that one. */
void device_environment(void);

/* Environment, for people who work on kernels: VAETOP_CL_DIR=folder reads the .cl files there instead of the built-in
 * ones; VAETOP_CL_SYNC=1 waits after every launch, so that an error names its kernel; VAETOP_CL_GUARD=1 puts edges of
 * NaN around every buffer, and device_finish() and buffer_read() name a buffer whose edge was written. */
struct device;
/* Opens by platform and device index as listed. Builds or loads the program; build logs go to build_log_dir if not
 * NULL. Errors: NODEVICE, CL, CL_BUILD (the log's first error line in the text). */
WUR enum err_code device_open(struct device **out, int platform_index, int device_index, const char *build_log_dir,
                              struct err *e);
void device_close(struct device *d);
const struct device_info *device_info(const struct device *d);
bool device_is_cpu(const struct device *d);
uint64_t device_bytes_in_use(const struct device *d);
/* What all buffers together may take: the device's memory, or this process's part of it where `among` processes share it,
 * such as the slices of a CPU. */
uint64_t device_budget(const struct device *d);
void device_share_memory(struct device *d, int among);

/* --- buffers. Sizes in bytes. Every buffer is zero when new, so that memory that cannot be had is refused here. */
struct buffer;
/* Errors: DEVICE_MEM (what, asked, limit). Owns: buffer_free(). */
WUR enum err_code buffer_new(struct buffer **out, struct device *d, size_t bytes, const char *what, struct err *e);
void buffer_free(struct buffer *b);
size_t buffer_bytes(const struct buffer *b);
/* Blocking copies, ordered after everything queued before. Errors: CL. */
WUR enum err_code buffer_write(struct buffer *b, size_t offset, const void *p, size_t n, struct err *e);
WUR enum err_code buffer_read(const struct buffer *b, size_t offset, void *p, size_t n, struct err *e);
/* Queued fill with zero bytes; offset and n are multiples of 4. */
WUR enum err_code buffer_zero(struct buffer *b, size_t offset, size_t n, struct err *e);

/* --- launches. A launch is a kernel with its arguments bound: one per call site, reused for every step. */
struct launch;
/* Errors: CL (no such kernel). Owns: launch_free(). Buffers bound to it are borrowed. */
WUR enum err_code launch_new(struct launch **out, struct device *d, const char *kernel, struct err *e);
void launch_free(struct launch *l);
void launch_buffer(struct launch *l, int arg, const struct buffer *b); /* NULL binds a null pointer */
void launch_int(struct launch *l, int arg, int v);
void launch_uint(struct launch *l, int arg, unsigned v);
void launch_float(struct launch *l, int arg, float v);
void launch_bytes(struct launch *l, int arg, const void *p, size_t n); /* a struct by value */
void launch_local(struct launch *l, int arg, size_t bytes);
/* Queues it, in order. local all 0: the driver chooses. A bad argument shows here. Errors: CL, DEVICE_LOST as CL. */
WUR enum err_code launch_run(struct launch *l, const size_t global[3], const size_t local[3], struct err *e);

/* Starts what is queued without waiting; waits for all of it (sleeping, not spinning, on drivers that spin). */
void device_flush(struct device *d);
WUR enum err_code device_finish(struct device *d, struct err *e);
/* Share of the time since the last call in which the queue held work of ours, by the times of events, 0..1; NaN: the
 * driver gives none. Waits for what is queued. */
double device_busy(struct device *d);

/* C = op(A) op(B) through CLBlast, for GPUs and as a second opinion. Row-major; offsets and strides in floats.
 * Errors: CL. */
struct gemm {
    bool trans_a, trans_b;
    size_t m, n, k;
    const struct buffer *a, *b;
    struct buffer *c;
    size_t a_off, lda, b_off, ldb, c_off, ldc;
};
/* What CLBlast needs besides for such a product; device_gemm() keeps the largest so far as one buffer. Buffers may be NULL. */
WUR enum err_code device_gemm_temp(size_t *bytes, struct device *d, const struct gemm *g, struct err *e);
size_t device_gemm_temp_held(const struct device *d); /* bytes of that buffer */
WUR enum err_code device_gemm(struct device *d, const struct gemm *g, struct err *e);

/* Hash of all kernel sources and build options: part of the self-test's key. */
uint64_t device_source_hash(const struct device *d);

#endif
