int golden_tests(void);
int gradients_tests(void);

int main(void)
{
    return (golden_tests() + gradients_tests()) != 0;
}
