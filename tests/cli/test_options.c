/* tests/cli/test_options.c - a command line becomes values, or is refused by the option's name. */
#include "cli/options.h"

#include "tests/support.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct given {
    const char *name, *in, *out, *db;
    struct text_list set;
    uint64_t count;
    bool json;
};

struct parsed {
    struct given given;
    struct options options;
    struct error err;
    enum status status;
};

/* The parsed texts point into the case's own argv, so it must outlive them: at most 8 words. */
static void parse(struct parsed *parsed, const char *const *words, uint32_t arguments_most)
{
    static const char *argv[9];
    int argc = 0;
    for (; words[argc] != NULL; argc++)
        argv[argc] = words[argc];
    argv[argc] = NULL;
    *parsed = (struct parsed){ .given.db = "results" };
    const struct option table[] = {
        { "name", 'n', OPTION_TEXT, &parsed->given.name, "NAME", "a text" },
        { "set", 's', OPTION_TEXTS, &parsed->given.set, "KEY=VALUE", "several" },
        { "count", 0, OPTION_U64, &parsed->given.count, "N", "a number" },
        { "json", 0, OPTION_FLAG, &parsed->given.json, NULL, "a flag" },
        { "in", 0, OPTION_READS, &parsed->given.in, "FILE", "a file that is read" },
        { "out", 0, OPTION_WRITES, &parsed->given.out, "FILE", "one that is written" },
        { "db", 0, OPTION_WRITES, &parsed->given.db, "FILE", "another" },
        { 0 },
    };
    const struct command_line line = { .command = "reprise test",
                                       .usage = "[OPTION...]",
                                       .summary = "Tests.",
                                       .table = table,
                                       .arguments_most = arguments_most,
                                       .writes = 2 };
    parsed->status = options_parse(&parsed->options, &line, argc, argv, &parsed->err);
}

static void done(struct parsed *parsed)
{
    free(parsed->given.set.text);
    options_free(&parsed->options);
}

START_TEST(each_kind_takes_its_value_and_the_rest_are_arguments)
{
    struct parsed parsed;
    const char *words[] = {
        "test", "--name=a", "-s", "k=1", "file", "--count", "7", "--json", NULL
    };
    parse(&parsed, words, 1);
    ck_assert_int_eq(parsed.status, STATUS_OK);
    ck_assert_str_eq(parsed.given.name, "a");
    ck_assert_uint_eq(parsed.given.set.count, 1);
    ck_assert_str_eq(parsed.given.set.text[0], "k=1");
    ck_assert_uint_eq(parsed.given.count, 7);
    ck_assert(parsed.given.json);
    ck_assert_uint_eq(parsed.options.argument_count, 1);
    ck_assert_str_eq(parsed.options.arguments[0], "file");
    done(&parsed);
}
END_TEST

START_TEST(a_repeated_option_keeps_its_order)
{
    struct parsed parsed;
    const char *words[] = { "test", "-s", "a=1", "--set", "b=2", "--set=c=3", NULL };
    parse(&parsed, words, 0);
    ck_assert_uint_eq(parsed.given.set.count, 3);
    ck_assert_str_eq(parsed.given.set.text[1], "b=2");
    ck_assert_str_eq(parsed.given.set.text[2], "c=3");
    done(&parsed);
}
END_TEST

START_TEST(of_a_value_given_twice_the_last_counts)
{
    struct parsed parsed;
    const char *words[] = { "test", "-n", "a", "--json", "--json", "--name=b", NULL };
    parse(&parsed, words, 0);
    ck_assert_int_eq(parsed.status, STATUS_OK);
    ck_assert_str_eq(parsed.given.name, "b");
    done(&parsed);
}
END_TEST

START_TEST(what_is_not_given_stays_as_it_was)
{
    struct parsed parsed;
    const char *words[] = { "test", NULL };
    parse(&parsed, words, 0);
    ck_assert_int_eq(parsed.status, STATUS_OK);
    ck_assert_ptr_null(parsed.given.name);
    ck_assert_uint_eq(parsed.given.count, 0);
    ck_assert_ptr_null(parsed.options.arguments[0]);
    done(&parsed);
}
END_TEST

static const struct {
    const char *words[4];
    const char *key;
} refused[] = {
    { { "test", "--fast", NULL }, "--fast" },
    { { "test", "--name", NULL }, "--name" },
    { { "test", "--count=-1", NULL }, "--count" },
    { { "test", "--count=1x", NULL }, "--count" },
    { { "test", "--count=99999999999999999999", NULL }, "--count" },
};

START_TEST(a_wrong_option_is_refused_by_its_name)
{
    struct parsed parsed;
    parse(&parsed, refused[_i].words, 0);
    ck_assert_int_eq(parsed.status, STATUS_INPUT);
    ck_assert_str_eq(parsed.err.key, refused[_i].key);
    done(&parsed);
}
END_TEST

START_TEST(an_argument_too_many_is_refused_and_named)
{
    struct parsed parsed;
    const char *words[] = { "test", "one", "two", NULL };
    parse(&parsed, words, 1);
    ck_assert_int_eq(parsed.status, STATUS_INPUT);
    ck_assert_str_eq(parsed.err.found, "two");
    done(&parsed);
}
END_TEST

/* In a folder with the files "a" and "results", "link" to a, and the folder "f". */
static const struct {
    const char *words[6];
    uint32_t arguments_most;
    const char *key; /* NULL: taken */
} apart[] = {
    { { "test", "--in=a", "--out=b", NULL }, 0, NULL },
    { { "test", "--in=a", "--out=a", NULL }, 0, "--out" },
    { { "test", "--out=./a", "--in=a", NULL }, 0, "--out" },
    { { "test", "--in=a", "--out=link", NULL }, 0, "--out" },
    { { "test", "--in=new", "--out=new", NULL }, 0, NULL }, /* nothing is there to lose */
    { { "test", "--out=results", NULL }, 0, "--db" },       /* by default */
    { { "test", "--out=new", "--db=new", NULL }, 0, "--db" },
    { { "test", "--out=new", "--db=f/../new", NULL }, 0, "--db" },
    { { "test", "--out=new", "--db=f/new", NULL }, 0, NULL },
    { { "test", "--out=a", "--db=link", NULL }, 0, NULL }, /* a link is replaced */
    { { "test", "a", "new", NULL }, 2, NULL },
    { { "test", "a", "a", NULL }, 2, "OUT" },
    { { "test", "a", "link", NULL }, 2, "OUT" },
    { { "test", "--in=a", "other", "a", NULL }, 2, "OUT" },
    { { "test", "--out=new", "other", "f/../new", NULL }, 2, "OUT" },
    { { "test", "--out=a", "a", NULL }, 2, "--out" },
};

static void make_files(void)
{
    char folder[] = "/tmp/reprise-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(mkdir("f", 0700), 0);
    fclose(fopen("a", "w"));
    fclose(fopen("results", "w"));
    ck_assert_int_eq(symlink("a", "link"), 0);
}

static void remove_files(void)
{
    char folder[64];
    ck_assert_ptr_nonnull(getcwd(folder, sizeof folder));
    unlink("a");
    unlink("results");
    unlink("link");
    rmdir("f");
    ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(what_is_written_is_no_file_that_is_read_or_written_too)
{
    struct parsed parsed;
    parse(&parsed, apart[_i].words, apart[_i].arguments_most);
    if (apart[_i].key == NULL)
        ck_assert_int_eq(parsed.status, STATUS_OK);
    else
        ck_assert_str_eq(parsed.err.key, apart[_i].key);
    done(&parsed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *parsing = tcase_create("parsing");
    tcase_add_test(parsing, each_kind_takes_its_value_and_the_rest_are_arguments);
    tcase_add_test(parsing, a_repeated_option_keeps_its_order);
    tcase_add_test(parsing, of_a_value_given_twice_the_last_counts);
    tcase_add_test(parsing, what_is_not_given_stays_as_it_was);
    tcase_add_loop_test(parsing, a_wrong_option_is_refused_by_its_name, 0,
                        (int)(sizeof refused / sizeof *refused));
    tcase_add_test(parsing, an_argument_too_many_is_refused_and_named);
    suite_add_tcase(suite, parsing);
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, make_files, remove_files);
    tcase_add_loop_test(files, what_is_written_is_no_file_that_is_read_or_written_too, 0,
                        (int)(sizeof apart / sizeof *apart));
    suite_add_tcase(suite, files);
    return test_main(suite);
}
