#include <stdlib.h>

#include "check.h"

int noise_tests(void);
int lanes_tests(void);
int kernels_tests(void);
int steps_tests(void);
int rules_tests(void);
int decode_tests(void);
int selftest_tests(void);

/* VAETOP_TEST_ONLY: a pattern of tests' names. */
int main(void)
{
    if (getenv("VAETOP_TEST_ONLY")) {
        cmocka_set_test_filter(getenv("VAETOP_TEST_ONLY"));
    }
    return (noise_tests() + lanes_tests() + kernels_tests() + steps_tests() + rules_tests() + decode_tests() + selftest_tests()) != 0;
}
