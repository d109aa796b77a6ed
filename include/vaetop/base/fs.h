/* Files and folders: bounded reads, durable writes, locks. All descriptors are close-on-exec. */
#ifndef VAETOP_BASE_FS_H
#define VAETOP_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"

/* Creates path and its parents, mode 0700. Fine if it is there already. Errors: IO. */
WUR enum err_code fs_mkdirs(const char *path, struct err *e);

/* Whole regular file of at most cap bytes, NUL-terminated beyond *len. Owns: caller frees *out.
 * Errors: NOTFOUND (no such file), IO (not a regular file, larger than cap, unreadable). */
WUR enum err_code fs_read(char **out, size_t *len, const char *path, size_t cap, struct err *e);

/* The file's first line, cleaned for a terminal and cut to fit; "" where it cannot be read. */
const char *fs_line(char *out, size_t cap, const char *path);

/* Replaces path by the bytes: temporary file beside it, fsync, rename, fsync of the folder; mode 0600.
 * On any error the old file is untouched and no temporary file is left. Errors: FULL, IO. */
WUR enum err_code fs_write(const char *path, const void *bytes, size_t len, struct err *e);

/* fsync of a folder, so that a rename in it survives a power cut. Errors: IO. */
WUR enum err_code fs_sync_dir(const char *path, struct err *e);

/* Removes a folder and all below it; follows no links. Fine if absent. Errors: IO. */
WUR enum err_code fs_remove_tree(const char *path, struct err *e);

/* Bytes on disk below path (st_blocks). 0 if absent. */
uint64_t fs_tree_bytes(const char *path);

bool fs_exists(const char *path);
bool fs_is_dir(const char *path);

/* True on NFS, Lustre, CIFS and FUSE (statfs): no WAL, no memory maps there. *name gets a static name. */
bool fs_is_network(const char *path, const char **name);

/* Opens (creates, 0600) path and takes an exclusive flock without waiting. *fd holds the lock until closed.
 * Errors: BUSY (someone has it), IO. */
WUR enum err_code fs_lock(int *fd, const char *path, struct err *e);

/* FULL for what errno says of a full disk or quota, else IO. */
enum err_code fs_errno_code(int sys);

/* Makes path a file of n bytes that has its room on the disk (kept if it is there). Errors: FULL, IO; then it is not
 * there. */
WUR enum err_code fs_reserve(const char *path, size_t n, struct err *e);

/* a "/" b. Owns: caller frees. */
char *fs_join(const char *a, const char *b);

/* All of it, through EINTR and short counts; -1 with errno on error. */
int fs_write_all(int fd, const void *p, size_t n);

#endif
