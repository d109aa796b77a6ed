#include "vaetop/model/choice.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/paths.h"

#define FIRST_LINE "vaetop plans 1"
#define FILE_MOST 65536

static const char *const provider_name[] = {[PROVIDER_TILE] = "tiles", [PROVIDER_CLBLAST] = "clblast"};

/* FNV-1a, 64 bits, the terminating zero included. */
static uint64_t hash_text(uint64_t h, const char *text)
{
    do {
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    } while (*text++);
    return h;
}

char *choices_path(const struct device *dev)
{
    const struct device_info *d = device_info(dev);
    uint64_t h = hash_text(UINT64_C(0xcbf29ce484222325), d->platform);
    h = hash_text(h, d->name);
    h = hash_text(h, d->driver);
    char *home = path_config_home();
    char *path = xasprintf("%s/plans/%016" PRIx64, home, h);
    free(home);
    return path;
}

/* "FLOPS PLAN PROVIDER" */
static bool read_row(struct choice *c, const char *line)
{
    char number[40], plan[16], provider[16];
    if (sscanf(line, "%39s %15s %15s", number, plan, provider) != 3 || !str_to_f64(&c->flops, number) || c->flops <= 0) {
        return false;
    }
    c->kind = strcmp(plan, plan_kind_name(PLAN_CHAIN)) == 0 ? PLAN_CHAIN : PLAN_PLAIN;
    c->provider = strcmp(provider, provider_name[PROVIDER_CLBLAST]) == 0 ? PROVIDER_CLBLAST : PROVIDER_TILE;
    return strcmp(plan, plan_kind_name(c->kind)) == 0 && strcmp(provider, provider_name[c->provider]) == 0 &&
           (c->kind == PLAN_PLAIN || c->provider == PROVIDER_TILE);
}

/* *n 0: there is no table. */
static enum err_code read_table(struct choice *row, int *n, const struct device *dev, struct err *e)
{
    char *text = NULL, *save = NULL, *path = choices_path(dev);
    size_t len = 0;
    int line = 0;
    *n = 0;
    enum err_code rc = fs_exists(path) ? fs_read(&text, &len, path, FILE_MOST, e) : ERR_OK;
    for (char *p = text && !rc ? strtok_r(text, "\n", &save) : NULL; p && !rc; p = strtok_r(NULL, "\n", &save)) {
        line++;
        const bool good = line == 1 ? strcmp(p, FIRST_LINE) == 0 : p[0] == '#' || (*n < CHOICES_MAX && read_row(&row[*n], p));
        if (line > 1 && p[0] != '#' && good) ++*n;
        if (!good) {
            rc = err_set(e, ERR_DATA, "%s:%d: no line of a table of plans; vaetop bench --tune writes it anew, without it "
                                      "the built-in table holds", path, line);
        }
    }
    if (!rc && text && *n == 0) rc = err_set(e, ERR_DATA, "%s: a table of plans without a row; vaetop bench --tune writes "
                                                          "it anew", path);
    free(text);
    free(path);
    return rc;
}

enum err_code choice_make(struct choice *out, const struct device *dev, const struct net *n, struct err *e)
{
    struct choice row[CHOICES_MAX];
    struct plan p;
    int rows = 0;
    enum err_code rc = plan_make(&p, n, PLAN_PLAIN, e);
    rc = rc ? rc : read_table(row, &rows, dev, e);
    if (rc) return rc;
    *out = (struct choice){p.step_flops, plan_default(device_is_cpu(dev), n), PROVIDER_TILE};
    double nearest = INFINITY;
    for (int i = 0; i < rows; i++) {
        const double away = fabs(log(row[i].flops / p.step_flops));
        if (away < nearest) {
            nearest = away;
            out->kind = row[i].kind;
            out->provider = row[i].provider;
        }
    }
    if (net_batch_stats(n) && out->kind == PLAN_CHAIN) out->kind = PLAN_PLAIN;
    p.kind = out->kind;
    if (rows == 0) out->provider = provider_default(device_is_cpu(dev), &p);
    return ERR_OK;
}

enum err_code choices_write(const struct device *dev, const struct choice *row, int n, struct err *e)
{
    struct sbuf text = {0};
    char *home = path_config_home(), *dir = fs_join(home, "plans"), *path = choices_path(dev);
    sbuf_addf(&text, FIRST_LINE "\n# %s, %s, driver %s\n# FLOPs of a step, plan, who multiplies\n",
              device_info(dev)->platform, device_info(dev)->name, device_info(dev)->driver);
    for (int i = 0; i < n; i++) {
        sbuf_addf(&text, "%.0f %s %s\n", row[i].flops, plan_kind_name(row[i].kind), provider_name[row[i].provider]);
    }
    enum err_code rc = fs_mkdirs(dir, e);
    rc = rc ? rc : fs_write(path, text.text, text.len, e);
    sbuf_release(&text);
    free(home);
    free(dir);
    free(path);
    return rc;
}
