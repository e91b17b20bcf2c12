/* tests/base/test_module.c - where a module is looked for and which one is taken: module.c itself,
 * built with a folder of the test's as the build's, on stand-ins (stand_in_module.c) laid there and
 * beside this program. */
#include "base/module.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAMP "as built" /* stand_in_module.c's */
static const char name[] = "reprise-stand-in";

static char beside[4096], built[4096];

static void remove_both(void)
{
    ssize_t length = readlink("/proc/self/exe", beside, sizeof beside - 100);
    ck_assert_int_gt(length, 0);
    beside[length] = '\0';
    snprintf(strrchr(beside, '/'), 100, "/%s.so", name);
    snprintf(built, sizeof built, "%s/%s.so", REPRISE_MODULES, name);
    unlink(beside);
    unlink(built);
}

/* number: 1, 2: modules, whose doors are these numbers; 0: no module. */
static void lay(const char *path, int number)
{
    char from[512], command[9000];
    snprintf(from, sizeof from, "%s/stand_in_%d.so", STAND_INS, number);
    snprintf(command, sizeof command, "cp '%s' '%s'", from, path);
    ck_assert_int_eq(system(command), 0);
}

static int taken(void)
{
    const void *door = NULL;
    struct error err = { 0 };
    enum status status = module_open(name, STAMP, &door, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s: %s", err.file, err.expected, err.found);
    return *(const int *)door;
}

static void check_refused(const char *stamp, const char *file, const char *words)
{
    const void *door = NULL;
    struct error err = { 0 };
    ck_assert_int_eq(module_open(name, stamp, &door, &err), STATUS_IO);
    ck_assert_ptr_null(door);
    ck_assert_str_eq(err.file, file);
    ck_assert_msg(strstr(err.found, words) != NULL, "%s", err.found);
}

START_TEST(it_is_found_where_the_build_left_it)
{
    lay(built, 1);
    ck_assert_int_eq(taken(), 1);
    ck_assert_int_eq(taken(), 1); /* and again */
}
END_TEST

START_TEST(beside_the_program_goes_first)
{
    lay(built, 1);
    lay(beside, 2);
    ck_assert_int_eq(taken(), 2);
}
END_TEST

START_TEST(another_builds_is_refused)
{
    lay(built, 1);
    check_refused("as changed", built, "another build");
}
END_TEST

START_TEST(what_is_no_module_is_refused)
{
    lay(built, 0);
    check_refused(STAMP, built, "another build");
    unlink(built); /* which is loaded, and stays as it is */
    FILE *file = fopen(built, "w");
    fputs("text", file);
    fclose(file);
    check_refused(STAMP, built, "");
}
END_TEST

/* Whoever may write beside the program: root's own may, and is who can make another's file here. */
START_TEST(one_of_another_owner_is_refused)
{
    lay(beside, 1);
    if (chown(beside, 12345, 12345) == 0)
        check_refused(STAMP, beside, "its owner is not the program's");
}
END_TEST

START_TEST(neither_the_environment_nor_the_current_folder_says_where_it_is)
{
    char here[] = "/tmp/reprise-test-module-XXXXXX", path[128];
    ck_assert_ptr_nonnull(mkdtemp(here));
    ck_assert_int_eq(chdir(here), 0);
    snprintf(path, sizeof path, "%s/%s.so", here, name);
    lay(path, 1);
    ck_assert_int_eq(setenv("LD_LIBRARY_PATH", here, 1), 0);
    check_refused(STAMP, "", "is neither in /");
    unlink(path);
    rmdir(here);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("modules");
    tcase_add_checked_fixture(tests, remove_both, remove_both);
    tcase_add_test(tests, it_is_found_where_the_build_left_it);
    tcase_add_test(tests, beside_the_program_goes_first);
    tcase_add_test(tests, another_builds_is_refused);
    tcase_add_test(tests, what_is_no_module_is_refused);
    tcase_add_test(tests, one_of_another_owner_is_refused);
    tcase_add_test(tests, neither_the_environment_nor_the_current_folder_says_where_it_is);
    Suite *suite = suite_create("modules");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
