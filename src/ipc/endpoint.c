#define _GNU_SOURCE /* struct ucred, accept4 */
#include "vaetop/ipc/endpoint.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

char *endpoint_name(const char *study_dir)
{
    struct stat st;
    if (stat(study_dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return NULL;
    }
    return xasprintf("vaetop-%u-%llx-%llx", (unsigned)geteuid(), (unsigned long long)st.st_dev,
                     (unsigned long long)st.st_ino);
}

static enum err_code address(struct sockaddr_un *a, socklen_t *len, enum endpoint who, const char *study_dir,
                             struct err *e)
{
    char *study = endpoint_name(study_dir);
    if (!study) {
        return err_set(e, ERR_NOTFOUND, "%s: %s", study_dir, strerror(errno));
    }
    char *name = xasprintf("%s%s", study, who == ENDPOINT_SUPERVISOR ? "-supervisor" : "");
    free(study);
    memset(a, 0, sizeof *a);
    a->sun_family = AF_UNIX; /* sun_path[0] stays 0: an abstract name */
    (void)str_copy(a->sun_path + 1, sizeof a->sun_path - 1, name);
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    free(name);
    return ERR_OK;
}

static int same_user(int fd)
{
    struct ucred who;
    socklen_t n = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 && who.uid == geteuid();
}

enum err_code endpoint_listen(int *fd, enum endpoint who, const char *study_dir, struct err *e)
{
    struct sockaddr_un a;
    socklen_t len = 0;
    enum err_code rc = address(&a, &len, who, study_dir, e);
    if (rc) {
        return rc;
    }
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0) {
        return err_set(e, ERR_IO, "socket: %s", strerror(errno));
    }
    if (bind(s, (const struct sockaddr *)&a, len) != 0 || listen(s, 64) != 0) {
        rc = err_set(e, errno == EADDRINUSE ? ERR_BUSY : ERR_IO, "the study's socket %s: %s", a.sun_path + 1,
                     strerror(errno));
        (void)close(s);
        return rc;
    }
    *fd = s;
    return ERR_OK;
}

enum err_code endpoint_connect(int *fd, enum endpoint who, const char *study_dir, struct err *e)
{
    struct sockaddr_un a;
    socklen_t len = 0;
    enum err_code rc = address(&a, &len, who, study_dir, e);
    if (rc) {
        return rc;
    }
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0) {
        return err_set(e, ERR_IO, "socket: %s", strerror(errno));
    }
    int r;
    do {
        r = connect(s, (const struct sockaddr *)&a, len);
    } while (r != 0 && errno == EINTR);
    if (r != 0) {
        rc = err_set(e, errno == ECONNREFUSED || errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "%s: no engine answers: %s",
                     study_dir, strerror(errno));
    } else if (!same_user(s)) {
        rc = err_set(e, ERR_BUSY, "%s: another user's process listens under this study's name", study_dir);
    }
    if (rc) {
        (void)close(s);
        return rc;
    }
    *fd = s;
    return ERR_OK;
}

int endpoint_accept(int listen_fd, int *again)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    *again = fd >= 0 || errno == EINTR || errno == ECONNABORTED;
    if (fd >= 0 && !same_user(fd)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}
