int device_tests(void);
int opening_tests(void);
int readings_tests(void);

int main(void)
{
    int failed = 0;
    failed += device_tests();
    failed += opening_tests();
    failed += readings_tests();
    return failed != 0;
}
