/* Commands that tell a running engine something: stop, pause, resume, set; and rm. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/conf/paths.h"
#include "vaetop/ipc/client.h"

/* Longer than a driver's watchdog lets a checkpoint take. */
#define ENDING_NS INT64_C(120000000000)

enum err_code tell(const struct options *o, enum command to_study, enum command to_trial, const char *arg, struct err *e)
{
    struct study s;
    struct client *client = NULL;
    const struct trial_row *t = NULL;
    char *reply = NULL;
    enum err_code rc = study_open(&s, o, o->arg[0], e);
    if (rc) {
        return rc;
    }
    if (o->trial) {
        rc = study_trial(&t, &s, o->trial, e);
    }
    if (!rc) {
        rc = client_connect(&client, s.dir, e);
        if (rc == ERR_NOTFOUND) {
            rc = err_set(e, rc, "%s: no engine runs it; vaetop resume %s starts one", s.name, s.name);
        }
    }
    if (!rc) {
        rc = client_command(client, t ? to_trial : to_study, t ? t->number : -1, arg, &reply, e);
    }
    if (!rc && reply && *reply && !o->quiet) {
        (void)printf("%s\n", reply);
    }
    free(reply);
    client_free(client);
    study_close(&s);
    return rc;
}

enum err_code stop_command(const struct options *o, struct err *e)
{
    return tell(o, COMMAND_SHUTDOWN, COMMAND_STOP_NOW, "", e);
}

enum err_code pause_command(const struct options *o, struct err *e)
{
    return tell(o, COMMAND_PAUSE, COMMAND_PAUSE, "", e);
}

enum err_code set_command(const struct options *o, struct err *e)
{
    if (o->trials || o->slots) {
        return o->trial || o->n_args > 1 ? err_set(e, ERR_USAGE, "set: either --trials and --slots, or --trial N K=V")
                                         : set_numbers(o, e);
    }
    if (!o->trial || o->n_args < 2) {
        return err_set(e, ERR_USAGE, "set: --trial N K=V changes a running trial; --trials N and --slots N the study");
    }
    return tell(o, COMMAND_EDIT, COMMAND_EDIT, o->arg[1], e);
}

enum err_code resume_engine(struct client **out, char **reply, const char *dir, const struct options *o, struct err *e)
{
    const int64_t deadline = clock_mono_ns() + ENDING_NS;
    bool ending = false, anew, again;
    enum err_code rc;
    do {
        client_free(*out);
        *out = NULL;
        rc = client_connect(out, dir, e);
        anew = rc == ERR_NOTFOUND;
        rc = anew ? client_start(out, dir, o->device, e) : rc;
        const bool there = rc == ERR_OK;
        rc = rc ? rc : client_command(*out, COMMAND_RESUME, -1, "", reply, e);
        if (there && rc == ERR_BUSY && !ending && !o->quiet) {
            (void)fprintf(stderr, "vaetop: the study is ending; it goes on when its trials have written their checkpoints\n");
        }
        ending = ending || (there && rc == ERR_BUSY);
        again = ending && rc && clock_mono_ns() < deadline;
        if (again) {
            (void)poll(NULL, 0, 50);
        }
    } while (again);
    if (anew && !rc && reply) {
        free(*reply);
        *reply = NULL;
    }
    return rc;
}

/* A study whose engine is gone is resumed by starting one. */
enum err_code resume_command(const struct options *o, struct err *e)
{
    struct study s;
    struct client *client = NULL;
    char *reply = NULL;
    enum err_code rc = o->trial && o->device ? tell(o, COMMAND_DEVICE_ONLY, COMMAND_DEVICE_ONLY, o->device, e) : ERR_OK;
    if (o->trial || rc) {
        return rc ? rc : tell(o, COMMAND_RESUME, COMMAND_RESUME, "", e);
    }
    rc = study_open(&s, o, o->arg[0], e);
    if (rc) {
        return rc;
    }
    if (!s.live && study_finished(&s)) {
        (void)printf("%s is finished; vaetop run with more --trials extends it\n", s.name);
        study_close(&s);
        return ERR_OK;
    }
    rc = resume_engine(&client, &reply, s.dir, o, e);
    if (!rc && s.live && o->device) {
        rc = client_command(client, COMMAND_DEVICE_ONLY, -1, o->device, NULL, e);
    }
    if (!rc && !o->quiet && s.live && reply) {
        (void)printf("%s\n", reply);
    } else if (!rc && !o->quiet) {
        (void)printf("%s goes on; vaetop attach %s shows it\n", s.name, s.name);
    }
    free(reply);
    client_free(client);
    study_close(&s);
    return rc;
}

/* On a terminal the person confirms, by name and size. */
static bool confirmed(const char *name, const char *dir)
{
    char disk[32];
    char line[16] = "";
    if (!isatty(0) || !isatty(1)) {
        return true;
    }
    (void)printf("remove study %s with all its trials and weights, %s? [y/N] ", name,
                 str_bytes(disk, sizeof disk, fs_tree_bytes(dir)));
    (void)fflush(stdout);
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

enum err_code rm_command(const struct options *o, struct err *e)
{
    struct study s;
    char *parent = studies_dir(o);
    char *dir = NULL;
    char *lock = NULL;
    int fd = -1;
    /* A damaged study must be removable too: only its existence is asked for. */
    enum err_code rc = study_open(&s, o, o->arg[0], e);
    if (rc == ERR_NOTFOUND || rc == ERR_USAGE) {
        free(parent);
        return rc;
    }
    if (!rc) {
        study_close(&s);
    }
    dir = path_study(parent, o->arg[0]);
    lock = fs_join(dir, STUDY_LOCK);
    rc = fs_lock(&fd, lock, e);
    if (rc == ERR_BUSY) {
        rc = err_set(e, rc, "%s is in use by its engine; vaetop stop %s first", o->arg[0], o->arg[0]);
    }
    if (!rc && confirmed(o->arg[0], dir)) {
        rc = fs_remove_tree(dir, e);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(parent);
    free(dir);
    free(lock);
    return rc;
}
