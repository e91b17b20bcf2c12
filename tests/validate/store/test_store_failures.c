/* tests/validate/store/test_store_failures.c - what cannot be written is refused, and left as it
 * was. */
#include "tests/support.h"
#include "tests/validate/store/cases.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534

/* Opening for writing is refused with STATUS_IO and these words, and no byte of the file changes.
 */
static void assert_refused(const char *path, const char *words)
{
    size_t before_bytes = 0, after_bytes = 0;
    char *before = file_content(path, &before_bytes);
    struct error err = { 0 };
    struct store *store = NULL;
    ck_assert_int_eq(store_open(path, false, &store, &err), STATUS_IO);
    ck_assert_ptr_null(store);
    ck_assert_str_eq(err.file, path);
    ck_assert_msg(strstr(err.found, words) != NULL, "\"%s\" does not say \"%s\"", err.found, words);
    char *after = file_content(path, &after_bytes);
    ck_assert_uint_eq(before_bytes, after_bytes);
    ck_assert(before == NULL || memcmp(before, after, before_bytes) == 0);
    free(before);
    free(after);
}

static char *database_with_runs(void)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 2, 100, &first, &err), STATUS_OK);
    store_close(store);
    return path;
}

START_TEST(a_file_that_is_no_database_is_refused)
{
    char *path = test_temp_file("This is a text of mine, and more than a hundred bytes of it, so "
                                "that nobody takes it for the header of a database file.\n");
    assert_refused(path, "not a database");
    database_remove(path);
}
END_TEST

START_TEST(anothers_sqlite_database_is_refused)
{
    char *path = database_path();
    sql_do(path, "CREATE TABLE mine (a)");
    assert_refused(path, "not one of reprise's");
    database_remove(path);
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
    char *path = database_with_runs();
    sql_do(path, "PRAGMA user_version = 99");
    assert_refused(path, "version 99, written by a newer reprise");
    database_remove(path);
}
END_TEST

START_TEST(a_damaged_database_is_refused_not_trusted)
{
    char *path = database_with_runs();
    FILE *file = fopen(path, "r+b");
    ck_assert_int_eq(fseek(file, 100, SEEK_SET), 0);
    for (int i = 0; i < 4096; i++)
        fputc(0x5A, file);
    fclose(file);
    assert_refused(path, "malformed");
    database_remove(path);
}
END_TEST

START_TEST(a_folder_and_a_missing_folder_are_refused)
{
    assert_refused("/tmp/.", "unable to open");
    assert_refused("/no/such/folder/reprise.db", "unable to open");
    struct error err = { 0 };
    struct store *store = NULL;
    ck_assert_int_eq(store_open("", false, &store, &err), STATUS_IO);
}
END_TEST

START_TEST(a_database_to_read_must_be_there)
{
    char *path = database_path();
    struct error err = { 0 };
    struct store *store = NULL;
    size_t bytes;
    ck_assert_int_eq(store_open(path, true, &store, &err), STATUS_IO);
    ck_assert_ptr_null(file_content(path, &bytes));
    free(path);
}
END_TEST

/* Root may write anything: run by root, such tests go on as a user who may not. */
static void become_nobody(void)
{
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(NOBODY), 0);
}

static void become_oneself(void)
{
    ck_assert_int_eq(seteuid(getuid()), 0);
}

START_TEST(a_read_only_file_is_refused_before_anything_is_written)
{
    char *path = database_with_runs();
    ck_assert_int_eq(chmod(path, 0444), 0);
    become_nobody();
    assert_refused(path, "read-only");
    become_oneself();
    database_remove(path);
}
END_TEST

/* A folder with a database in it. */
static char *folder_with_database(char path[64])
{
    char *folder = test_temp_file("");
    unlink(folder);
    ck_assert_int_eq(mkdir(folder, 0777), 0);
    snprintf(path, 64, "%s/a?b#c%%.db", folder); /* none of which may read as a URI's */
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 2, 10, &first, &err), STATUS_OK);
    store_close(store);
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_int_eq(chmod(folder, 0555), 0);
    return folder;
}

START_TEST(in_a_read_only_folder_writing_is_refused_and_reading_works)
{
    char path[64];
    char *folder = folder_with_database(path);
    become_nobody();
    assert_refused(path, "readonly");
    struct error err = { 0 };
    struct store *store = NULL;
    struct metrics metrics;
    enum status status = store_open(path, true, &store, &err);
    if (status != STATUS_OK)
        error_print(stderr, &err);
    ck_assert_int_eq(status, STATUS_OK);
    ck_assert_int_eq(store_metrics(store, 2, &metrics, &err), STATUS_OK);
    ck_assert_double_eq(metrics.turns, 1000.5);
    store_close(store);
    become_oneself();
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0); /* which says that nothing else was left in it */
    free(folder);
}
END_TEST

START_TEST(a_locked_database_is_refused_after_a_wait)
{
    char *path = database_with_runs();
    sqlite3 *other;
    ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_refused(path, "locked");
    sqlite3_close(other);
    database_remove(path);
}
END_TEST

/* A disk that is full in the middle of a transaction: no file of this process grows past limit. */
static enum status put_with_limit(struct store *store, rlim_t limit_bytes, uint32_t runs,
                                  struct error *err)
{
    int64_t first;
    struct rlimit old, limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = (struct rlimit){ .rlim_cur = limit_bytes, .rlim_max = old.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    enum status status = put_numbered(store, runs, 2000, &first, err);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    return status;
}

START_TEST(a_disk_that_fills_up_leaves_what_was_there_and_nothing_else)
{
    signal(SIGXFSZ, SIG_IGN);
    char *path = database_with_runs();
    size_t before_bytes, after_bytes;
    char *before = file_content(path, &before_bytes);
    int failures = 0;
    /* From full at once to full at the end: 20 runs need about 700 KB. */
    for (rlim_t limit_bytes = 36864; limit_bytes < 600000; limit_bytes += 77777) {
        struct store *store = store_opened(path);
        struct error err = { 0 };
        ck_assert_int_eq(put_with_limit(store, limit_bytes, 20, &err), STATUS_IO);
        ck_assert(err.found[0] != '\0');
        store_close(store);
        failures++;
        char *after = file_content(path, &after_bytes);
        ck_assert_uint_eq(before_bytes, after_bytes);
        ck_assert_mem_eq(before, after, before_bytes);
        free(after);
    }
    ck_assert_int_ge(failures, 5);
    free(before);

    /* And with room again, the store works on. */
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_with_limit(store, 65536, 20, &err), STATUS_IO);
    err = (struct error){ 0 };
    ck_assert_int_eq(put_numbered(store, 1, 1, &first, &err), STATUS_OK);
    store_close(store);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM run"), 3);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM pragma_integrity_check"
                                      " WHERE integrity_check = 'ok'"),
                     1);
    database_remove(path);
}
END_TEST

START_TEST(a_damaged_curve_is_an_error_not_a_crash)
{
    char *path = database_with_runs();
    sql_do(path, "UPDATE series SET xy_zstd = x'28B52FFD00' WHERE run_id = 1;"
                 "UPDATE series SET points = points + 1 WHERE run_id = 2");
    struct store *store = store_opened(path);
    for (int64_t run = 1; run <= 2; run++) {
        struct error err = { 0 };
        struct series series;
        ck_assert_int_eq(store_series(store, run, "ttft_cdf", &series, &err), STATUS_IO);
        ck_assert_str_eq(err.found, "its blob is damaged");
    }
    store_close(store);
    database_remove(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_failures");
    TCase *tcase = tcase_create("store_failures");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_file_that_is_no_database_is_refused);
    tcase_add_test(tcase, anothers_sqlite_database_is_refused);
    tcase_add_test(tcase, a_newer_schema_is_refused);
    tcase_add_test(tcase, a_damaged_database_is_refused_not_trusted);
    tcase_add_test(tcase, a_folder_and_a_missing_folder_are_refused);
    tcase_add_test(tcase, a_database_to_read_must_be_there);
    tcase_add_test(tcase, a_read_only_file_is_refused_before_anything_is_written);
    tcase_add_test(tcase, in_a_read_only_folder_writing_is_refused_and_reading_works);
    tcase_add_test(tcase, a_locked_database_is_refused_after_a_wait);
    tcase_add_test(tcase, a_disk_that_fills_up_leaves_what_was_there_and_nothing_else);
    tcase_add_test(tcase, a_damaged_curve_is_an_error_not_a_crash);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
