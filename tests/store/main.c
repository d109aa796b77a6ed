int trial_rows_tests(void);
int durability_tests(void);
int damage_tests(void);
int foreign_tests(void);
int incremental_tests(void);
int snapshots_tests(void);
int suggestions_tests(void);
int notes_tests(void);
int study_file_main(const char *what, const char *dir);

int main(int argc, char **argv)
{
    if (argc == 3) {
        return study_file_main(argv[1], argv[2]);
    }
    int failed = 0;
    failed += trial_rows_tests();
    failed += durability_tests();
    failed += damage_tests();
    failed += foreign_tests();
    failed += incremental_tests();
    failed += snapshots_tests();
    failed += suggestions_tests();
    failed += notes_tests();
    return failed != 0;
}
