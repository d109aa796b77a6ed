int reference_tests(void);
int packs_tests(void);
int resume_tests(void);
int values_tests(void);
int use_tests(void);
int mixture_tests(void);
int diagnosis_tests(void);
int motion_tests(void);
int strips_tests(void);

int main(void)
{
    return (reference_tests() + packs_tests() + resume_tests() + values_tests() + use_tests() + mixture_tests() +
            diagnosis_tests() + motion_tests() + strips_tests()) != 0;
}
