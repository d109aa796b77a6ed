/* The devices a study was given, and the lock on each: a second study waits for its turn and says for whom. */
#include "engine_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/paths.h"

enum err_code cards_choose(struct engine *en, struct err *e)
{
    struct probe probe;
    size_t *index = NULL;
    size_t n = 0;
    enum err_code rc = path_run_dir_check(e);
    if (!rc) {
        rc = probe_devices(&probe, e);
    }
    if (rc) {
        return rc;
    }
    rc = probe_choose(&index, &n, &probe, en->device_text, e);
    if (!rc) {
        en->card = xcalloc(n, sizeof *en->card);
        en->n_cards = n;
        for (size_t i = 0; i < n; i++) {
            en->card[i] = (struct card){.info = probe.device[index[i]], .index = (int)index[i], .lock_fd = -1};
        }
        free(index);
    }
    probe_release(&probe);
    return rc;
}

static uint64_t hash_text(uint64_t h, const char *s)
{
    for (; *s; s++) { /* FNV-1a */
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    }
    return (h ^ 0xff) * UINT64_C(1099511628211);
}

/* The same for every process that means this device. Owns: caller frees. */
static char *lock_path(const struct card *c)
{
    uint64_t h = UINT64_C(14695981039346656037);
    char numbers[64];
    (void)snprintf(numbers, sizeof numbers, "%d:%d", c->info.platform_index, c->info.device_index);
    h = hash_text(hash_text(hash_text(h, c->info.icd), c->info.name), numbers);
    char *dir = path_run_dir();
    char *path = xasprintf("%s/device-%016llx", dir, (unsigned long long)h);
    free(dir);
    return path;
}

static void note_holder(struct card *c, const char *path)
{
    char *text = NULL;
    size_t len;
    if (!fs_read(&text, &len, path, 4096, NULL) && len > 0) {
        text[strcspn(text, "\n")] = '\0';
        (void)str_clean(c->holder, sizeof c->holder, text);
    } else {
        (void)str_copy(c->holder, sizeof c->holder, "another study");
    }
    free(text);
}

static bool lock_one(struct engine *en, struct card *c)
{
    struct err e = {0};
    char *path = lock_path(c);
    bool taken = !fs_lock(&c->lock_fd, path, &e);
    if (taken) {
        char *who = xasprintf("study %s (process %d)\n", en->name, (int)getpid());
        if (ftruncate(c->lock_fd, 0) != 0 || fs_write_all(c->lock_fd, who, strlen(who)) != 0) {
            log_warn("%s: cannot say who holds it", path); /* the lock itself is what counts */
        }
        free(who);
        c->holder[0] = '\0';
    } else {
        c->lock_fd = -1;
        if (e.code == ERR_BUSY) {
            note_holder(c, path);
        } else {
            (void)snprintf(c->holder, sizeof c->holder, "%.150s", e.text);
        }
    }
    free(path);
    return taken;
}

void cards_lock(struct engine *en)
{
    size_t held = 0;
    const struct card *busy = NULL;
    for (size_t i = 0; i < en->n_cards; i++) {
        struct card *c = &en->card[i];
        if (c->lock_fd < 0 && lock_one(en, c)) {
            engine_log(en, -1, "device %d: %s", c->index, c->info.name);
        }
        held += c->lock_fd >= 0;
        busy = c->lock_fd < 0 ? c : busy;
    }
    char text[sizeof en->device_banner] = "";
    if (busy) {
        (void)snprintf(text, sizeof text, "%s for device %d (%.100s): in use by %s",
                       held > 0 ? "also waiting" : "waiting", busy->index, busy->info.name, busy->holder);
    }
    if (strcmp(text, en->device_banner) != 0) {
        (void)str_copy(en->device_banner, sizeof en->device_banner, text);
        if (busy) {
            engine_log(en, -1, "%s", text);
        }
        engine_banner(en);
    }
}

void cards_unlock(struct engine *en)
{
    for (size_t i = 0; i < en->n_cards; i++) {
        if (en->card[i].lock_fd >= 0) {
            (void)close(en->card[i].lock_fd);
            en->card[i].lock_fd = -1;
        }
    }
    en->device_banner[0] = '\0';
}
