#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"

static void products_that_overflow_are_refused(void **state)
{
    size_t out = 7;
    uint64_t wide = 7;
    (void)state;
    assert_false(mul_size(&out, SIZE_MAX / 2, 3));
    assert_int_equal(out, 7);
    assert_true(mul_size(&out, 6, 7));
    assert_int_equal(out, 42);
    assert_false(mul_u64(&wide, UINT64_MAX, 2));
    assert_true(mul_u64(&wide, UINT64_MAX, 1));
    assert_true(wide == UINT64_MAX);
}

static void try_calloc_refuses_what_cannot_be(void **state)
{
    (void)state;
    assert_null(try_calloc(SIZE_MAX / 2, 3));
}

static void errors_keep_their_cause_behind_a_prefix(void **state)
{
    struct err e;
    (void)state;
    assert_int_equal(err_set(&e, ERR_IO, "file %d", 3), ERR_IO);
    err_prefix(&e, "trial %d", 9);
    assert_string_equal(e.text, "trial 9: file 3");
    assert_int_equal(e.code, ERR_IO);
    assert_int_equal(err_set(NULL, ERR_DB, "nobody listens"), ERR_DB);
}

static void errors_have_the_exit_statuses_scripts_rely_on(void **state)
{
    (void)state;
    assert_int_equal(err_exit_status(ERR_OK), 0);
    assert_int_equal(err_exit_status(ERR_DATA), 1);
    assert_int_equal(err_exit_status(ERR_USAGE), 2);
    assert_int_equal(err_exit_status(ERR_NODEVICE), 3);
    assert_int_equal(err_exit_status(ERR_FAILED), 4);
    assert_int_equal(err_exit_status(ERR_BUSY), 5);
    assert_int_equal(err_exit_status(ERR_DB), 6);
}

static void long_prefixes_do_not_overflow(void **state)
{
    struct err e;
    char big[2000];
    (void)state;
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    (void)err_set(&e, ERR_IO, "%s", big);
    err_prefix(&e, "%s", big);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

int alloc_tests(void);
int alloc_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_that_overflow_are_refused),
        cmocka_unit_test(try_calloc_refuses_what_cannot_be),
        cmocka_unit_test(errors_keep_their_cause_behind_a_prefix),
        cmocka_unit_test(errors_have_the_exit_statuses_scripts_rely_on),
        cmocka_unit_test(long_prefixes_do_not_overflow),
    };
    return cmocka_run_group_tests_name("base alloc, err", tests, NULL, NULL);
}
