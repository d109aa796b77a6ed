#include "vaetop/advisor/advisor.h"
#include "vaetop/tune/blas.h"

/* vaetop-advisor: started by vaetop with a socket as fd 3, not by people. */
int main(int argc, char **argv)
{
    if (argc > 0) {
        blas_settle(argv); /* here and not in the engine, whose workers are to keep their own environment */
    }
    return advisor_serve(3);
}
