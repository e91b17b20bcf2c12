/* tests/base/test_whole_file.c - a file is there whole, or as it was; links are replaced, never
 * followed. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "base/whole_file.h"
#include "tests/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char folder[64], path[128], other[128];

static void open_folder(void)
{
    strcpy(folder, "/tmp/reprise-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(other, sizeof other, "%s/other", folder);
}

static void close_folder(void)
{
    unlink(path);
    unlink(other);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left */
}

/* As on a file system that knows no files without a name (NFS, FUSE); for the process's life. */
static void refuse_nameless_files(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    open_folder();
}

static void put(const char *to, const char *text)
{
    FILE *out = fopen(to, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
}

static void holds(const char *from, const char *wanted)
{
    char text[64] = "";
    FILE *in = fopen(from, "r");
    ck_assert_ptr_nonnull(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    ck_assert_str_eq(text, wanted);
}

static enum status write_new(struct error *err)
{
    struct whole_file file;
    if (whole_file_open(&file, path, err) == STATUS_OK) {
        fputs("new", file.out);
        whole_file_close(&file, err);
    }
    return err->status;
}

START_TEST(it_is_there_at_the_end_alone)
{
    struct error err = { 0 };
    struct whole_file file;
    put(path, "old");
    ck_assert_int_eq(whole_file_open(&file, path, &err), STATUS_OK);
    fputs("new", file.out);
    fflush(file.out);
    holds(path, "old");
    ck_assert_int_eq(whole_file_close(&file, &err), STATUS_OK);
    holds(path, "new");
}
END_TEST

/* A process that is killed leaves nothing, but where a file system knows no files without a name.
 */
START_TEST(while_it_is_written_no_name_is_there)
{
    struct error err = { 0 };
    struct whole_file file;
    struct dirent *entry;
    int nameless = open(folder, O_TMPFILE | O_RDWR, 0600);
    ck_assert_int_eq(whole_file_open(&file, path, &err), STATUS_OK);
    fputs("new", file.out);
    fflush(file.out);
    DIR *directory = opendir(folder);
    while (nameless >= 0 && (entry = readdir(directory)) != NULL)
        ck_assert_int_eq(entry->d_name[0], '.');
    closedir(directory);
    ck_assert_int_eq(whole_file_close(&file, &err), STATUS_OK);
    holds(path, "new");
    close(nameless);
}
END_TEST

/* Where no file is nameless it has one of its own until it is whole, and that is all there is. */
START_TEST(it_is_written_beside_its_place)
{
    struct error err = { 0 };
    struct whole_file file;
    struct dirent *entry;
    uint32_t beside = 0;
    ck_assert_int_eq(whole_file_open(&file, path, &err), STATUS_OK);
    DIR *directory = opendir(folder);
    while ((entry = readdir(directory)) != NULL)
        beside += strncmp(entry->d_name, "file.", strlen("file.")) == 0;
    closedir(directory);
    ck_assert_uint_eq(beside, 1);
    whole_file_abandon(&file); /* close_folder() would find it */
}
END_TEST

START_TEST(its_mode_is_that_of_any_new_file)
{
    struct error err = { 0 };
    struct stat facts;
    mode_t before = umask(027);
    ck_assert_int_eq(write_new(&err), STATUS_OK);
    umask(before);
    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 07777, 0640);
}
END_TEST

/* The first bytes of many are refused: the reason is told at the end, whatever came between. */
START_TEST(why_it_could_not_be_written_is_told)
{
    struct error err = { 0 };
    struct whole_file file;
    const struct rlimit small = { 100000, 100000 };
    signal(SIGXFSZ, SIG_IGN);
    put(path, "old");
    ck_assert_int_eq(whole_file_open(&file, path, &err), STATUS_OK);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 100000; i++)
        fputs("0123456789", file.out);
    errno = 0;
    ck_assert_int_eq(whole_file_close(&file, &err), STATUS_IO);
    ck_assert_str_eq(err.found, strerror(EFBIG));
    holds(path, "old");
}
END_TEST

START_TEST(what_was_there_outlives_an_error)
{
    struct error err = { 0 };
    struct whole_file file;
    put(path, "old");
    ck_assert_int_eq(whole_file_open(&file, path, &err), STATUS_OK);
    fputs("new", file.out);
    error_io(&err, path, "draw", "it failed");
    ck_assert_int_eq(whole_file_close(&file, &err), STATUS_IO);
    holds(path, "old");
}
END_TEST

START_TEST(a_link_is_replaced_and_what_it_leads_to_stays)
{
    struct error err = { 0 };
    struct stat facts;
    put(other, "old");
    ck_assert_int_eq(symlink(other, path), 0);
    ck_assert_int_eq(write_new(&err), STATUS_OK);
    holds(other, "old");
    holds(path, "new");
    ck_assert_int_eq(lstat(path, &facts), 0);
    ck_assert(S_ISREG(facts.st_mode));
}
END_TEST

START_TEST(a_link_to_nothing_makes_no_file_there)
{
    struct error err = { 0 };
    ck_assert_int_eq(symlink(other, path), 0);
    ck_assert_int_eq(write_new(&err), STATUS_OK);
    ck_assert_int_ne(access(other, F_OK), 0);
    holds(path, "new");
}
END_TEST

START_TEST(a_link_at_the_place_that_older_ones_wrote_to_is_left_alone)
{
    struct error err = { 0 };
    char part[160];
    snprintf(part, sizeof part, "%s.part", path);
    put(other, "old");
    ck_assert_int_eq(symlink(other, part), 0);
    ck_assert_int_eq(write_new(&err), STATUS_OK);
    holds(other, "old");
    unlink(part);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    struct error err = { 0 };
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(write_new(&err), STATUS_IO);
    struct error of_device = { 0 };
    unlink(path);
    ck_assert_int_eq(symlink("/dev/null", path), 0);
    ck_assert_int_eq(whole_file_check(path, &of_device), STATUS_IO);
}
END_TEST

START_TEST(a_database_is_not_replaced_nor_one_that_came_meanwhile)
{
    static const char database[] = "SQLite format 3\0 and pages";
    struct error err = { 0 };
    struct whole_file file;
    ck_assert_int_eq(whole_file_open(&file, path, &err), STATUS_OK);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(database, 1, sizeof database, out), sizeof database);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(whole_file_close(&file, &err), STATUS_IO);
    ck_assert_msg(strstr(err.found, "a database") != NULL, "%s", err.found);
    holds(path, "SQLite format 3");
    err = (struct error){ 0 };
    ck_assert_int_eq(write_new(&err), STATUS_IO);
    holds(path, "SQLite format 3");
}
END_TEST

START_TEST(what_standard_output_is_led_to_is_not_replaced)
{
    struct error err = { 0 };
    put(path, "led");
    fflush(stdout);
    int before = dup(STDOUT_FILENO), led = open(path, O_WRONLY);
    ck_assert_int_eq(dup2(led, STDOUT_FILENO), STDOUT_FILENO);
    enum status status = write_new(&err);
    dup2(before, STDOUT_FILENO);
    close(before);
    close(led);
    ck_assert_int_eq(status, STATUS_IO);
    holds(path, "led");
    err = (struct error){ 0 };
    ck_assert_int_eq(write_new(&err), STATUS_OK);
    holds(path, "new");
}
END_TEST

START_TEST(a_copy_has_the_same_bytes)
{
    struct error err = { 0 };
    put(other, "some bytes");
    ck_assert_int_eq(whole_file_copy(other, path, &err), STATUS_OK);
    holds(path, "some bytes");
    ck_assert_int_eq(whole_file_copy("/nonexistent/x", path, &err), STATUS_IO);
    holds(path, "some bytes");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, it_is_there_at_the_end_alone);
    tcase_add_test(tests, while_it_is_written_no_name_is_there);
    tcase_add_test(tests, its_mode_is_that_of_any_new_file);
    tcase_add_test(tests, why_it_could_not_be_written_is_told);
    tcase_add_test(tests, what_was_there_outlives_an_error);
    tcase_add_test(tests, a_link_is_replaced_and_what_it_leads_to_stays);
    tcase_add_test(tests, a_link_to_nothing_makes_no_file_there);
    tcase_add_test(tests, a_link_at_the_place_that_older_ones_wrote_to_is_left_alone);
    tcase_add_test(tests, what_is_no_file_is_refused);
    tcase_add_test(tests, a_database_is_not_replaced_nor_one_that_came_meanwhile);
    tcase_add_test(tests, what_standard_output_is_led_to_is_not_replaced);
    tcase_add_test(tests, a_copy_has_the_same_bytes);
}

static Suite *suite(void)
{
    Suite *suite = suite_create("base/whole_file");
    TCase *tests = tcase_create("whole_file"), *beside = tcase_create("without nameless files");
    tcase_add_checked_fixture(tests, open_folder, close_folder);
    tcase_add_checked_fixture(beside, refuse_nameless_files, close_folder);
    add_tests(tests);
    add_tests(beside);
    tcase_add_test(beside, it_is_written_beside_its_place);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, beside);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
