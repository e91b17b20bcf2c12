/* tests/base/test_path.c - what base/path.h promises. */
#include "base/path.h"

#include "tests/support.h"

#include <stdlib.h>

static const struct {
    const char *path, *folder, *name;
    int folder_bytes;
} cases[] = {
    { "a/b", "a", "b", 2 }, { "b", ".", "b", 0 },         { "/b", "/", "b", 1 },
    { "a/", "a", "", 2 },   { "", ".", "", 0 },           { "/", "/", "", 1 },
    { "./b", ".", "b", 2 }, { "/a/b/c", "/a/b", "c", 5 },
};

START_TEST(a_path_has_a_folder_and_a_name)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = path_folder(cases[i].path);
        ck_assert_str_eq(folder, cases[i].folder);
        ck_assert_str_eq(path_name(cases[i].path), cases[i].name);
        ck_assert_int_eq(path_folder_bytes(cases[i].path), cases[i].folder_bytes);
        free(folder);
    }
}
END_TEST

START_TEST(an_ending_has_something_before_it)
{
    ck_assert(path_ends_in("a.csv", ".csv"));
    ck_assert(path_ends_in("a.csv.gz", ".csv.gz"));
    ck_assert(!path_ends_in("a.csv.gz", ".csv"));
    ck_assert(!path_ends_in(".csv", ".csv"));
    ck_assert(!path_ends_in("csv", ".csv"));
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/path");
    TCase *tcase = tcase_create("path");
    tcase_add_test(tcase, a_path_has_a_folder_and_a_name);
    tcase_add_test(tcase, an_ending_has_something_before_it);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
