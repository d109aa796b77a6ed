#include <stdlib.h>
#include <unistd.h>

#include "vaetop/advisor/advisor.h"

/* vaetop-advisor: started by vaetop with a socket as fd 3, not by people. */
int main(int argc, char **argv)
{
    /* OpenBLAS makes its threads while it is loaded, before main(): one is wanted, the others would take the cores from
     * the trials. Reading the variable only here keeps it out of vaetop and its workers. */
    if (argc > 0 && !getenv("OPENBLAS_NUM_THREADS") && setenv("OPENBLAS_NUM_THREADS", "1", 1) == 0) {
        (void)execv("/proc/self/exe", argv);
    }
    return advisor_serve(3);
}
