int random_tests(void);
int grid_tests(void);
int sobol_tests(void);
int tpe_tests(void);
int objectives_tests(void);
int importance_tests(void);
int gp_tests(void);
int samplers_tests(void);

int main(void)
{
    int failed = random_tests();
    failed += grid_tests();
    failed += sobol_tests();
    failed += tpe_tests();
    failed += objectives_tests();
    failed += importance_tests();
    failed += gp_tests();
    failed += samplers_tests();
    return failed > 0;
}
