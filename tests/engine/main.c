/* One program in five roles: the tests, and what they start. */
#include <string.h>

#include "rig.h"
#include "vaetop/engine/engine.h"

int flow_tests(void);
int crash_tests(void);
int link_tests(void);
int devices_tests(void);
int living_tests(void);
int full_tests(void);
int prune_tests(void);

static int start_and_leave(const char *dir)
{
    struct client *c;
    struct err e;
    if (client_start(&c, NULL, dir, NULL, &e)) {
        return 1;
    }
    client_free(c);
    return 0;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];
    const char *use = argc > 1 ? argv[1] : "";
    if (strcmp(name, "vaetop-worker") == 0) {
        return fake_worker(argc, argv);
    }
    if (strcmp(name, "vaetop-advisor") == 0) {
        return fake_advisor();
    }
    if (strcmp(use, "__supervise") == 0 && argc == 4) {
        return engine_supervise(argv[2], argv[3], 3);
    }
    if (strcmp(use, "__engine") == 0 && argc == 4) {
        return engine_main(argv[2], argv[3], 3);
    }
    if (strcmp(use, "__start") == 0 && argc == 3) {
        return start_and_leave(argv[2]);
    }
    static const struct {
        const char *name;
        int (*run)(void);
    } group[] = {{"flow", flow_tests},       {"crash", crash_tests}, {"link", link_tests}, {"devices", devices_tests},
                 {"living", living_tests}, {"full", full_tests},   {"prune", prune_tests}};
    int failed = 0;
    for (size_t i = 0; i < sizeof group / sizeof *group; i++) { /* all, or the one that is named */
        failed += !*use || strcmp(use, group[i].name) == 0 ? group[i].run() : 0;
    }
    return failed != 0;
}
