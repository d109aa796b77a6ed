#include "vaetop/advisor/advisor.h"

/* vaetop-advisor: started by vaetop with a socket as fd 3, not by people. */
int main(void)
{
    return advisor_serve(3);
}
