#include <string.h>

#include "vaetop/advisor/advisor.h"

int advise_tests(void);

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    (void)argc;
    if (strcmp(slash ? slash + 1 : argv[0], "vaetop-advisor") == 0) {
        return advisor_serve(3); /* the tests start this program as the advisor */
    }
    return advise_tests() != 0;
}
