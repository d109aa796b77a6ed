/* LD_PRELOAD'ed into a program under test: makes chosen calls on files below one folder fail, or ends the process.
 *
 *   VAETOP_FAULT_DIR    only files whose path begins with it count; nothing happens without it
 *   VAETOP_FAULT        CALLS:N:HOW. CALLS: open,write,sync,rename,link,unlink,close,truncate, comma-separated, or all
 *                       of those; fork, which is of no file.
 *                       N: the N-th such call counted from 1; 0: every one. HOW:
 *                         EIO, ENOSPC, EROFS, ...  the call fails with it (a write puts nothing down)
 *                         exit   the process ends before the call
 *                         torn   the same, but a write puts half of its bytes down first
 *                         kill   as torn, but by SIGKILL, as from outside
 *                         lost   ends before the call, and all that was not synced is undone: file contents go back to
 *                                their last fsync, names to the last fsync of their folder, as after a power cut
 *   VAETOP_FAULT_WHILE  a file: the fault is there only while it exists
 *   VAETOP_FAULT_QUOTA  a file with a number: the bytes that all files below the folder may have together, as on a small
 *                       disk (ENOSPC where one would grow beyond); no limit while it does not exist
 *   VAETOP_FAULT_MARK   a file made when the fault strikes
 *   VAETOP_FAULT_FAST   no real sync at all: what is tested here does not depend on it, and it is most of the time
 *   VAETOP_FAULT_CLOCK  a file with a number: seconds that the wall clock is wrong; the monotonic one is not touched
 *   VAETOP_FAULT_FS     the type, in hexadecimal, of the file system below the folder, for statfs
 *   VAETOP_FAULT_HOST   the name of this host
 *   VAETOP_FAULT_ALONE  no local socket can be connected to, as from another host
 *   VAETOP_FAULT_SHADOW an empty folder on the same file system, for `lost` */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define EXIT_STATUS 41

enum call { C_OPEN, C_WRITE, C_SYNC, C_RENAME, C_LINK, C_UNLINK, C_CLOSE, C_TRUNCATE, C_FORK, C_COUNT };
static const char *const call_word[C_COUNT] = {"open", "write",  "sync",  "rename",
                                              "link", "unlink", "close", "truncate", "fork"};

enum how { H_ERRNO, H_EXIT, H_TORN, H_KILL, H_LOST };
static const char *const how_word[] = {[H_EXIT] = "exit", [H_TORN] = "torn", [H_KILL] = "kill", [H_LOST] = "lost"};

static struct {
    bool ready, on, fast, calls[C_COUNT];
    char dir[PATH_MAX];
    size_t dir_len;
    long n, count;
    enum how how;
    int error;
    const char *mark, *only_while, *shadow, *quota;
} f;

/* Which libc function, found once. */
#define REAL(type, name, ...)                                \
    static type (*real)(__VA_ARGS__);                        \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

static int error_number(const char *word)
{
    static const struct {
        const char *word;
        int value;
    } known[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS}, {"EACCES", EACCES},
                 {"EMFILE", EMFILE}, {"EPERM", EPERM}, {"EAGAIN", EAGAIN}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(word, known[i].word) == 0) {
            return known[i].value;
        }
    }
    return EIO;
}

static void read_plan(const char *plan)
{
    char text[256];
    snprintf(text, sizeof text, "%s", plan);
    char *calls = strtok(text, ":"), *n = strtok(NULL, ":"), *how = strtok(NULL, ":");
    if (!calls || !n || !how) {
        return;
    }
    f.n = atol(n);
    f.how = H_ERRNO;
    for (int h = H_EXIT; h <= H_LOST; h++) {
        f.how = strcmp(how, how_word[h]) == 0 ? (enum how)h : f.how;
    }
    f.error = error_number(how);
    for (char *w = strtok(calls, ","); w; w = strtok(NULL, ",")) {
        for (int c = 0; c < C_COUNT; c++) {
            f.calls[c] |= strcmp(w, call_word[c]) == 0 || (strcmp(w, "all") == 0 && c != C_FORK);
        }
    }
    f.on = true;
}

static bool active(void)
{
    if (!f.ready) {
        f.ready = true;
        f.fast = getenv("VAETOP_FAULT_FAST") != NULL;
        const char *dir = getenv("VAETOP_FAULT_DIR"), *plan = getenv("VAETOP_FAULT");
        f.quota = dir ? getenv("VAETOP_FAULT_QUOTA") : NULL;
        if (dir && *dir && (plan || f.quota)) {
            snprintf(f.dir, sizeof f.dir, "%s", dir);
            f.dir_len = strlen(f.dir);
            f.mark = getenv("VAETOP_FAULT_MARK");
            f.only_while = getenv("VAETOP_FAULT_WHILE");
            f.shadow = getenv("VAETOP_FAULT_SHADOW");
            read_plan(plan ? plan : "");
            f.on = true;
        }
    }
    return f.on;
}

static bool below(const char *path)
{
    return strncmp(path, f.dir, f.dir_len) == 0;
}

/* The path behind a descriptor, if it lies below the folder. */
static bool path_of(int fd, char out[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    if (n <= 0) {
        return false;
    }
    out[n] = '\0';
    return below(out);
}

/* --- a small disk */

static off_t bytes_below(const char *dir)
{
    DIR *d = opendir(dir);
    off_t sum = 0;
    for (const struct dirent *entry = d ? readdir(d) : NULL; entry; entry = readdir(d)) {
        char path[PATH_MAX];
        struct stat st;
        if (entry->d_name[0] == '.' && (!entry->d_name[1] || entry->d_name[1] == '.')) {
            continue;
        }
        if (snprintf(path, sizeof path, "%s/%s", dir, entry->d_name) < (int)sizeof path && lstat(path, &st) == 0) {
            sum += S_ISDIR(st.st_mode) ? bytes_below(path) : st.st_size;
        }
    }
    if (d) closedir(d);
    return sum;
}

/* True when the file behind fd may not become `end` bytes long. */
static bool no_room(int fd, off_t end)
{
    struct stat st;
    char path[PATH_MAX], text[32] = "";
    if (!f.quota || !path_of(fd, path) || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || end <= st.st_size) {
        return false;
    }
    int q = (int)syscall(SYS_openat, AT_FDCWD, f.quota, O_RDONLY | O_CLOEXEC);
    if (q < 0) {
        return false;
    }
    ssize_t n = syscall(SYS_read, q, text, sizeof text - 1);
    syscall(SYS_close, q);
    errno = ENOSPC;
    return n > 0 && bytes_below(f.dir) + end - st.st_size > atol(text);
}

static off_t end_of_write(int fd, size_t n)
{
    struct stat st;
    bool appends = fcntl(fd, F_GETFL) & O_APPEND;
    return (off_t)n + (appends && fstat(fd, &st) == 0 ? st.st_size : lseek(fd, 0, SEEK_CUR));
}

/* --- what a power cut would take */

struct image { /* content of a file at its last sync */
    dev_t dev;
    ino_t ino;
    char *bytes;
    size_t n;
    char path[PATH_MAX]; /* its newest name */
};
static struct image image[256];
static int n_images;

enum undo { U_NEW, U_MOVED, U_REMOVED }; /* path was made; from was moved to path; path was removed */
static struct {
    enum undo kind;
    char path[PATH_MAX], from[PATH_MAX], saved[PATH_MAX]; /* saved: a name for what path was before */
} undo[256];
static int n_undo, serial;

static bool shared_memory(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, "-shm") == 0; /* SQLite's index of the WAL: made anew after a power cut */
}

static struct image *image_of(int fd, const char *path, bool fresh)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || shared_memory(path)) {
        return NULL;
    }
    for (int i = 0; i < n_images; i++) {
        if (image[i].ino == st.st_ino && image[i].dev == st.st_dev) {
            return &image[i];
        }
    }
    if (n_images == 256) {
        return NULL;
    }
    struct image *m = &image[n_images++];
    *m = (struct image){.dev = st.st_dev, .ino = st.st_ino};
    snprintf(m->path, sizeof m->path, "%s", path);
    if (!fresh) { /* it was there before us: all of it is on the disk */
        m->bytes = malloc((size_t)st.st_size + 1);
        int r = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        m->n = (size_t)syscall(SYS_pread64, r, m->bytes, (size_t)st.st_size, 0L);
        syscall(SYS_close, r);
    }
    return m;
}

static void synced(int fd, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return;
    }
    if (S_ISDIR(st.st_mode)) { /* the names in it are safe now */
        int kept = 0;
        size_t n = strlen(path);
        for (int i = 0; i < n_undo; i++) {
            if (strncmp(undo[i].path, path, n) != 0 || strchr(undo[i].path + n + 1, '/')) {
                if (kept != i) undo[kept] = undo[i];
                kept++;
            }
        }
        n_undo = kept;
        return;
    }
    struct image *m = image_of(fd, path, false);
    if (m) {
        free(m->bytes);
        m->bytes = malloc((size_t)st.st_size + 1);
        int r = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        m->n = (size_t)syscall(SYS_pread64, r, m->bytes, (size_t)st.st_size, 0L);
        syscall(SYS_close, r);
    }
}

/* A name is about to change. A second link keeps what the path was. */
static void note(enum undo kind, const char *path, const char *from)
{
    if (f.how != H_LOST || !f.shadow || n_undo == 256 || shared_memory(path)) {
        return;
    }
    snprintf(undo[n_undo].path, PATH_MAX, "%s", path);
    snprintf(undo[n_undo].from, PATH_MAX, "%s", from ? from : "");
    snprintf(undo[n_undo].saved, PATH_MAX, "%s/%d-%d", f.shadow, (int)getpid(), serial++);
    undo[n_undo].kind = kind;
    if (kind == U_NEW || syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, undo[n_undo].saved, 0) != 0) {
        undo[n_undo].saved[0] = '\0';
    }
    n_undo++;
}

static void power_cut(void)
{
    for (int i = 0; i < n_images; i++) {
        struct stat st;
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s", image[i].path);
        if (stat(path, &st) != 0 || st.st_ino != image[i].ino) { /* renamed since */
            bool found = false;
            for (int u = 0; u < n_undo && !found; u++) {
                snprintf(path, sizeof path, "%s", undo[u].path);
                found = stat(path, &st) == 0 && st.st_ino == image[i].ino;
            }
            if (!found) {
                continue;
            }
        }
        int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
        syscall(SYS_ftruncate, fd, 0L);
        if (image[i].n > 0) {
            syscall(SYS_pwrite64, fd, image[i].bytes, image[i].n, 0L);
        }
        syscall(SYS_close, fd);
    }
    for (int i = n_undo; i-- > 0;) {
        if (undo[i].kind == U_MOVED) {
            syscall(SYS_renameat, AT_FDCWD, undo[i].path, AT_FDCWD, undo[i].from);
        } else if (undo[i].kind == U_NEW) {
            syscall(SYS_unlinkat, AT_FDCWD, undo[i].path, 0);
        }
        if (undo[i].saved[0]) {
            syscall(SYS_renameat, AT_FDCWD, undo[i].saved, AT_FDCWD, undo[i].path);
        }
    }
}

/* --- striking */

/* Counts the call; true when it is to fail with f.error. fd, p, n: of a write. */
static bool strikes(enum call c, int fd, const void *p, size_t n)
{
    if (!f.calls[c] || (f.only_while && access(f.only_while, F_OK) != 0)) {
        return false;
    }
    f.count++;
    if (f.n != 0 && f.count != f.n) {
        return false;
    }
    if (f.mark) {
        syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, f.mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    }
    if (f.how == H_ERRNO) {
        errno = f.error;
        return true;
    }
    if ((f.how == H_TORN || f.how == H_KILL) && p) {
        syscall(SYS_write, fd, p, n / 2);
    }
    if (f.how == H_LOST) {
        power_cut();
    }
    if (f.how == H_KILL) {
        kill(getpid(), SIGKILL);
    }
    syscall(SYS_exit_group, EXIT_STATUS);
    return true;
}

static int open_any(const char *path, int flags, mode_t mode, int (*real)(const char *, int, ...))
{
    bool ours = active() && below(path);
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (ours && writes && strikes(C_OPEN, -1, NULL, 0)) {
        return -1;
    }
    bool fresh = ours && writes && access(path, F_OK) != 0;
    int fd = real(path, flags, mode);
    if (ours && writes && fd >= 0 && f.how == H_LOST) {
        if (fresh) {
            note(U_NEW, path, NULL);
        }
        (void)image_of(fd, path, fresh || (flags & O_TRUNC));
    }
    return fd;
}

#define OPEN(name)                                       \
    int name(const char *path, int flags, ...)           \
    {                                                    \
        REAL(int, name, const char *, int, ...);         \
        va_list ap;                                      \
        va_start(ap, flags);                             \
        mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0; \
        va_end(ap);                                      \
        return open_any(path, flags, mode, real);        \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *p, size_t n)
{
    REAL(ssize_t, write, int, const void *, size_t);
    char path[PATH_MAX];
    if (active() && ((path_of(fd, path) && strikes(C_WRITE, fd, p, n)) || no_room(fd, end_of_write(fd, n)))) {
        return -1;
    }
    return real(fd, p, n);
}

#define FALLOCATE(name)                                                          \
    int name(int fd, off_t at, off_t n)                                          \
    {                                                                            \
        REAL(int, name, int, off_t, off_t);                                      \
        char path[PATH_MAX];                                                     \
        if (active() && path_of(fd, path) && strikes(C_WRITE, fd, NULL, 0)) return errno; \
        return active() && no_room(fd, at + n) ? ENOSPC : real(fd, at, n);       \
    }
FALLOCATE(posix_fallocate)
FALLOCATE(posix_fallocate64)

/* Half of a torn write lands where it was meant to. */
static bool strikes_at(int fd, const void *p, size_t n, off_t at)
{
    char path[PATH_MAX];
    if (!active() || !path_of(fd, path)) {
        return false;
    }
    if (f.how == H_TORN && f.calls[C_WRITE] && f.count + 1 == f.n) {
        syscall(SYS_pwrite64, fd, p, n / 2, at);
    }
    return strikes(C_WRITE, fd, NULL, 0);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    return strikes_at(fd, p, n, at) || (active() && no_room(fd, at + (off_t)n)) ? -1 : real(fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
    return strikes_at(fd, p, n, at) || (active() && no_room(fd, at + (off_t)n)) ? -1 : real(fd, p, n, at);
}

#define SYNC(name)                                                 \
    int name(int fd)                                               \
    {                                                              \
        REAL(int, name, int);                                      \
        char path[PATH_MAX];                                       \
        if (active() && path_of(fd, path)) {                       \
            if (strikes(C_SYNC, fd, NULL, 0)) return -1;           \
            if (f.how == H_LOST) synced(fd, path);                 \
        }                                                          \
        return f.fast ? 0 : real(fd);                              \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name)                                                                        \
    int name(int fd, off_t n)                                                                 \
    {                                                                                         \
        REAL(int, name, int, off_t);                                                          \
        char path[PATH_MAX];                                                                  \
        if (active() && ((path_of(fd, path) && strikes(C_TRUNCATE, fd, NULL, 0)) || no_room(fd, n))) return -1; \
        return real(fd, n);                                                                   \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

int close(int fd)
{
    REAL(int, close, int);
    char path[PATH_MAX];
    if (active() && f.calls[C_CLOSE] && path_of(fd, path) && strikes(C_CLOSE, fd, NULL, 0)) {
        int why = errno;
        (void)real(fd); /* Linux closes it whatever it answers */
        errno = why;
        return -1;
    }
    return real(fd);
}

int rename(const char *from, const char *to)
{
    REAL(int, rename, const char *, const char *);
    if (active() && below(to)) {
        if (strikes(C_RENAME, -1, NULL, 0)) {
            return -1;
        }
        note(U_MOVED, to, from);
    }
    return real(from, to);
}

int link(const char *from, const char *to)
{
    REAL(int, link, const char *, const char *);
    if (active() && below(to)) {
        if (strikes(C_LINK, -1, NULL, 0)) {
            return -1;
        }
        note(U_NEW, to, NULL);
    }
    return real(from, to);
}

int unlink(const char *path)
{
    REAL(int, unlink, const char *);
    if (active() && below(path)) {
        if (strikes(C_UNLINK, -1, NULL, 0)) {
            return -1;
        }
        note(U_REMOVED, path, NULL);
    }
    return real(path);
}

pid_t fork(void)
{
    REAL(pid_t, fork, void);
    return active() && strikes(C_FORK, -1, NULL, 0) ? -1 : real();
}

/* --- another time and place */

int clock_gettime(clockid_t id, struct timespec *t)
{
    long rc = syscall(SYS_clock_gettime, id, t);
    const char *path = rc == 0 && id == CLOCK_REALTIME ? getenv("VAETOP_FAULT_CLOCK") : NULL;
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        char text[32] = "";
        if (syscall(SYS_read, fd, text, sizeof text - 1) > 0) t->tv_sec += atol(text);
        syscall(SYS_close, fd);
    }
    return (int)rc;
}

int statfs(const char *path, struct statfs *st)
{
    REAL(int, statfs, const char *, struct statfs *);
    const char *type = getenv("VAETOP_FAULT_FS"), *dir = getenv("VAETOP_FAULT_DIR");
    int rc = real(path, st);
    if (rc == 0 && type && dir && strncmp(path, dir, strlen(dir)) == 0) {
        st->f_type = (__typeof__(st->f_type))strtol(type, NULL, 16);
    }
    return rc;
}

int gethostname(char *out, size_t n)
{
    REAL(int, gethostname, char *, size_t);
    const char *name = getenv("VAETOP_FAULT_HOST");
    return name ? snprintf(out, n, "%s", name) < 0 : real(out, n);
}

int connect(int fd, __CONST_SOCKADDR_ARG a, socklen_t n)
{
    REAL(int, connect, int, __CONST_SOCKADDR_ARG, socklen_t);
    if (getenv("VAETOP_FAULT_ALONE") && a.__sockaddr__->sa_family == AF_UNIX) {
        errno = ECONNREFUSED;
        return -1;
    }
    return real(fd, a, n);
}
