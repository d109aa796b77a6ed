int noise_tests(void);
int lanes_tests(void);
int kernels_tests(void);
int steps_tests(void);
int decode_tests(void);
int selftest_tests(void);

int main(void)
{
    return (noise_tests() + lanes_tests() + kernels_tests() + steps_tests() + decode_tests() + selftest_tests()) != 0;
}
