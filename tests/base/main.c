int alloc_tests(void);
int str_tests(void);
int rng_tests(void);
int clock_tests(void);
int fs_tests(void);
int loop_tests(void);
int proc_tests(void);

int main(void)
{
    return alloc_tests() + str_tests() + rng_tests() + clock_tests() + fs_tests() + loop_tests() + proc_tests() != 0;
}
