/* The machine's devices, which of them this study uses, and the lock on each of those: a second study waits for its
 * turn and says for whom. */
#include "engine_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/paths.h"

static const char *const use_word[] = {"off", "on", "draining", "unusable"};

static uint64_t hash_text(uint64_t h, const char *s)
{
    for (; *s; s++) { /* FNV-1a */
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    }
    return (h ^ 0xff) * UINT64_C(1099511628211);
}

/* The same for every process that means this device. */
static void make_key(struct card *c)
{
    uint64_t h = UINT64_C(14695981039346656037);
    char numbers[64];
    (void)snprintf(numbers, sizeof numbers, "%d:%d", c->info.platform_index, c->info.device_index);
    h = hash_text(hash_text(hash_text(h, c->info.icd), c->info.name), numbers);
    (void)snprintf(c->key, sizeof c->key, "%016llx", (unsigned long long)h);
}

/* Switched on or off by the person in an earlier engine's life: stays so. */
static enum err_code remember(struct engine *en, struct err *e)
{
    struct card_row *row = NULL;
    size_t n = 0;
    enum err_code rc = store_cards(en->store, &row, &n, e);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < en->n_cards; k++) {
            struct card *c = &en->card[k];
            if (c->use == CARD_UNUSABLE || strcmp(c->key, row[i].key) != 0) {
                continue;
            }
            bool on = strcmp(row[i].use, use_word[CARD_ON]) == 0;
            if (!on && c->use == CARD_ON) {
                engine_log(en, -1, "device %d (%.100s) stays switched off", c->index, c->info.name);
            }
            c->use = on ? CARD_ON : CARD_OFF;
        }
    }
    free(row);
    return rc;
}

enum err_code cards_choose(struct engine *en, struct err *e)
{
    size_t *index = NULL;
    size_t n = 0;
    enum err_code rc = path_run_dir_check(e);
    rc = rc ? rc : probe_devices(&en->probe, e);
    rc = rc ? rc : probe_choose(&index, &n, &en->probe, en->device_text, e);
    if (rc) {
        probe_release(&en->probe);
        return rc;
    }
    en->card = xcalloc(en->probe.n, sizeof *en->card);
    en->n_cards = en->probe.n;
    for (size_t i = 0; i < en->n_cards; i++) {
        const struct device_info *d = &en->probe.device[i];
        en->card[i] = (struct card){.en = en, .info = *d, .index = (int)i, .lock_fd = -1, .temperature_c = (double)NAN,
                                    .power_w = (double)NAN, .load = (double)NAN};
        en->card[i].use = d->usable ? CARD_OFF : CARD_UNUSABLE;
        make_key(&en->card[i]);
    }
    for (size_t i = 0; i < n; i++) {
        en->card[index[i]].use = CARD_ON;
    }
    free(index);
    if (en->device_new) {
        write_fact(en, "device", en->device_text);
        return ERR_OK;
    }
    return remember(en, e);
}

void cards_release(struct engine *en)
{
    cards_unlock(en);
    for (size_t i = 0; i < en->n_cards; i++) {
        if (en->card[i].test) {
            struct err ignored;
            if (self_test_result(en->card[i].test, NULL, &ignored)) {
                en->card[i].test = NULL;
            }
        }
    }
    free(en->card);
    probe_release(&en->probe);
}

void card_row(struct card *c)
{
    struct card_row row = {.index = c->index, .first = c->first, .slices = c->slices,
                           .temperature_c = c->temperature_c, .power_w = c->power_w, .load = c->load};
    (void)str_copy(row.key, sizeof row.key, c->key);
    (void)str_copy(row.name, sizeof row.name, c->info.name);
    (void)str_copy(row.type, sizeof row.type, c->info.type);
    (void)str_copy(row.use, sizeof row.use, use_word[c->use]);
    if (c->use == CARD_UNUSABLE) {
        (void)str_copy(row.note, sizeof row.note, c->info.why_not);
    } else if (c->use == CARD_ON && c->holder[0]) {
        (void)snprintf(row.note, sizeof row.note, "in use by %.140s", c->holder);
    } else {
        (void)str_copy(row.note, sizeof row.note, c->note);
    }
    write_card(c->en, &row);
}

/* Owns: caller frees. */
static char *lock_path(const struct card *c)
{
    char *dir = path_run_dir();
    char *path = xasprintf("%s/device-%s", dir, c->key);
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

/* What the person should know of the devices: one taken by another study, or none in use at all. */
static void say_waiting(struct engine *en, const struct card *busy, size_t held, size_t on)
{
    char text[sizeof en->device_banner] = "";
    const struct slice *lost = slices_lost(en);
    if (lost) {
        (void)snprintf(text, sizeof text, "device %d (%.100s) is lost, tried again by itself%s%.300s", lost->card,
                       lost->name, lost->fault[0] ? ": " : "", lost->fault);
    } else if (busy) {
        (void)snprintf(text, sizeof text, "%s for device %d (%.100s): in use by %s",
                       held > 0 ? "also waiting" : "waiting", busy->index, busy->info.name, busy->holder);
    } else if (on == 0) {
        (void)snprintf(text, sizeof text, "every device is switched off: trials wait; Space on screen 3 or "
                                          "`vaetop devices %.64s on DEVICE` uses one again", en->name);
    }
    if (strcmp(text, en->device_banner) != 0) {
        (void)str_copy(en->device_banner, sizeof en->device_banner, text);
        if (text[0]) {
            engine_log(en, -1, "%s", text);
        }
        engine_banner(en);
    }
}

void cards_lock(struct engine *en)
{
    size_t held = 0, on = 0;
    const struct card *busy = NULL;
    for (size_t i = 0; i < en->n_cards; i++) {
        struct card *c = &en->card[i];
        if (c->use == CARD_ON && c->lock_fd < 0) {
            char before[sizeof c->holder];
            memcpy(before, c->holder, sizeof before);
            bool taken = lock_one(en, c);
            if (taken) {
                engine_log(en, -1, "device %d: %s", c->index, c->info.name);
            }
            if (taken || strcmp(before, c->holder) != 0) {
                card_row(c);
            }
        }
        on += c->use == CARD_ON || c->use == CARD_DRAINING;
        held += c->lock_fd >= 0;
        busy = c->use == CARD_ON && c->lock_fd < 0 ? c : busy;
    }
    say_waiting(en, busy, held, on);
}

void card_unlock(struct card *c)
{
    if (c->lock_fd >= 0) {
        (void)close(c->lock_fd);
        c->lock_fd = -1;
    }
    c->holder[0] = '\0';
}

void cards_unlock(struct engine *en)
{
    for (size_t i = 0; i < en->n_cards; i++) {
        card_unlock(&en->card[i]);
    }
    en->device_banner[0] = '\0';
}
