/* vaetop fsck: is a study whole, and saving what can be saved of one that is not. */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/paths.h"
#include "vaetop/data/safetensors.h"
#include "vaetop/store/fsck.h"

#define SHOWN_MOST 100 /* findings as lines; all are counted */

struct check {
    int count[FSCK_KINDS];
    int shown;
    bool quiet;
    json_t *list; /* NULL: print lines */
};

static void found(void *arg, enum fsck_kind kind, int trial, const char *text)
{
    struct check *c = arg;
    c->count[kind]++;
    if (c->quiet || c->shown++ >= SHOWN_MOST) {
        return;
    }
    if (c->list) {
        (void)json_array_append_new(c->list, json_pack("{s:s, s:i, s:s}", "kind", fsck_word(kind), "trial", trial,
                                                       "text", text));
    } else if (trial >= 0) {
        (void)printf("%s: trial %d: %s\n", fsck_word(kind), trial, text);
    } else {
        (void)printf("%s: %s\n", fsck_word(kind), text);
    }
}

/* --- checkpoints */

static enum err_code verify(const char *path, int trial, struct err *e)
{
    struct tensor_file *f = NULL;
    enum err_code rc = tensor_file_open(&f, path, true, e);
    const char *whose = rc ? NULL : tensor_file_meta(f, "trial");
    int64_t number;
    if (!rc && (!whose || !str_to_i64(&number, whose) || number != trial)) {
        rc = err_set(e, ERR_DATA, "%s: not trial %d's", path, trial);
    }
    tensor_file_free(f);
    return rc;
}

/* A running engine may have dropped the trial's weights since its row was read. */
static bool still_kept(struct store *s, const struct preset *p, int number)
{
    struct trial_row *row = NULL;
    size_t n = 0;
    bool kept = false;
    if (!store_trials(s, p, 0, &row, &n, NULL)) {
        for (size_t i = 0; i < n; i++) {
            kept |= row[i].number == number && row[i].kept;
        }
    }
    trial_rows_free(row, n);
    return kept;
}

/* Kept trials need their weights; unfinished ones must not go on from something broken. */
static void check_checkpoint(struct check *c, struct store *s, const struct preset *p, const char *dir,
                             const struct trial_row *t)
{
    enum trial_state state = trial_phase_state(t->phase);
    bool final = state != TRIAL_RUNNING && state != TRIAL_WAITING;
    char *path = path_checkpoint(dir, t->number);
    char clean[300];
    struct err e;
    enum err_code rc = final && !t->kept ? ERR_OK : verify(path, t->number, &e);
    if (rc == ERR_NOTFOUND && final && still_kept(s, p, t->number)) {
        found(c, FSCK_LOST, t->number, "its weights are to be kept, but the checkpoint is missing");
    } else if (rc && rc != ERR_NOTFOUND) {
        found(c, FSCK_CORRUPTED, t->number, str_clean(clean, sizeof clean, e.text));
    }
    free(path);
}

static const struct trial_row *trial_of_file(const struct trial_row *row, size_t n, const char *name)
{
    size_t digits = strspn(name, "0123456789");
    long number = digits > 0 && digits < 10 ? strtol(name, NULL, 10) : -1;
    for (size_t i = 0; i < n; i++) {
        if (row[i].number == number) {
            return &row[i];
        }
    }
    return NULL;
}

/* Files that a crash left; the next start removes them. */
static void check_strays(struct check *c, const char *dir, const struct trial_row *row, size_t n)
{
    char *folder = fs_join(dir, STUDY_CHECKPOINTS);
    DIR *d = opendir(folder);
    for (const struct dirent *f = d ? readdir(d) : NULL; f; f = readdir(d)) {
        const struct trial_row *t = trial_of_file(row, n, f->d_name);
        char text[300], clean[200];
        if (f->d_name[0] == '.') {
            continue;
        }
        if (strstr(f->d_name, ".tmp") || !t) {
            (void)snprintf(text, sizeof text, "checkpoints/%s belongs to nothing",
                           str_clean(clean, sizeof clean, f->d_name));
            found(c, FSCK_STRAY, t ? t->number : -1, text);
        }
    }
    if (d) {
        (void)closedir(d);
    }
    free(folder);
}

static void check_files(struct check *c, const char *dir, bool live)
{
    struct store *s = NULL;
    struct preset p;
    struct trial_row *row = NULL;
    size_t n = 0;
    bool have_preset = false;
    char clean[300];
    struct err e;
    enum err_code rc = store_open(&s, dir, false, &e);
    if (rc) {
        return; /* told already */
    }
    rc = store_preset(s, &p, &e);
    if (!rc) {
        rc = store_trials(s, &p, 0, &row, &n, &e);
        have_preset = true;
    }
    if (rc) {
        found(c, FSCK_CORRUPTED, -1, str_clean(clean, sizeof clean, e.text));
    }
    for (size_t i = 0; i < n; i++) {
        if (!row[i].foreign) {
            check_checkpoint(c, s, &p, dir, &row[i]);
        }
    }
    if (!live && !rc) {
        check_strays(c, dir, row, n);
    }
    trial_rows_free(row, n);
    if (have_preset) {
        preset_release(&p);
    }
    store_close(s);
}

static enum err_code check_all(struct check *c, const char *dir, bool live, struct err *e)
{
    enum err_code rc = store_fsck(dir, found, c, e);
    if (rc == ERR_NOTFOUND) { /* the folder is there: the file is what is lost */
        found(c, FSCK_LOST, -1, "study.db is missing");
        return ERR_OK;
    }
    if (!rc) {
        check_files(c, dir, live);
    }
    return rc;
}

static int damage(const struct check *c)
{
    return c->count[FSCK_LOST] + c->count[FSCK_DUPLICATED] + c->count[FSCK_CORRUPTED];
}

/* --- repair */

/* Checkpoints that verify, newest first. Returns how many. */
static int copy_checkpoints(const char *dir, const char *to)
{
    char *folder = fs_join(dir, STUDY_CHECKPOINTS);
    DIR *d = opendir(folder);
    int copied = 0;
    for (const struct dirent *f = d ? readdir(d) : NULL; f; f = readdir(d)) {
        char *bytes = NULL, *from = fs_join(folder, f->d_name), *end;
        size_t n;
        struct err e;
        long number = strtol(f->d_name, &end, 10);
        bool previous = end != f->d_name && strcmp(end, ".safetensors.prev") == 0;
        if (end != f->d_name && number >= 0 && number < 100000000 && (previous || strcmp(end, ".safetensors") == 0) &&
            !verify(from, (int)number, &e) && !fs_read(&bytes, &n, from, (size_t)8 << 30, &e)) {
            char *path = path_checkpoint(to, (int)number);
            char *name = xasprintf("%s%s", path, previous ? ".prev" : "");
            copied += fs_write(name, bytes, n, &e) == ERR_OK;
            free(name);
            free(path);
        }
        free(bytes);
        free(from);
    }
    if (d) {
        (void)closedir(d);
    }
    free(folder);
    return copied;
}

/* A copy of one file if it is there. */
static enum err_code copy_file(const char *dir, const char *to, const char *name, struct err *e)
{
    char *from = fs_join(dir, name), *path = fs_join(to, name), *bytes = NULL;
    size_t n;
    enum err_code rc = fs_exists(from) ? fs_read(&bytes, &n, from, (size_t)1 << 30, e) : ERR_OK;
    if (bytes && !rc) {
        rc = fs_write(path, bytes, n, e);
    }
    free(bytes);
    free(from);
    free(path);
    return rc;
}

/* The study stays as it is; what can be saved becomes a study of another name beside it. */
static enum err_code repair(const struct options *o, const char *parent, const char *dir, struct err *e)
{
    char name[80];
    int64_t rows = 0;
    int n = snprintf(name, sizeof name, "%.55s-saved", o->arg[0]);
    for (int i = 2; i < 100; i++) {
        char *taken = path_study(parent, name);
        bool there = fs_exists(taken);
        free(taken);
        if (!there) {
            break;
        }
        n = snprintf(name, sizeof name, "%.55s-saved%d", o->arg[0], i);
    }
    char *to = n > 0 ? path_study(parent, name) : NULL;
    char *checkpoints = fs_join(to, STUDY_CHECKPOINTS);
    enum err_code rc = fs_exists(to) ? err_set(e, ERR_BUSY, "%s: in the way", to) : fs_mkdirs(checkpoints, e);
    rc = rc ? rc : copy_file(dir, to, STUDY_PRESET, e);
    rc = rc ? rc : store_salvage(dir, to, name, &rows, e);
    if (!rc) {
        struct check c = {.quiet = true};
        int copied = copy_checkpoints(dir, to);
        rc = check_all(&c, to, false, e);
        (void)fprintf(o->json ? stderr : stdout,
                      "saved %lld rows and %d checkpoints as study %s (lost: %d, duplicated: %d, corrupted: %d);"
                      " %s is as it was\n", (long long)rows, copied, name, c.count[FSCK_LOST],
                      c.count[FSCK_DUPLICATED], c.count[FSCK_CORRUPTED], o->arg[0]);
    } else {
        struct err second;
        if (fs_remove_tree(to, &second)) {
            err_prefix(e, "%s", second.text);
        }
    }
    free(checkpoints);
    free(to);
    return rc;
}

/* --- the command */

static enum err_code report(const struct check *c, const struct options *o, bool live, struct err *e)
{
    if (!c->list) {
        if (c->shown > SHOWN_MOST) {
            (void)printf("and %d more\n", c->shown - SHOWN_MOST);
        }
        (void)printf("lost: %d, duplicated: %d, corrupted: %d\n", c->count[FSCK_LOST], c->count[FSCK_DUPLICATED],
                     c->count[FSCK_CORRUPTED]);
        return ERR_OK;
    }
    json_t *root = json_pack("{s:i, s:s, s:b, s:i, s:i, s:i, s:i, s:O}", "schema_version", 1, "study", o->arg[0],
                             "engine_running", live, "lost", c->count[FSCK_LOST], "duplicated",
                             c->count[FSCK_DUPLICATED], "corrupted", c->count[FSCK_CORRUPTED], "stray",
                             c->count[FSCK_STRAY], "findings", c->list);
    char *text = json_dumps(root, JSON_INDENT(2)), *line = xasprintf("%s\n", text);
    enum err_code rc = write_text(o->output, line, strlen(line), e);
    free(line);
    free(text);
    json_decref(root);
    return rc;
}

enum err_code fsck_command(const struct options *o, struct err *e)
{
    char *parent = studies_dir(o), *dir = NULL, *lock = NULL;
    int fd = -1;
    struct check c = {.list = o->json ? json_array() : NULL};
    struct err why;
    enum err_code rc = ERR_OK;
    if (!study_name_ok(o->arg[0]) || (dir = path_study(parent, o->arg[0]), !fs_is_dir(dir))) {
        struct study s;
        rc = study_open(&s, o, o->arg[0], e); /* knows the nearest name */
        rc = rc ? rc : err_set(e, ERR_NOTFOUND, "%s: no such study", o->arg[0]);
        goto out;
    }
    lock = fs_join(dir, STUDY_LOCK);
    bool live = fs_exists(lock) && fs_lock(&fd, lock, &why) == ERR_BUSY;
    if (live && o->repair) {
        rc = err_set(e, ERR_BUSY, "%s is in use by its engine; vaetop stop %s first", o->arg[0], o->arg[0]);
        goto out;
    }
    rc = check_all(&c, dir, live, e);
    rc = rc ? rc : report(&c, o, live, e);
    if (!rc && damage(&c) > 0 && o->repair) {
        rc = repair(o, parent, dir, e);
    }
    if (!rc && damage(&c) > 0) {
        rc = err_set(e, ERR_DB, "%s: damaged: %d lost, %d duplicated, %d corrupted%s%s%s", o->arg[0],
                     c.count[FSCK_LOST], c.count[FSCK_DUPLICATED], c.count[FSCK_CORRUPTED],
                     o->repair ? "" : "; vaetop fsck ", o->repair ? "" : o->arg[0],
                     o->repair ? "" : " --repair saves what can be saved into a copy");
    }
out:
    if (fd >= 0) {
        (void)close(fd);
    }
    json_decref(c.list);
    free(parent);
    free(dir);
    free(lock);
    return rc;
}
