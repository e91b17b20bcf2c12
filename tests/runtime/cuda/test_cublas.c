/* tests/runtime/cuda/test_cublas.c - which of a machine's cuBLAS libraries is taken: cublas.c
 * itself, built against headers of major 13, on stand-ins (stand_in_cublas.c) that each test lays
 * into the loader's folder and the toolkit's. */
#include "runtime/cuda/cublas.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const folders[] = { "loader", "toolkit" };

static void name_in(char *path, size_t bytes, const char *folder, int major)
{
    snprintf(path, bytes, BLAS_FOLDER "/%s/" CUBLAS_LIBRARY "%d", folder, major);
}

static void remove_all(void)
{
    char path[512];
    for (size_t f = 0; f < sizeof folders / sizeof *folders; f++)
        for (int major = 12; major <= 13; major++) {
            name_in(path, sizeof path, folders[f], major);
            unlink(path);
        }
}

/* kind: "whole", or "part": a function is missing. */
static void lay(const char *folder, int major, const char *kind)
{
    char path[512], target[512];
    name_in(path, sizeof path, folder, major);
    snprintf(target, sizeof target, BLAS_FOLDER "/blas_%s_%d.so", kind, major);
    ck_assert_int_eq(symlink(target, path), 0);
}

static int major_taken(void)
{
    struct cublas blas;
    struct error err = { 0 };
    enum status status = cublas_open(&blas, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s", err.expected, err.found);
    ck_assert(blas.multiply != NULL);
    int major = (int)(blas.version() / 10000);
    return major;
}

START_TEST(of_both_majors_the_headers_own_is_taken)
{
    lay("loader", 12, "whole");
    lay("loader", 13, "whole");
    ck_assert_int_eq(major_taken(), 13);
}
END_TEST

START_TEST(a_machine_with_only_the_other_major_works)
{
    lay(folders[_i], 12, "whole");
    ck_assert_int_eq(major_taken(), 12);
}
END_TEST

START_TEST(where_the_loader_looks_goes_before_the_toolkit)
{
    lay("loader", 12, "whole");
    lay("toolkit", 13, "whole");
    ck_assert_int_eq(major_taken(), 12);
}
END_TEST

START_TEST(a_library_of_which_a_function_is_missing_is_passed_by)
{
    lay("loader", 13, "part");
    lay(folders[_i], 12, "whole");
    ck_assert_int_eq(major_taken(), 12);
}
END_TEST

START_TEST(a_machine_with_neither_says_all_that_was_tried)
{
    struct cublas blas;
    struct error err = { 0 };
    ck_assert_int_eq(cublas_open(&blas, &err), STATUS_IO);
    ck_assert_str_eq(err.expected, "load cuBLAS");
    ck_assert_msg(
        strncmp(err.found, "no " CUBLAS_LIBRARY "13; no " CUBLAS_LIBRARY "12; no /", 49) == 0, "%s",
        err.found);
    ck_assert(blas.create == NULL);
}
END_TEST

START_TEST(a_machine_with_an_unfit_one_says_why)
{
    struct cublas blas;
    struct error err = { 0 };
    lay("loader", 12, "part");
    ck_assert_int_eq(cublas_open(&blas, &err), STATUS_IO);
    ck_assert_msg(strstr(err.found, CUBLAS_LIBRARY "12 has no cublasLtMatmul") != NULL, "%s",
                  err.found);
    ck_assert(blas.create == NULL);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("libraries");
    tcase_add_checked_fixture(tests, remove_all, remove_all);
    tcase_add_test(tests, of_both_majors_the_headers_own_is_taken);
    tcase_add_loop_test(tests, a_machine_with_only_the_other_major_works, 0, 2);
    tcase_add_test(tests, where_the_loader_looks_goes_before_the_toolkit);
    tcase_add_loop_test(tests, a_library_of_which_a_function_is_missing_is_passed_by, 0, 2);
    tcase_add_test(tests, a_machine_with_neither_says_all_that_was_tried);
    tcase_add_test(tests, a_machine_with_an_unfit_one_says_why);
    Suite *suite = suite_create("cuBLAS libraries");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
