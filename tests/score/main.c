int front_tests(void);
int pruner_tests(void);
int ranking_tests(void);

int main(void)
{
    int failed = front_tests();
    failed += pruner_tests();
    failed += ranking_tests();
    return failed > 0;
}
