/* tests/base/test_read_end.c - a file that cannot be read to its end is not a shorter one; folders'
 * names. */
#include "base/read_end.h"

#include "base/folder_names.h"
#include "tests/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status read_packed(const char *path, struct error *err)
{
    char part[64];
    gzFile file = gzopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    while (gzread(file, part, sizeof part) > 0)
        continue;
    errno = 0; /* as whoever parses what was read may leave it */
    return read_end_gzip(file, path, err);
}

/* A folder opens as a file and fails where it is read: EISDIR, as EIO would of a disk. */
START_TEST(a_read_that_fails_is_no_end)
{
    struct error err = { 0 };
    char line[16];
    FILE *file = fopen("/", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_null(fgets(line, sizeof line, file));
    ck_assert_int_eq(read_end(file, "a/path", &err), STATUS_IO);
    ck_assert_str_eq(err.file, "a/path");
    ck_assert_str_eq(err.found, "Is a directory");
    struct error packed = { 0 };
    ck_assert_int_eq(read_packed("/", &packed), STATUS_IO);
    ck_assert_str_eq(packed.file, "/");
    ck_assert_str_eq(packed.found, "Is a directory");
}
END_TEST

START_TEST(an_end_is_one)
{
    struct error err = { 0 };
    char line[16], *path = test_temp_file("a line\n");
    FILE *file = fopen(path, "r");
    while (fgets(line, sizeof line, file) != NULL)
        continue;
    ck_assert_int_eq(read_end(file, path, &err), STATUS_OK);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(an_earlier_error_stays)
{
    struct error err = { 0 };
    error_input(&err, "first", 1, NULL, "something", NULL);
    FILE *file = fopen("/", "r");
    (void)fgetc(file);
    ck_assert_int_eq(read_end(file, "second", &err), STATUS_INPUT);
    ck_assert_str_eq(err.file, "first");
}
END_TEST

START_TEST(a_packed_file_that_breaks_off_is_told)
{
    struct error err = { 0 }, broken = { 0 };
    char *path = test_temp_file("");
    gzFile out = gzopen(path, "wb");
    for (int i = 0; i < 1000; i++)
        gzprintf(out, "line %d\n", i);
    gzclose(out);
    ck_assert_int_eq(read_packed(path, &err), STATUS_OK);
    struct stat facts;
    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_int_eq(truncate(path, facts.st_size / 2), 0);
    ck_assert_int_eq(read_packed(path, &broken), STATUS_IO);
    ck_assert_str_eq(broken.file, path);
    unlink(path);
    free(path);
}
END_TEST

/* ---- folders ---- */

static void check_names(const char *folder, const char *ending, const char *expected)
{
    struct folder_names names = { 0 };
    struct error err = { 0 };
    char all[256] = "";
    ck_assert_int_eq(folder_names_read(folder, ending, &names, &err), STATUS_OK);
    for (uint32_t i = 0; i < names.count; i++) {
        strcat(all, names.name[i]);
        strcat(all, " ");
    }
    ck_assert_str_eq(all, expected);
    folder_names_free(&names);
}

/* By byte of what is left: '-' stands before '.', and "h100" before "h100-1x" all the same. */
START_TEST(names_come_sorted_without_their_ending)
{
    static const char *const files[] = { "h100-1x.yaml", "B.yaml",    "h100.yaml",
                                         ".hidden.yaml", "other.txt", ".yaml" };
    char folder[] = "/tmp/test-names-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        fclose(fopen(path, "w"));
    }
    check_names(folder, ".yaml", "B h100 h100-1x ");
    check_names(folder, NULL, "B.yaml h100-1x.yaml h100.yaml other.txt ");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error)
{
    struct folder_names names = { 0 };
    struct error err = { 0 };
    ck_assert_int_eq(folder_names_read("/no/such", NULL, &names, &err), STATUS_IO);
    ck_assert_str_eq(err.file, "/no/such");
    folder_names_free(&names);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/read_end");
    TCase *tcase = tcase_create("files");
    tcase_add_test(tcase, a_read_that_fails_is_no_end);
    tcase_add_test(tcase, an_end_is_one);
    tcase_add_test(tcase, an_earlier_error_stays);
    tcase_add_test(tcase, a_packed_file_that_breaks_off_is_told);
    tcase_add_test(tcase, names_come_sorted_without_their_ending);
    tcase_add_test(tcase, a_folder_that_is_not_there_is_an_error);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
