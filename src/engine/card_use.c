/* Devices switched on and off while the study runs, on request or because one has failed; and their self-tests, each in
 * a process of its own, with the result as one line. Nothing is lost by switching: trials on a device that goes off
 * write checkpoints and go back to the queue. */
#include "engine_private.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/str.h"

bool card_runs(const struct card *c)
{
    return c->use == CARD_ON;
}

static int runs_on(const struct card *c)
{
    int n = 0;
    for (int i = 0; i < c->slices; i++) {
        n += c->en->slice[c->first + i].n_runs;
    }
    return n;
}

static bool workers_gone(const struct card *c)
{
    for (int i = 0; i < c->slices; i++) {
        const struct slice *s = &c->en->slice[c->first + i];
        if (s->conn || s->pid > 0) {
            return false;
        }
    }
    return true;
}

/* --- switching */

static void no_readings(struct card *c)
{
    c->temperature_c = c->power_w = c->load = (double)NAN;
}

static void set_use(struct card *c, enum card_use use)
{
    c->use = use;
    for (int i = 0; i < c->slices; i++) {
        struct slice *s = &c->en->slice[c->first + i];
        s->failures = use == CARD_ON ? 0 : s->failures;
        if (use == CARD_OFF) {
            slice_quit(s, true);
            slice_row(s);
        }
    }
    slices_share(c->en);
    card_row(c);
}

void cards_settle(struct engine *en)
{
    for (size_t i = 0; i < en->n_cards; i++) {
        struct card *c = &en->card[i];
        if (c->use == CARD_DRAINING && runs_on(c) == 0) {
            engine_log(en, -1, "device %d (%.100s) has no trial left: switched off", c->index, c->info.name);
            set_use(c, CARD_OFF);
        }
        if (c->use == CARD_OFF && workers_gone(c) && (c->lock_fd >= 0 || c->holder[0])) {
            card_unlock(c);
            no_readings(c);
            card_row(c);
        }
    }
}

/* Locks and workers of what is on now; what is off is let go when its workers have ended. */
static void apply(struct engine *en)
{
    cards_settle(en);
    if (en->stage == STAGE_RUNNING || en->stage == STAGE_PAUSED) {
        cards_lock(en);
    }
    if (en->stage == STAGE_RUNNING) {
        slices_start(en);
    }
    schedule(en);
}

bool card_give_up(struct card *c, const char *why)
{
    size_t others = 0;
    for (size_t i = 0; i < c->en->n_cards; i++) {
        others += &c->en->card[i] != c && c->en->card[i].use == CARD_ON;
    }
    if (others == 0) {
        return false;
    }
    (void)snprintf(c->note, sizeof c->note, "its worker does not start: %.120s", why);
    engine_log(c->en, -1, "device %d (%.60s) is switched off: %.140s", c->index, c->info.name, c->note);
    set_use(c, CARD_OFF);
    return true;
}

void card_readings(struct card *c, double temperature_c, double power_w, double load)
{
    c->temperature_c = temperature_c;
    c->power_w = power_w;
    c->load = load;
    card_row(c);
}

/* --- self-test */

static void test_done(struct card *c)
{
    struct err e = {0};
    double seconds = 0;
    enum err_code rc = self_test_result(c->test, &seconds, &e);
    c->test = NULL;
    if (rc) {
        (void)snprintf(c->note, sizeof c->note, "self-test failed after %.1f s: %.110s", seconds, e.text);
    } else {
        (void)snprintf(c->note, sizeof c->note, "self-test passed in %.1f s", seconds);
    }
    engine_log(c->en, -1, "device %d (%.60s): %.150s", c->index, c->info.name, c->note);
    card_row(c);
}

static void test_read(void *arg, int fd, int revents)
{
    struct card *c = arg;
    (void)fd;
    (void)revents;
    int watched = self_test_fd(c->test);
    loop_fd_remove(c->en->loop, watched); /* before its end closes the descriptor */
    if (self_test_ended(c->test)) {
        test_done(c);
    } else {
        loop_fd(c->en->loop, watched, POLLIN, test_read, c);
    }
}

static enum err_code test_start(struct card *c, struct err *e)
{
    enum err_code rc = c->test ? ERR_OK : self_test_start(&c->test, &c->info, e);
    if (!rc) {
        loop_fd(c->en->loop, self_test_fd(c->test), POLLIN, test_read, c);
        (void)str_copy(c->note, sizeof c->note, "self-test under way");
        card_row(c);
    }
    return rc;
}

void cards_tick(struct engine *en)
{
    for (size_t i = 0; i < en->n_cards; i++) {
        if (en->card[i].test) {
            test_read(&en->card[i], -1, 0); /* for its time limit */
        }
    }
    cards_settle(en);
}

/* --- commands */

static bool among(const size_t *index, size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++) {
        if (index[k] == i) {
            return true;
        }
    }
    return false;
}

static enum card_use use_of(enum command c, enum card_use now)
{
    switch (c) {
    case COMMAND_DEVICE_OFF:
        return CARD_OFF;
    case COMMAND_DEVICE_DRAIN:
        return now == CARD_ON ? CARD_DRAINING : now;
    default:
        return CARD_ON;
    }
}

/* "device 0" or "devices 0 1". */
static const char *name_them(char *buf, size_t cap, const size_t *index, size_t n)
{
    size_t len = (size_t)snprintf(buf, cap, n == 1 ? "device" : "devices");
    for (size_t i = 0; i < n && len + 8 < cap; i++) {
        len += (size_t)snprintf(buf + len, cap - len, " %zu", index[i]);
    }
    return buf;
}

/* What happens comes first, so that a narrow screen shows it; the name, which may be long, last. */
static void say_switched(struct engine *en, enum command c, const char *who, const char *name, int trials, char *reply,
                         size_t cap)
{
    switch (c) {
    case COMMAND_DEVICE_OFF:
        (void)snprintf(reply, cap, "%s switched off; trials that checkpoint and queue again: %d%s", who, trials, name);
        break;
    case COMMAND_DEVICE_DRAIN:
        (void)snprintf(reply, cap, "%s gets no new trials; trials that finish first: %d%s", who, trials, name);
        break;
    case COMMAND_DEVICE_ONLY:
        (void)snprintf(reply, cap, "trials run on %s from now on%s", who, name);
        break;
    default:
        (void)snprintf(reply, cap, "%s switched on%s", who, name);
        break;
    }
    engine_log(en, -1, "%.230s", reply);
}

static enum err_code switch_cards(struct engine *en, enum command c, const size_t *index, size_t n, char *reply,
                                  size_t cap, struct err *e)
{
    char who[160], name[120] = "";
    int trials = 0;
    (void)e;
    if (n == 1) {
        (void)snprintf(name, sizeof name, " (%.100s)", en->card[index[0]].info.name);
    }
    for (size_t i = 0; i < en->n_cards; i++) {
        struct card *card = &en->card[i];
        bool named = among(index, n, i);
        enum card_use use = named ? use_of(c, card->use) : c == COMMAND_DEVICE_ONLY ? CARD_OFF : card->use;
        if (card->use == CARD_UNUSABLE || use == card->use) {
            continue;
        }
        trials += use == CARD_ON ? 0 : runs_on(card);
        set_use(card, use);
    }
    say_switched(en, c, name_them(who, sizeof who, index, n), name, trials, reply, cap);
    apply(en);
    return ERR_OK;
}

static enum err_code test_cards(struct engine *en, const size_t *index, size_t n, char *reply, size_t cap,
                                struct err *e)
{
    char who[160];
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < n; i++) {
        rc = test_start(&en->card[index[i]], e);
    }
    if (!rc) {
        (void)snprintf(reply, cap, "self-test of %s begins; its result comes as a line of the log",
                       name_them(who, sizeof who, index, n));
    }
    return rc;
}

enum err_code card_command(struct engine *en, enum command c, const char *devices, char *reply, size_t cap,
                           struct err *e)
{
    size_t *index = NULL;
    size_t n = 0;
    if (en->n_cards == 0) {
        return err_set(e, ERR_USAGE, "the study has finished and uses no device");
    }
    if (!devices[strspn(devices, " ,")]) {
        return err_set(e, ERR_USAGE, "%s: name a device, as --device does", command_word(c));
    }
    enum err_code rc = probe_choose(&index, &n, &en->probe, devices, e);
    if (!rc) {
        rc = c == COMMAND_DEVICE_TEST ? test_cards(en, index, n, reply, cap, e)
                                      : switch_cards(en, c, index, n, reply, cap, e);
    }
    free(index);
    return rc;
}
