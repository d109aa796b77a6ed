int digits_tests(void);
int fixed_setting_tests(void);

int main(void)
{
    return (digits_tests() + fixed_setting_tests()) != 0;
}
