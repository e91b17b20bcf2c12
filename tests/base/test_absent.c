/* tests/base/test_absent.c - only what is surely not there is absent. */
#include "base/absent.h"
#include "tests/support.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(what_cannot_be_looked_at_is_not_absent)
{
    char folder[] = "/tmp/reprise-test-XXXXXX", path[64], longer[PATH_MAX + 2];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    ck_assert(file_absent(path));
    ck_assert_int_eq(symlink(path, path), 0); /* which leads to itself */
    ck_assert(!file_absent(path));
    unlink(path);
    ck_assert_int_eq(symlink("nowhere", path), 0);
    ck_assert(file_absent(path));
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert(!file_absent("/"));
    ck_assert(file_absent("/dev/null/file"));
    memset(longer, 'n', sizeof longer);
    longer[NAME_MAX + 1] = '\0';
    ck_assert(file_absent(longer));
    longer[NAME_MAX + 1] = 'n';
    longer[PATH_MAX + 1] = '\0';
    ck_assert(file_absent(longer));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/absent");
    TCase *tests = tcase_create("absent");
    tcase_add_test(tests, what_cannot_be_looked_at_is_not_absent);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
