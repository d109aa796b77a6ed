int random_tests(void);
int grid_tests(void);

int main(void)
{
    int failed = random_tests();
    failed += grid_tests();
    return failed > 0;
}
