#include "check.h"

int knobs_tests(void);
int configs_tests(void);
int errors_tests(void);
int presets_tests(void);
int round_trip_tests(void);
int places_tests(void);
int spaces_tests(void);

int main(void)
{
    static int (*const hostile[])(void) = {errors_tests};
    int failed = hostile_tests(hostile, sizeof hostile / sizeof *hostile, "wrong and hostile presets");
    failed += knobs_tests();
    failed += configs_tests();
    failed += presets_tests();
    failed += round_trip_tests();
    failed += places_tests();
    failed += spaces_tests();
    return failed > 0;
}
