#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"
#include "vaetop/ipc/probe.h"

#define VENDORS "/etc/OpenCL/vendors"

/* X: vendor, the driver's library, the .icd file that names it, PCI vendor number, package. Sources: the Debian
 * packages nvidia-opencl-icd, intel-opencl-icd, pocl-opencl-icd, mesa-opencl-icd; ROCm's rocm-opencl-runtime. */
static const struct vendor {
    const char *name, *library, *icd_file, *pci, *package;
} vendors[] = {
    {"NVIDIA", "libnvidia-opencl.so.1", "nvidia.icd", "0x10de", "nvidia-opencl-icd (with NVIDIA's driver)"},
    {"AMD", "libamdocl64.so", "amdocl64.icd", "0x1002", "rocm-opencl-runtime from AMD's ROCm, or mesa-opencl-icd"},
    {"Intel", "libigdrcl.so", "intel.icd", "0x8086", "intel-opencl-icd"},
    {"any CPU", "libpocl.so.2", "pocl.icd", "", "pocl-opencl-icd"},
};
#define N_VENDORS (sizeof vendors / sizeof *vendors)

/* Where drivers put libraries, besides what ld.so knows. */
static const char *const folders[] = {
    "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib/x86_64-linux-gnu",
    "/usr/local/lib", "/usr/lib/x86_64-linux-gnu/intel-opencl", "/usr/lib/wsl/lib", "/opt/rocm/lib",
    "/opt/rocm/opencl/lib", "/usr/local/nvidia/lib64",
};

struct diagnosis {
    struct probe *out;
    const struct probe_options *o;
    struct sbuf icds; /* contents of all .icd files */
    size_t n_icds;
};

static char *path_in(const struct diagnosis *d, const char *path)
{
    return xasprintf("%s%s", d->o->root ? d->o->root : "", path);
}

static bool there(const struct diagnosis *d, const char *path)
{
    char *full = path_in(d, path);
    bool yes = fs_exists(full);
    free(full);
    return yes;
}

static void advise(struct diagnosis *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void advise(struct diagnosis *d, const char *fmt, ...)
{
    struct sbuf raw = {0};
    va_list ap;
    va_start(ap, fmt);
    sbuf_vaddf(&raw, fmt, ap);
    va_end(ap);
    char *line = xcalloc(4 * raw.len + 1, 1);
    (void)str_clean(line, 4 * raw.len + 1, raw.text);
    sbuf_release(&raw);
    d->out->advice = xreallocarray(d->out->advice, d->out->n_advice + 1, sizeof *d->out->advice);
    d->out->advice[d->out->n_advice++] = line;
}

/* Bytes of a small file, NUL-terminated; NULL if it cannot be read. Owns: caller frees. */
static char *small_file(const struct diagnosis *d, const char *path, size_t cap, size_t *len)
{
    struct err e;
    char *text = NULL;
    char *full = path_in(d, path);
    if (fs_read(&text, len, full, cap, &e)) {
        text = NULL;
    }
    free(full);
    return text;
}

static bool has_text(const struct diagnosis *d, const char *path, const char *part)
{
    size_t len;
    char *text = small_file(d, path, 1 << 20, &len);
    bool yes = text && strstr(text, part);
    free(text);
    return yes;
}

/* --- ICD files and libraries */

static void read_icds(struct diagnosis *d)
{
    char *dir = path_in(d, VENDORS);
    DIR *folder = opendir(dir);
    free(dir);
    for (const struct dirent *f = folder ? readdir(folder) : NULL; f; f = readdir(folder)) {
        size_t n = strlen(f->d_name), len;
        if (n <= 4 || strcmp(f->d_name + n - 4, ".icd") != 0) {
            continue;
        }
        d->n_icds++;
        char *path = fs_join(VENDORS, f->d_name);
        char *text = small_file(d, path, 1 << 16, &len);
        sbuf_addf(&d->icds, "%s\n", text ? text : "");
        free(text);
        free(path);
    }
    if (folder) {
        (void)closedir(folder);
    }
}

/* "libpocl.so.2" -> "libpocl.so": what the files of all its versions begin with. */
static size_t stem_length(const char *library)
{
    const char *so = strstr(library, ".so");
    return so ? (size_t)(so - library) + 3 : strlen(library);
}

static bool icd_names(const struct diagnosis *d, const char *library)
{
    char *stem = xstrndup(library, stem_length(library) - 3);
    bool yes = d->icds.text && strstr(d->icds.text, stem);
    free(stem);
    return yes;
}

/* The library's name in a folder: itself, else the shortest file name with its stem. Owns: caller frees. */
static char *library_in(const struct diagnosis *d, const char *folder, const char *library)
{
    size_t stem = stem_length(library);
    char *best = NULL;
    char *dir = path_in(d, folder);
    DIR *handle = opendir(dir);
    free(dir);
    for (const struct dirent *f = handle ? readdir(handle) : NULL; f; f = readdir(handle)) {
        bool match = strncmp(f->d_name, library, stem) == 0 && (f->d_name[stem] == '\0' || f->d_name[stem] == '.');
        bool exact = strcmp(f->d_name, library) == 0;
        if (match && (!best || exact || (strcmp(best, library) != 0 && strlen(f->d_name) < strlen(best)))) {
            free(best);
            best = xstrdup(f->d_name);
        }
    }
    if (handle) {
        (void)closedir(handle);
    }
    return best;
}

/* True if ld.so's cache has the library, so that its name alone is enough. */
static bool loader_knows(const struct diagnosis *d, const char *library)
{
    size_t len = 0, n = strlen(library);
    char *cache = small_file(d, "/etc/ld.so.cache", (size_t)64 << 20, &len);
    bool yes = false;
    /* Its texts are NUL-terminated: the name stands there by itself. */
    for (size_t i = 1; cache && !yes && i + n < len; i++) {
        yes = cache[i - 1] == '\0' && memcmp(cache + i, library, n + 1) == 0;
    }
    free(cache);
    return yes;
}

/* What an .icd file for the library would have to say; NULL when the library is not there. Owns: caller frees. */
static char *icd_line(const struct diagnosis *d, const char *library)
{
    if (loader_knows(d, library)) {
        return xstrdup(library);
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *found = library_in(d, folders[i], library);
        if (found) {
            char *line = i < 5 ? xstrdup(found) : fs_join(folders[i], found);
            free(found);
            return line;
        }
    }
    return NULL;
}

/* Libraries without an ICD file. Returns how many there are. */
static size_t check_libraries(struct diagnosis *d)
{
    size_t found = 0;
    const char *mkdir = there(d, VENDORS) ? "" : "sudo mkdir -p " VENDORS "; ";
    for (size_t i = 0; i < N_VENDORS; i++) {
        const struct vendor *v = &vendors[i];
        char *line = icd_names(d, v->library) ? NULL : icd_line(d, v->library);
        if (line) {
            found++;
            advise(d,
                   "%s's OpenCL library is installed but no file in " VENDORS
                   " names it: %secho %s | sudo tee " VENDORS "/%s",
                   i == 3 ? "PoCL" : v->name, mkdir, line, v->icd_file);
        }
        free(line);
    }
    return found;
}

static void check_packages(struct diagnosis *d, size_t libraries)
{
    if (d->n_icds > 0 || libraries > 0) {
        return;
    }
    advise(d, "no OpenCL driver is installed (no .icd file in " VENDORS
              "); for this CPU: sudo apt install pocl-opencl-icd");
    for (size_t i = 0; i + 1 < N_VENDORS; i++) {
        advise(d, "OpenCL driver for an %s GPU: package %s", vendors[i].name, vendors[i].package);
    }
}

/* --- hardware */

/* Cards that the kernel shows but no driver serves. */
static void check_cards(struct diagnosis *d)
{
    char *dir = path_in(d, "/sys/class/drm");
    DIR *folder = opendir(dir);
    free(dir);
    bool said[N_VENDORS] = {false};
    for (const struct dirent *f = folder ? readdir(folder) : NULL; f; f = readdir(folder)) {
        if (!str_starts(f->d_name, "renderD")) {
            continue;
        }
        char *path = xasprintf("/sys/class/drm/%s/device/vendor", f->d_name);
        for (size_t i = 0; i + 1 < N_VENDORS; i++) {
            const struct vendor *v = &vendors[i];
            char *line = NULL;
            if (!said[i] && has_text(d, path, v->pci) && !icd_names(d, v->library) &&
                !(line = icd_line(d, v->library)) && d->n_icds > 0) {
                advise(d, "%s: an %s GPU without an OpenCL driver: package %s", f->d_name, v->name, v->package);
                said[i] = true;
            }
            free(line);
        }
        free(path);
    }
    if (folder) {
        (void)closedir(folder);
    }
}

static bool access_rw(const char *path)
{
    return access(path, R_OK | W_OK) == 0;
}

/* One line when the node is there but closed to us. */
static void check_node(struct diagnosis *d, const char *path)
{
    char *full = path_in(d, path);
    struct stat st;
    bool (*may_use)(const char *) = d->o->may_use ? d->o->may_use : access_rw;
    if (stat(full, &st) == 0 && !may_use(full)) {
        const struct group *g = getgrgid(st.st_gid);
        const struct passwd *u = getpwuid(geteuid());
        if ((st.st_mode & 060) == 060 && g) {
            advise(d, "%s is open to the group %s only: sudo usermod -aG %s %s, then log in again", path, g->gr_name,
                   g->gr_name, u ? u->pw_name : "$USER");
        } else {
            advise(d, "%s cannot be read and written by this user (mode %04o, group %s): ask who runs this machine",
                   path, (unsigned)(st.st_mode & 07777), g ? g->gr_name : "unknown");
        }
    }
    free(full);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_permissions(struct diagnosis *d)
{
    char *dir = path_in(d, "/dev/dri");
    DIR *folder = opendir(dir);
    free(dir);
    char **node = NULL;
    size_t n = 0;
    for (const struct dirent *f = folder ? readdir(folder) : NULL; f; f = readdir(folder)) {
        if (str_starts(f->d_name, "renderD")) {
            node = xreallocarray(node, n + 1, sizeof *node);
            node[n++] = fs_join("/dev/dri", f->d_name);
        }
    }
    if (folder) {
        (void)closedir(folder);
    }
    if (n > 0) {
        qsort(node, n, sizeof *node, by_text);
    }
    for (size_t i = 0; i < n; i++) {
        check_node(d, node[i]);
        free(node[i]);
    }
    free(node);
    check_node(d, "/dev/kfd");
}

static bool in_container(const struct diagnosis *d)
{
    static const char *const marks[] = {"docker", "kubepods", "containerd", "libpod", "lxc"};
    if (there(d, "/.dockerenv") || there(d, "/run/.containerenv")) {
        return true;
    }
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (has_text(d, "/proc/1/cgroup", marks[i])) {
            return true;
        }
    }
    return false;
}

static bool has_nvidia_device(const struct probe *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->device[i].usable && strstr(p->device[i].platform, "NVIDIA")) {
            return true;
        }
    }
    return false;
}

/* Source: NVIDIA container toolkit, "Driver capabilities": OpenCL needs `compute`. */
static void check_container(struct diagnosis *d)
{
    bool node = there(d, "/dev/nvidia0") || there(d, "/dev/nvidiactl") || there(d, "/proc/driver/nvidia/version");
    if (!node || has_nvidia_device(d->out) || !in_container(d)) {
        return;
    }
    const char *given = d->o->capabilities ? d->o->capabilities : getenv("NVIDIA_DRIVER_CAPABILITIES");
    if (given && given[0] && !strstr(given, "compute") && !strstr(given, "all")) {
        advise(d,
               "this container has an NVIDIA GPU without the compute capability (NVIDIA_DRIVER_CAPABILITIES=%s): "
               "start it "
               "with --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility",
               given);
    } else if (!there(d, "/dev/nvidiactl")) {
        advise(d, "this container sees an NVIDIA GPU but has no /dev/nvidiactl: start it with --gpus all (Docker) or "
                  "--device nvidia.com/gpu=all (Podman)");
    }
}

void probe_diagnose(struct probe *out, const struct probe_options *o)
{
    struct diagnosis d = {.out = out, .o = o};
    read_icds(&d);
    size_t libraries = check_libraries(&d);
    check_packages(&d, libraries);
    check_cards(&d);
    check_permissions(&d);
    check_container(&d);
    sbuf_release(&d.icds);
}
