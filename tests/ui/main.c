#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "demo_store.h"
#include "vaetop/ui/ui.h"

int canvas_tests(void);
int drawing_tests(void);
int filter_tests(void);
int gallery_tests(void);
int keys_tests(void);
int numbers_tests(void);
int pictures_tests(void);
int plot_tests(void);
int pty_tests(void);
int screens_tests(void);
int setup_tests(void);
int form_tests(void);
int sizes_tests(void);
int term_tests(void);
int view_tests(void);

/* test_ui study DIR KIND: writes the made-up study. test_ui attach DIR [ascii|slow]: shows a study. For the tests in a
 * real terminal. */
static int serve(int argc, char **argv)
{
    struct err e;
    enum err_code rc;
    if (strcmp(argv[1], "study") == 0) {
        rc = demo_store(argv[2], argc > 3 ? (enum demo_kind)atoi(argv[3]) : DEMO_THIRTEEN, &e);
    } else {
        enum ui_end end = UI_DETACHED;
        const struct ui_options o = {.ascii = argc > 3 && strcmp(argv[3], "ascii") == 0,
                                     .slow = argc > 3 && strcmp(argv[3], "slow") == 0};
        rc = ui_attach(&end, argv[2], NULL, &o, &e);
        (void)printf("ended %d\n", (int)end);
    }
    if (rc) {
        (void)fprintf(stderr, "%s\n", e.text);
    }
    return err_exit_status(rc);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "pty") == 0) { /* apart: it waits for silence most of its time */
        return pty_tests() != 0;
    }
    if (argc >= 3) {
        return serve(argc, argv);
    }
    int failed = canvas_tests();
    failed += numbers_tests();
    failed += plot_tests();
    failed += keys_tests();
    failed += view_tests();
    failed += drawing_tests();
    failed += filter_tests();
    failed += gallery_tests();
    failed += screens_tests();
    static int (*const hostile[])(void) = {setup_tests};
    failed += hostile_tests(hostile, sizeof hostile / sizeof *hostile, "settings, damaged ones among them");
    failed += form_tests();
    failed += sizes_tests();
    failed += pictures_tests();
    failed += term_tests();
    return failed ? 1 : 0;
}
