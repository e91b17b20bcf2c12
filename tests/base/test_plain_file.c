/* tests/base/test_plain_file.c - what a file names is opened without waiting, and only if reading
 * it can end. */
#include "base/plain_file.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/reprise-test-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[sizeof folder + 32];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void begin(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    ck_assert_int_eq(symlink("pipe", in_folder("link")), 0);
    FILE *file = fopen(in_folder("file"), "w");
    ck_assert_ptr_nonnull(file);
    fputs("text", file);
    ck_assert_int_eq(fclose(file), 0);
}

static void end(void)
{
    const char *const names[] = { "pipe", "link", "file" };
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(unlink(in_folder(names[i])), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
}

/* What opening says, both ways; a wait for a pipe's other end would end the test. */
static void assert_refused(const char *path, const char *why)
{
    FILE *file;
    gzFile packed;
    struct error err = { 0 }, other = { 0 };
    ck_assert_int_eq(plain_file_open(path, &file, &err), STATUS_IO);
    ck_assert_str_eq(err.file, path);
    ck_assert_msg(strstr(err.found, why) != NULL, "%s: %s", path, err.found);
    ck_assert_int_eq(plain_file_open_gzip(path, &packed, &other), STATUS_IO);
    ck_assert_str_eq(other.found, err.found);
}

START_TEST(what_is_read_without_end_is_refused_at_once)
{
    begin();
    assert_refused(in_folder("pipe"), "it is a pipe, not a plain file");
    assert_refused(in_folder("link"), "it is a pipe, not a plain file");
    assert_refused("/dev/zero", "it is a device, not a plain file");
    assert_refused(folder, "it is a folder, not a plain file");
    assert_refused(in_folder("absent"), "No such file");
    end();
}
END_TEST

START_TEST(a_plain_file_is_read)
{
    FILE *file;
    gzFile packed;
    char text[8] = "";
    struct error err = { 0 };
    begin();
    ck_assert_int_eq(plain_file_open(in_folder("file"), &file, &err), STATUS_OK);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    ck_assert_str_eq(text, "text");
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(plain_file_open_gzip(in_folder("file"), &packed, &err), STATUS_OK);
    ck_assert_int_eq(gzread(packed, text, sizeof text), 4);
    ck_assert_int_eq(gzclose(packed), Z_OK);
    end();
}
END_TEST

START_TEST(only_pipes_devices_and_sockets_are_not_plain)
{
    begin();
    ck_assert_str_eq(plain_file_not(in_folder("pipe")), "a pipe");
    ck_assert_str_eq(plain_file_not("/dev/null"), "a device");
    ck_assert_ptr_null(plain_file_not(in_folder("file")));
    ck_assert_ptr_null(plain_file_not(folder)); /* a model is one */
    ck_assert_ptr_null(plain_file_not(in_folder("absent")));
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/plain_file");
    TCase *tests = tcase_create("plain_file");
    tcase_add_test(tests, what_is_read_without_end_is_refused_at_once);
    tcase_add_test(tests, a_plain_file_is_read);
    tcase_add_test(tests, only_pipes_devices_and_sockets_are_not_plain);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
