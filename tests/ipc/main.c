int frame_tests(void);

int main(void)
{
    return frame_tests() != 0;
}
