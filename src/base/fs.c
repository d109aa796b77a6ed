#define _GNU_SOURCE /* flock and statfs live behind it */
#include "vaetop/base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

char *fs_join(const char *a, const char *b)
{
    size_t n = strlen(a);
    return xasprintf("%s%s%s", a, n > 0 && a[n - 1] == '/' ? "" : "/", b);
}

int fs_write_all(int fd, const void *p, size_t n)
{
    const char *c = p;
    while (n > 0) {
        ssize_t w = write(fd, c, n);
        if (w < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -1;
        }
        c += w;
        n -= (size_t)w;
    }
    return 0;
}

bool fs_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool fs_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum err_code fs_errno_code(int sys)
{
    return sys == ENOSPC || sys == EDQUOT || sys == EFBIG ? ERR_FULL : ERR_IO;
}

enum err_code fs_reserve(const char *path, size_t n, struct err *e)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int why = fd < 0 || fstat(fd, &st) != 0 ? errno : 0;
    if (!why && (size_t)st.st_size < n) {
        why = posix_fallocate(fd, 0, (off_t)n);
    }
    if (fd >= 0 && close(fd) != 0 && !why) {
        why = errno;
    }
    if (why) {
        (void)unlink(path);
        return err_set(e, fs_errno_code(why), "%s: cannot reserve %zu bytes: %s", path, n, strerror(why));
    }
    return ERR_OK;
}

enum err_code fs_mkdirs(const char *path, struct err *e)
{
    char *p = xstrdup(path);
    enum err_code rc = ERR_OK;
    for (char *s = p + 1;; s++) {
        if (*s == '/' || *s == '\0') {
            char c = *s;
            *s = '\0';
            if (mkdir(p, 0700) != 0 && !(errno == EEXIST && fs_is_dir(p)) && !fs_is_dir(p)) {
                rc = err_set(e, ERR_IO, "%s: cannot make this folder: %s", p, strerror(errno));
                break;
            }
            *s = c;
            if (c == '\0') {
                break;
            }
        }
    }
    free(p);
    return rc;
}

/* Reads n bytes or up to the end; returns the count or -1. */
static ssize_t read_full(int fd, char *p, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = read(fd, p + got, n - got);
        if (r < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -1;
        }
        if (r == 0) {
            break;
        }
        got += (size_t)r;
    }
    return (ssize_t)got;
}

enum err_code fs_read(char **out, size_t *len, const char *path, size_t cap, struct err *e)
{
    struct stat st;
    char *text = NULL;
    ssize_t got;
    enum err_code rc = ERR_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block us */
    if (fd < 0) {
        return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        rc = err_set(e, ERR_IO, "%s: not a regular file", path);
        goto out;
    }
    if ((uint64_t)st.st_size > cap) {
        rc = err_set(e, ERR_IO, "%s: %lld bytes, at most %zu expected", path, (long long)st.st_size, cap);
        goto out;
    }
    text = try_calloc((size_t)st.st_size + 1, 1);
    if (!text) {
        rc = err_set(e, ERR_NOMEM, "%s: no memory for %lld bytes", path, (long long)st.st_size);
        goto out;
    }
    got = read_full(fd, text, (size_t)st.st_size);
    if (got < 0) {
        rc = err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
        goto out;
    }
    text[got] = '\0';
    *out = text;
    *len = (size_t)got;
    text = NULL;
out:
    free(text);
    (void)close(fd);
    return rc;
}

const char *fs_line(char *out, size_t cap, const char *path)
{
    char text[512] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        const ssize_t got = read_full(fd, text, sizeof text - 1); /* in /proc a file tells no size */
        text[got > 0 ? got : 0] = '\0';
        text[strcspn(text, "\n")] = '\0';
        (void)close(fd);
    }
    return str_clean(out, cap, text);
}

/* The folder part of a path. Owns: caller frees. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return xstrdup(".");
    }
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

enum err_code fs_sync_dir(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err_code rc = ERR_OK;
    /* EINVAL: this filesystem has no fsync for folders; then rename is all there is. */
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL)) {
        rc = err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return rc;
}

enum err_code fs_write(const char *path, const void *bytes, size_t len, struct err *e)
{
    char *tmp = xasprintf("%s.tmp%d", path, (int)getpid());
    char *dir = folder_of(path);
    enum err_code rc = ERR_OK;
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool bad = fd < 0 || fs_write_all(fd, bytes, len) != 0 || fsync(fd) != 0;
    if (fd >= 0 && close(fd) != 0) {
        bad = true;
    }
    if (bad || rename(tmp, path) != 0) {
        rc = err_set(e, fs_errno_code(errno), "%s: cannot write: %s", path, strerror(errno));
        (void)unlink(tmp);
    } else {
        rc = fs_sync_dir(dir, e);
    }
    free(tmp);
    free(dir);
    return rc;
}

/* Removes what is in the folder behind fd (closes it). */
static int remove_below(int dir_fd)
{
    DIR *d = fdopendir(dir_fd);
    struct dirent *entry;
    int bad = 0;
    if (!d) {
        (void)close(dir_fd);
        return -1;
    }
    while ((entry = readdir(d)) != NULL) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
            int sub = openat(dirfd(d), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            bad |= sub < 0 || remove_below(sub) != 0;
            bad |= unlinkat(dirfd(d), entry->d_name, AT_REMOVEDIR) != 0;
        } else {
            bad |= unlinkat(dirfd(d), entry->d_name, 0) != 0 && errno != ENOENT;
        }
    }
    (void)closedir(d);
    return bad ? -1 : 0;
}

enum err_code fs_remove_tree(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return ERR_OK;
    }
    if (fd < 0 || remove_below(fd) != 0 || rmdir(path) != 0) {
        return err_set(e, ERR_IO, "%s: cannot remove: %s", path, strerror(errno));
    }
    return ERR_OK;
}

static uint64_t bytes_below(int dir_fd)
{
    DIR *d = fdopendir(dir_fd);
    struct dirent *entry;
    uint64_t sum = 0;
    if (!d) {
        (void)close(dir_fd);
        return 0;
    }
    while ((entry = readdir(d)) != NULL) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        sum += (uint64_t)st.st_blocks * 512;
        if (S_ISDIR(st.st_mode)) {
            int sub = openat(dirfd(d), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            sum += sub >= 0 ? bytes_below(sub) : 0;
        }
    }
    (void)closedir(d);
    return sum;
}

uint64_t fs_tree_bytes(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 ? bytes_below(fd) : 0;
}

bool fs_is_network(const char *path, const char **name)
{
    /* Magic numbers: statfs(2). */
    static const struct {
        uint32_t magic;
        const char *name;
    } known[] = {{0x6969, "NFS"}, {0x0BD00BD3, "Lustre"}, {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB"},
                 {0x65735546, "FUSE"}, {0x47504653, "GPFS"}, {0x19830326, "BeeGFS"}, {0x00C36400, "Ceph"}};
    struct statfs st;
    if (statfs(path, &st) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if ((uint32_t)st.f_type == known[i].magic) {
            *name = known[i].name;
            return true;
        }
    }
    return false;
}

enum err_code fs_lock(int *fd, const char *path, struct err *e)
{
    int f = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f < 0) {
        return err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (flock(f, LOCK_EX | LOCK_NB) != 0) {
        enum err_code rc = errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
        (void)err_set(e, rc, "%s: %s", path, rc == ERR_BUSY ? "locked by another process" : strerror(errno));
        (void)close(f);
        return rc;
    }
    *fd = f;
    return ERR_OK;
}
