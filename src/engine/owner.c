#include "owner.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"

/* The one before may be on its way out, or another command has the study for a moment (a check, a change). */
#define WAIT_NS INT64_C(2000000000)

enum err_code owner_lock(int *fd, const char *path, struct err *e)
{
    char host[256] = "";
    const int64_t deadline = clock_mono_ns() + WAIT_NS;
    enum err_code rc;
    while ((rc = fs_lock(fd, path, e)) == ERR_BUSY && clock_mono_ns() < deadline) {
        (void)poll(NULL, 0, 20);
    }
    if (rc) {
        *fd = -1;
        return rc;
    }
    (void)gethostname(host, sizeof host - 1);
    char *who = xasprintf("process %d on %s\n", (int)getpid(), host);
    if (ftruncate(*fd, 0) != 0 || fs_write_all(*fd, who, strlen(who)) != 0) {
        log_warn("%s: cannot say who holds it", path);
    }
    free(who);
    return ERR_OK;
}
