#include "owner.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"

static const char *host_name(char *out, size_t cap)
{
    out[0] = '\0';
    (void)gethostname(out, cap - 1);
    out[cap - 1] = '\0';
    return out;
}

enum err_code owner_lock(int *fd, const char *path, struct err *e)
{
    char host[256];
    enum err_code rc = fs_lock(fd, path, e);
    if (rc) {
        return rc;
    }
    char *who = xasprintf("process %d on %s\n", (int)getpid(), host_name(host, sizeof host));
    if (ftruncate(*fd, 0) != 0 || fs_write_all(*fd, who, strlen(who)) != 0) {
        log_warn("%s: cannot say who holds it", path);
    }
    free(who);
    return ERR_OK;
}

bool owner_is_here(const char *path)
{
    char line[400], host[256];
    const char *on = strstr(fs_line(line, sizeof line, path), " on ");
    return !*line || (on && strcmp(on + 4, host_name(host, sizeof host)) == 0);
}
