#include "check.h"

int idx_tests(void);
int idx_broken_tests(void);
int npy_tests(void);
int csv_tests(void);
int csv_broken_tests(void);
int scale_tests(void);
int tensors_tests(void);
int tensors_broken_tests(void);
int split_tests(void);
int digits_tests(void);
int knn_tests(void);
int written_tests(void);

int main(void)
{
    static int (*const hostile[])(void) = {idx_broken_tests, tensors_broken_tests, csv_broken_tests};
    int failed = hostile_tests(hostile, sizeof hostile / sizeof *hostile, "broken and hostile files");
    failed += idx_tests() + tensors_tests();
    failed += npy_tests() + csv_tests() + scale_tests();
    failed += split_tests() + digits_tests() + knn_tests() + written_tests();
    return failed != 0;
}
