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
    int failed = idx_tests() + idx_broken_tests() + tensors_tests() + tensors_broken_tests();
    failed += npy_tests() + csv_tests() + csv_broken_tests() + scale_tests();
    failed += split_tests() + digits_tests() + knn_tests() + written_tests();
    return failed != 0;
}
