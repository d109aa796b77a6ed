/* What would end a study behind its owner's back: a logout on hosts where systemd kills what a user leaves behind, and
 * the end of the batch job that it was started in. Read from files, so that no message bus is needed. */
#include <dirent.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "commands.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"

enum { CONF_MOST = 1 << 20 };

/* Below VAETOP_SYSROOT in tests. Owns: caller frees. */
static char *system_path(const char *path)
{
    const char *root = getenv("VAETOP_SYSROOT");
    return xasprintf("%s%s", root ? root : "", path);
}

struct logind {
    bool kills;
    char spared[256]; /* users, with blanks between */
};

/* What a file says last counts. */
static void read_conf(const char *path, struct logind *l)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    char *text = NULL, *rest = NULL;
    size_t n;
    if (fs_read(&text, &n, path, CONF_MOST, NULL)) {
        return;
    }
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char value[16];
        int at = 0;
        if (sscanf(line, " KillUserProcesses = %15s", value) == 1) {
            l->kills = false;
            for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
                l->kills = l->kills || strcasecmp(value, yes[i]) == 0;
            }
        } else if (sscanf(line, " KillExcludeUsers =%n", &at) == 0 && at > 0) {
            (void)str_copy(l->spared, sizeof l->spared, line + at);
        }
    }
    free(text);
}

static int is_conf(const struct dirent *f)
{
    size_t n = strlen(f->d_name);
    return n > 5 && strcmp(f->d_name + n - 5, ".conf") == 0;
}

/* logind.conf(5): the file, then what is dropped in beside it. */
static bool logind_kills(const char *user)
{
    static const char *const place[] = {"/usr/lib/systemd", "/run/systemd", "/etc/systemd"};
    struct logind l = {.spared = "root"}; /* its defaults in Debian; upstream's kill */
    for (size_t i = 0; i < sizeof place / sizeof *place; i++) {
        char *dir = system_path(place[i]);
        char *file = xasprintf("%s/logind.conf", dir);
        char *more = xasprintf("%s/logind.conf.d", dir);
        struct dirent **entry = NULL;
        int n = scandir(more, &entry, is_conf, alphasort);
        read_conf(file, &l);
        for (int j = 0; j < n; j++) {
            char *path = fs_join(more, entry[j]->d_name);
            read_conf(path, &l);
            free(path);
            free(entry[j]);
        }
        free(entry);
        free(more);
        free(file);
        free(dir);
    }
    char *rest = NULL;
    for (char *word = strtok_r(l.spared, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        l.kills = l.kills && strcmp(word, user) != 0;
    }
    return l.kills;
}

static bool lingers(const char *user)
{
    char *name = xasprintf("/var/lib/systemd/linger/%s", user);
    char *path = system_path(name);
    bool yes = fs_exists(path);
    free(path);
    free(name);
    return yes;
}

/* Below a login session, whose end reaches us. What the user's own manager runs outlives it where the user lingers. */
static bool in_session(void)
{
    char *path = system_path("/proc/self/cgroup");
    char text[4096] = "";
    FILE *f = fopen(path, "re");
    if (f) {
        text[fread(text, 1, sizeof text - 1, f)] = '\0';
        (void)fclose(f);
    }
    free(path);
    return strstr(text, "/session-") != NULL;
}

void say_what_ends_it(const char *study)
{
    static const char *const job[][2] = {{"SLURM_JOB_ID", "Slurm"}, {"PBS_JOBID", "PBS"}, {"LSB_JOBID", "LSF"}};
    for (size_t i = 0; i < sizeof job / sizeof *job; i++) {
        char id[64];
        const char *given = getenv(job[i][0]);
        if (given && *given) {
            (void)fprintf(stderr, "vaetop: this is %s job %s: the study stops when the job ends; vaetop resume %s goes on\n",
                          job[i][1], str_clean(id, sizeof id, given), study);
            return;
        }
    }
    const struct passwd *who = getpwuid(geteuid());
    const char *user = who ? who->pw_name : "?";
    if (in_session() && logind_kills(user)) {
        (void)fprintf(stderr, "vaetop: logging out ends the study, because systemd kills what users leave behind here "
                              "(KillUserProcesses); `%ssystemd-run --user --scope vaetop run ...` prevents that\n",
                      lingers(user) ? "" : "loginctl enable-linger; ");
    }
}
