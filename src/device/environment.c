#include "device_private.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/conf/paths.h"

#define MAPPED_FROM (1 << 20)

/* A folder that is ours alone: PoCL loads and runs the code it finds there. */
static bool private_folder(const char *path)
{
    struct err e;
    struct stat st;
    if (fs_mkdirs(path, &e)) {
        log_warn("PoCL's cache: %s", e.text);
        return false;
    }
    if (lstat(path, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid()) {
        log_warn("PoCL's cache: %s is not a folder of this user", path);
        return false;
    }
    if ((st.st_mode & 077) != 0 && chmod(path, 0700)) {
        log_warn("PoCL's cache: %s can be written by others", path);
        return false;
    }
    return true;
}

void device_environment(void)
{
    static bool done;
    if (done) {
        return;
    }
    done = true;
    /* A CPU driver's buffers come from malloc(): each on pages of its own, which go back when it is freed. glibc would
     * raise the threshold by itself and keep the holes that growing packs leave. */
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    const char *given = getenv("POCL_CACHE_DIR");
    if (given && given[0]) {
        return;
    }
    char *home = path_cache_home();
    char *dir = fs_join(home, "pocl");
    if (private_folder(dir)) {
        (void)setenv("POCL_CACHE_DIR", dir, 1);
    } else {
        (void)setenv("POCL_KERNEL_CACHE", "0", 1);
    }
    free(dir);
    free(home);
}
