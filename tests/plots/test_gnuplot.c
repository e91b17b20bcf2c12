/* tests/plots/test_gnuplot.c - gnuplot reads a string of ours as the text that it is, and can do
 * nothing but draw. */
#include "base/memory.h"
#include "base/shown.h"
#include "plots/gnuplot.h"
#include "plots/gnuplot_text.h"
#include "tests/hostile.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static char folder[64], script[96], log_file[96], drawn[96];

static void open_folder(void)
{
    strcpy(folder, "/tmp/reprise-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(script, sizeof script, "%s/plot.gp", folder);
    snprintf(log_file, sizeof log_file, "%s/log", folder);
    snprintf(drawn, sizeof drawn, "%s/drawn", folder);
}

static void close_folder(void)
{
    unlink(script);
    unlink(log_file);
    unlink(drawn);
    ck_assert_int_eq(rmdir(folder), 0); /* no canary either */
}

static enum status run(struct error *err)
{
    unlink(log_file);
    return gnuplot_run(folder, script, log_file, err);
}

static char *read_all(const char *path)
{
    char *text = memory_new(1 << 16, 1);
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    text[fread(text, 1, (1 << 16) - 1, in)] = '\0';
    fclose(in);
    return text;
}

static const char *const hostile[] = {
#define TEXT(what, text) text,
    HOSTILE(TEXT)
#undef TEXT
};

START_TEST(it_reads_back_what_is_shown)
{
    struct error err = { 0 };
    FILE *out = fopen(script, "w");
    fputs("set encoding utf8\nset print 'drawn'\n", out);
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        gnuplot_put_variable(out, "a", hostile[i]);
        fputs("print a\n", out);
    }
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_msg(run(&err) == STATUS_OK, "%s", err.found);
    char *text = read_all(drawn), *line = text;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        char *wanted = shown_new(hostile[i]), *end = strchr(line, '\n');
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        ck_assert_str_eq(line, wanted);
        free(wanted);
        line = end + 1;
    }
    free(text);
}
END_TEST

/* What a program would make where gnuplot itself may write, and what either would make elsewhere.
 */
static void draws_nothing_but(const char *command)
{
    struct error err = { 0 };
    char inside[96];
    snprintf(inside, sizeof inside, "%s/" CANARY, folder);
    FILE *out = fopen(script, "w");
    fprintf(out, "%s\nset print 'drawn'\nprint 'went on'\n", command);
    ck_assert_int_eq(fclose(out), 0);
    (void)run(&err); /* some end it, some do not */
    unlink(drawn);
    ck_assert_msg(access(inside, F_OK) != 0, "%s", command);
    ck_assert_msg(access("/tmp/reprise-" CANARY, F_OK) != 0, "%s", command);
}

/* A second lock, for the day when the first is open: the commands are in the script itself. */
START_TEST(no_command_of_a_script_starts_a_program)
{
    draws_nothing_but("system('touch " CANARY "')");
    draws_nothing_but("a = system(\"touch " CANARY "\")");
    draws_nothing_but("a = \"`touch " CANARY "`\"");
    draws_nothing_but("!touch " CANARY);
    draws_nothing_but("set output '|touch " CANARY "'");
    draws_nothing_but("set terminal dumb; set output '|cat > " CANARY "'; plot x");
    draws_nothing_but("set print '|touch " CANARY "'; print 1");
    draws_nothing_but("load '<touch " CANARY "'");
    draws_nothing_but("set terminal dumb; plot '<touch " CANARY "'");
}
END_TEST

START_TEST(no_command_of_a_script_writes_elsewhere)
{
    draws_nothing_but("set print '/tmp/reprise-" CANARY "'; print 1");
    draws_nothing_but("set terminal svg; set output '/tmp/reprise-" CANARY "'; plot x");
    draws_nothing_but("save '/tmp/reprise-" CANARY "'");
}
END_TEST

START_TEST(its_words_are_told_where_it_fails)
{
    struct error err = { 0 };
    FILE *out = fopen(script, "w");
    fputs("print no_such_variable\n", out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(run(&err), STATUS_IO);
    ck_assert_ptr_nonnull(strstr(err.found, "no_such_variable"));
}
END_TEST

START_TEST(nobodys_settings_are_read)
{
    struct error err = { 0 };
    char settings[96];
    snprintf(settings, sizeof settings, "%s/.gnuplot", folder);
    FILE *out = fopen(settings, "w");
    fputs("set print 'drawn'\nprint 'read'\n", out);
    fclose(out);
    out = fopen(script, "w");
    fputs("a = 1\n", out);
    fclose(out);
    setenv("HOME", folder, 1);
    setenv("GNUPLOT_LIB", "/nonexistent", 1);
    ck_assert_int_eq(run(&err), STATUS_OK);
    unlink(settings);
    ck_assert_int_ne(access(drawn, F_OK), 0);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_told)
{
    struct error err = { 0 };
    FILE *out = fopen(script, "w");
    fclose(out);
    setenv("GNUPLOT", "/nonexistent/gnuplot", 1);
    ck_assert_int_eq(run(&err), STATUS_IO);
    ck_assert_str_eq(err.found, "No such file or directory");
}
END_TEST

/* What confine.c can ask of this kernel; without it, gnuplot is not confined (confine.h). */
static bool kernel_has(const char *what, bool there)
{
    if (!there)
        printf("this kernel has no %s: that lock was not tried\n", what);
    return there;
}

static bool has_seccomp(void)
{
#if defined(__x86_64__) || defined(__aarch64__)
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
#else
    return false;
#endif
}

static bool has_landlock(void)
{
#ifdef SYS_landlock_create_ruleset
    return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0; /* 1: its version is asked */
#else
    return false;
#endif
}

static Suite *suite(void)
{
    Suite *suite = suite_create("plots/gnuplot");
    TCase *tests = tcase_create("gnuplot");
    tcase_add_checked_fixture(tests, open_folder, close_folder);
    tcase_add_test(tests, it_reads_back_what_is_shown);
    if (kernel_has("seccomp", has_seccomp()))
        tcase_add_test(tests, no_command_of_a_script_starts_a_program);
    if (kernel_has("Landlock", has_landlock()))
        tcase_add_test(tests, no_command_of_a_script_writes_elsewhere);
    tcase_add_test(tests, its_words_are_told_where_it_fails);
    tcase_add_test(tests, nobodys_settings_are_read);
    tcase_add_test(tests, a_program_that_is_not_there_is_told);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    if (system("gnuplot --version >/dev/null 2>&1") != 0) {
        puts("no gnuplot: it was not asked to read strings");
        return TEST_SKIPPED;
    }
    return test_main(suite());
}
