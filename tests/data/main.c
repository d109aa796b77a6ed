#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

#ifdef __SANITIZE_ADDRESS__
#define RISE_MOST_KIB (1L << 30) /* shadow memory and freed blocks held back are not the readers' */
#else
#define RISE_MOST_KIB (64L << 10)
#endif

int idx_tests(void);
int idx_broken_tests(void);
int npy_tests(void);
int csv_tests(void);
int csv_broken_tests(void);
int scale_tests(void);
int tensors_tests(void);
int tensors_broken_tests(void);
int split_tests(void);
int digits_tests(void);
int knn_tests(void);
int written_tests(void);

/* What a reader is given on purpose to break it: in a process of its own, whose memory may rise 64 MiB above where it
 * began over all those files together. */
static int hostile_tests(void)
{
    int status = 1;
    const pid_t pid = fork();
    if (pid == 0) {
        const long before = peak_rss_kib();
        const clock_t start = clock();
        int failed = idx_broken_tests() + tensors_broken_tests() + csv_broken_tests();
        const long rise = peak_rss_kib() - before;
        (void)printf("broken and hostile files: %ld KiB above the baseline, %.2f s\n", rise,
                     (double)(clock() - start) / CLOCKS_PER_SEC);
        if (rise > RISE_MOST_KIB) {
            (void)printf("at most %ld KiB were expected\n", RISE_MOST_KIB);
            failed++;
        }
        (void)fflush(stdout);
        _exit(failed != 0);
    }
    return pid < 0 || waitpid(pid, &status, 0) != pid || status != 0;
}

int main(void)
{
    int failed = hostile_tests() + idx_tests() + tensors_tests();
    failed += npy_tests() + csv_tests() + scale_tests();
    failed += split_tests() + digits_tests() + knn_tests() + written_tests();
    return failed != 0;
}
