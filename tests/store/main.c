int trial_rows_tests(void);
int durability_tests(void);
int damage_tests(void);
int foreign_tests(void);
int incremental_tests(void);
int snapshots_tests(void);

int main(void)
{
    int failed = 0;
    failed += trial_rows_tests();
    failed += durability_tests();
    failed += damage_tests();
    failed += foreign_tests();
    failed += incremental_tests();
    failed += snapshots_tests();
    return failed != 0;
}
