#include "check.h"

int net_tests(void);
int layout_tests(void);

int main(void)
{
    int failed = 0;
    failed += net_tests();
    failed += layout_tests();
    return failed ? 1 : 0;
}
