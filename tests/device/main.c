int device_tests(void);
int opening_tests(void);

int main(void)
{
    int failed = 0;
    failed += device_tests();
    failed += opening_tests();
    return failed != 0;
}
