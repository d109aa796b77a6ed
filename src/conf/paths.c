#include "vaetop/conf/paths.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"

#define STUDY_NAME_MAX 64

/* The XDG rules: the variable if it is an absolute path, else the default below the home folder. */
static char *xdg(const char *variable, const char *below_home)
{
    const char *value = getenv(variable);
    const char *home = getenv("HOME");
    if (value && value[0] == '/') {
        return fs_join(value, "vaetop");
    }
    if (!home || home[0] != '/') {
        const struct passwd *pw = getpwuid(getuid());
        home = pw && pw->pw_dir && pw->pw_dir[0] == '/' ? pw->pw_dir : "/";
    }
    return xasprintf("%s/%s/vaetop", strcmp(home, "/") == 0 ? "" : home, below_home);
}

char *path_data_home(void)
{
    return xdg("XDG_DATA_HOME", ".local/share");
}

char *path_config_home(void)
{
    return xdg("XDG_CONFIG_HOME", ".config");
}

char *path_cache_home(void)
{
    return xdg("XDG_CACHE_HOME", ".cache");
}

char *path_run_dir(void)
{
    const char *given = getenv("VAETOP_RUN_DIR");
    if (given && given[0] == '/') {
        return xstrdup(given);
    }
    return xasprintf("/tmp/vaetop-%lld", (long long)getuid());
}

/* /tmp belongs to everyone: whoever made the folder first could hold our locks or point them elsewhere. */
enum err_code path_run_dir_check(struct err *e)
{
    struct stat st;
    char shown[256];
    enum err_code rc = ERR_OK;
    char *path = path_run_dir();
    (void)str_clean(shown, sizeof shown, path);
    if (mkdir(path, 0700) != 0 && errno == ENOENT) {
        rc = fs_mkdirs(path, e);
    }
    if (rc) {
        goto out;
    }
    if (lstat(path, &st) != 0) {
        rc = err_set(e, ERR_IO, "%s: %s; device locks live there", shown, strerror(errno));
    } else if (!S_ISDIR(st.st_mode)) {
        rc = err_set(e, ERR_IO, "%s: a folder of yours expected, found a %s; remove it", shown,
                     S_ISLNK(st.st_mode) ? "link" : "file");
    } else if (st.st_uid != getuid()) {
        rc = err_set(e, ERR_IO, "%s: belongs to user %lld, not to you (%lld); ask its owner or root to remove it",
                     shown, (long long)st.st_uid, (long long)getuid());
    } else if (st.st_mode & 077) {
        rc = err_set(e, ERR_IO, "%s: mode %04o lets others in, 0700 expected; chmod 700 or remove it", shown,
                     (unsigned)(st.st_mode & 07777));
    }
out:
    free(path);
    return rc;
}

bool study_name_ok(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > STUDY_NAME_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return false;
    }
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

char *path_study(const char *parent, const char *name)
{
    char *home = parent ? NULL : path_data_home();
    char *path = fs_join(parent ? parent : home, name);
    free(home);
    return path;
}

char *path_checkpoint(const char *study_dir, int trial)
{
    return xasprintf("%s/" STUDY_CHECKPOINTS "/%d.safetensors", study_dir, trial);
}
