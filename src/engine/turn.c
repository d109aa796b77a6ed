#include "turn.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "owner.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/conf/paths.h"
#include "vaetop/engine/engine.h"
#include "vaetop/ipc/client.h"

#define STEP_MS 20
#define ENGINE_NS INT64_C(80000000000) /* drivers are looked for first; less than a client waits */
#define END_NS INT64_C(5000000000)
#define STALE_S 90                     /* who called so long ago has given up */

static const char start_word[] = "start ", end_word[] = "end";

static enum err_code call(const char *path, const char *word, const char *device, struct err *e)
{
    char *text = xasprintf("%s%s\n", word, device ? device : "");
    enum err_code rc = fs_write(path, text, strlen(text), e);
    free(text);
    return rc;
}

enum turn_call turn_called(const char *dir, char **device)
{
    char *path = fs_join(dir, STUDY_CALL), *text = NULL;
    size_t len;
    struct stat st;
    enum turn_call what = TURN_NOBODY;
    *device = NULL;
    if (stat(path, &st) == 0) {
        const bool fresh = time(NULL) - st.st_mtime < STALE_S && !fs_read(&text, &len, path, 4096, NULL);
        (void)unlink(path);
        if (fresh && strncmp(text, end_word, sizeof end_word - 1) == 0) {
            what = TURN_END;
        } else if (fresh && strncmp(text, start_word, sizeof start_word - 1) == 0) {
            const char *name = text + sizeof start_word - 1;
            const size_t n = strcspn(name, "\n");
            *device = n > 0 ? xstrndup(name, n) : NULL;
            what = TURN_START;
        }
    }
    free(text);
    free(path);
    return what;
}

static bool engine_answers(const char *dir)
{
    struct client *c = NULL;
    const bool yes = !client_connect(&c, dir, NULL);
    client_free(c);
    return yes;
}

/* Its supervisor brings the engine, or ends and leaves the study to us. */
static enum err_code wait_for_engine(int *fd, bool *served, const char *dir, const char *own, const char *device,
                                     struct err *e)
{
    char *path = fs_join(dir, STUDY_CALL);
    const int64_t deadline = clock_mono_ns() + ENGINE_NS;
    enum err_code rc = call(path, start_word, device, e);
    if (rc) {
        free(path);
        return rc;
    }
    while ((rc = owner_lock(fd, own, e)) == ERR_BUSY && !*served && clock_mono_ns() < deadline) {
        *served = engine_answers(dir);
        (void)poll(NULL, 0, *served ? 0 : STEP_MS);
    }
    const bool heard = unlink(path) != 0;
    if (rc == ERR_BUSY && *served) {
        rc = heard || !device ? ERR_OK
                              : err_set(e, ERR_IO, "%s: its engine came back before it heard of device %.60s; say it again",
                                        dir, device);
    } else if (rc == ERR_BUSY) {
        rc = err_set(e, ERR_BUSY, "%s: its engine does not start; see %s/%s", dir, dir, STUDY_LOG);
    } else {
        *served = false; /* it is ours to serve */
    }
    free(path);
    return rc;
}

enum err_code turn_take(int *fd, bool *served, const char *dir, const char *device, struct err *e)
{
    char *own = fs_join(dir, STUDY_SUPERVISOR);
    *served = false;
    *fd = -1;
    enum err_code rc = owner_lock(fd, own, e);
    if (rc == ERR_BUSY && !owner_is_here(own)) {
        char *engine = fs_join(dir, STUDY_LOCK), holder[200];
        rc = err_set(e, ERR_BUSY, "%s: in use by an engine (%s)", dir, fs_line(holder, sizeof holder, engine));
        free(engine);
    } else if (rc == ERR_BUSY) {
        rc = wait_for_engine(fd, served, dir, own, device, e);
    }
    free(own);
    return rc;
}

bool engine_stop_waiting(const char *dir)
{
    char *own = fs_join(dir, STUDY_SUPERVISOR), *path = fs_join(dir, STUDY_CALL);
    const int64_t deadline = clock_mono_ns() + END_NS;
    int fd = -1;
    bool there = fs_exists(own) && owner_is_here(own) && fs_lock(&fd, own, NULL) == ERR_BUSY;
    bool told = there && !call(path, end_word, NULL, NULL), gone = false;
    while (told && !gone && clock_mono_ns() < deadline) {
        (void)poll(NULL, 0, STEP_MS);
        gone = !fs_lock(&fd, own, NULL);
    }
    if (told && !gone) {
        (void)unlink(path);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(own);
    free(path);
    return gone;
}
