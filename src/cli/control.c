/* Commands that tell a running engine something: stop, pause, resume, set; and rm. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "vaetop/base/alloc.h"
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
        const bool nobody = rc == ERR_NOTFOUND;
        if (nobody && to_study == COMMAND_SHUTDOWN && !t) {
            rc = client_stop_waiting(s.dir, e);
            reply = rc ? NULL : xasprintf("%s ends: its engine is not started again; vaetop resume %s goes on", s.name,
                                          s.name);
        }
        if (rc == ERR_NOTFOUND) {
            rc = err_set(e, rc, "%s: no engine runs it; vaetop resume %s starts one", s.name, s.name);
        }
    }
    if (!rc && client) {
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

/* Drops what the engine said before the study was extended: that it had finished. */
static void forget_events(struct client *client)
{
    struct client_event ev;
    do {
        client_next(client, &ev);
    } while (ev.kind != CLIENT_NOTHING && ev.kind != CLIENT_CLOSED);
}

/* Goes on, with what the command line changes. An engine that ran already was started with other devices, perhaps: it
 * takes these from now on, and says so; after it has more trials, for a finished study has no use for devices. */
static enum err_code go_on(struct client *client, char **reply, bool fresh, const struct options *o, struct err *e)
{
    char *devices = NULL;
    enum err_code rc = client_command(client, COMMAND_RESUME, -1, "", reply, e);
    if (!rc && o->trials) {
        rc = client_command(client, COMMAND_TRIALS, -1, o->trials, NULL, e);
        forget_events(client);
    }
    if (!rc && o->slots) {
        rc = client_command(client, COMMAND_SLOTS, -1, o->slots, NULL, e);
    }
    if (!rc && !fresh && o->device) {
        rc = client_command(client, COMMAND_DEVICE_ONLY, -1, o->device, &devices, e);
    }
    if (devices && !o->quiet) {
        (void)fprintf(stderr, "vaetop: %s\n", devices);
    }
    free(devices);
    return rc;
}

enum err_code resume_engine(struct client **out, char **reply, const char *dir, const struct options *o, struct err *e)
{
    const int64_t deadline = clock_mono_ns() + ENDING_NS;
    bool ending = false, fresh, again;
    char *said = NULL;
    enum err_code rc;
    do {
        client_free(*out);
        *out = NULL;
        free(said);
        said = NULL;
        rc = client_start(out, &fresh, dir, o->device, e);
        const bool there = rc == ERR_OK;
        rc = rc ? rc : go_on(*out, &said, fresh, o, e);
        /* It ends, or it ended before it had heard all: the next one is told all of it. */
        if (there && rc == ERR_BUSY && !ending && !o->quiet) {
            (void)fprintf(stderr, "vaetop: the study is ending; it goes on when its trials have written their checkpoints\n");
        }
        ending = ending || (there && rc == ERR_BUSY);
        again = ending && (rc == ERR_BUSY || rc == ERR_NOTFOUND) && clock_mono_ns() < deadline;
        if (again) {
            (void)poll(NULL, 0, 50);
        }
    } while (again);
    if (reply && !fresh && !rc) {
        *reply = said;
        said = NULL;
    }
    free(said);
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
        rc = client_stop_waiting(dir, e); /* it would bring its engine back, to another study of this name perhaps */
        rc = rc && rc != ERR_NOTFOUND ? rc : fs_remove_tree(dir, e);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(parent);
    free(dir);
    free(lock);
    return rc;
}
