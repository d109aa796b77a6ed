int frame_tests(void);
int messages_tests(void);
int probe_choose_tests(void);
int probe_diagnose_tests(void);
int probe_drivers_tests(void);

int main(void)
{
    int failed = 0;
    failed += frame_tests();
    failed += messages_tests();
    failed += probe_choose_tests();
    failed += probe_diagnose_tests();
    failed += probe_drivers_tests();
    return failed != 0;
}
