/* tests/base/test_error.c - what a user reads when something is wrong, and the exit codes. */
#include "base/error.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

/* What error_print() writes; to be freed. */
static char *printed(const struct error *err)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(out);
    error_print(out, err);
    fclose(out);
    return text;
}

static void check_printed(const struct error *err, const char *expected)
{
    char *text = printed(err);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(an_input_error_names_file_line_key_expected_and_found)
{
    struct error err = { 0 };
    ck_assert_int_eq(
        error_input(&err, "models/h100.yaml", 12, "ssd.read_bytes_per_s", "a number above 0", "-3"),
        STATUS_INPUT);
    check_printed(&err,
                  "reprise: models/h100.yaml:12: ssd.read_bytes_per_s: expected a number above "
                  "0, found \"-3\"\n");
}
END_TEST

START_TEST(what_an_input_error_does_not_know_is_left_out)
{
    struct error no_line = { 0 }, no_key = { 0 }, no_found = { 0 }, bare = { 0 };
    error_input(&no_line, "a.yaml", 0, "k", "x", "y");
    check_printed(&no_line, "reprise: a.yaml: k: expected x, found \"y\"\n");
    error_input(&no_key, "a.yaml", 3, NULL, "x", "y");
    check_printed(&no_key, "reprise: a.yaml:3: expected x, found \"y\"\n");
    error_input(&no_found, "a.yaml", 3, "k", "x", NULL);
    check_printed(&no_found, "reprise: a.yaml:3: k: expected x\n");
    error_input(&bare, NULL, 0, NULL, "x", NULL);
    check_printed(&bare, "reprise: expected x\n");
}
END_TEST

START_TEST(an_io_error_says_what_could_not_be_done_and_why)
{
    struct error err = { 0 }, no_file = { 0 };
    ck_assert_int_eq(error_io(&err, "t.jsonl", "open", "No such file or directory"), STATUS_IO);
    check_printed(&err, "reprise: t.jsonl: cannot open: No such file or directory\n");
    error_io(&no_file, NULL, "start gnuplot", NULL);
    check_printed(&no_file, "reprise: cannot start gnuplot\n");
}
END_TEST

START_TEST(an_interruption_is_said_in_one_word)
{
    struct error err = { 0 };
    ck_assert_int_eq(error_interrupted(&err), STATUS_INTERRUPTED);
    check_printed(&err, "reprise: interrupted\n");
}
END_TEST

START_TEST(the_first_error_stays)
{
    struct error err = { 0 };
    error_io(&err, "first", "open", "reason");
    ck_assert_int_eq(error_input(&err, "second", 2, "k", "x", "y"), STATUS_IO);
    ck_assert_int_eq(error_io(&err, "third", "write", "z"), STATUS_IO);
    ck_assert_int_eq(error_interrupted(&err), STATUS_IO);
    check_printed(&err, "reprise: first: cannot open: reason\n");
}
END_TEST

START_TEST(a_text_too_long_is_cut_between_characters_and_says_so)
{
    /* Every length around the limit, so that each cut falls on each byte of a 3-byte character. */
    for (size_t extra = 0; extra < 4; extra++) {
        char text[400] = { 0 };
        memset(text, 'a', 240 + extra);
        for (int i = 0; i < 20; i++)
            strcat(text, "\xE2\x82\xAC"); /* the euro sign */
        struct error err = { 0 };
        error_input(&err, NULL, 0, NULL, "x", text);
        size_t length = strlen(err.found);
        ck_assert_uint_lt(length, sizeof err.found);
        ck_assert_uint_ge(length, sizeof err.found - 4);
        ck_assert_str_eq(err.found + length - 3, "...");
        ck_assert_uint_eq((length - 3 - 240 - extra) % 3, 0);
    }
}
END_TEST

START_TEST(a_text_that_just_fits_is_whole)
{
    char text[256];
    memset(text, 'a', 255);
    text[255] = '\0';
    struct error err = { 0 };
    error_input(&err, text, 0, NULL, "x", NULL);
    ck_assert_str_eq(err.file, text);
}
END_TEST

START_TEST(control_characters_of_the_input_reach_no_terminal)
{
    struct error err = { 0 };
    error_input(&err, NULL, 0, NULL, "x", "a\nb\x1b[31m\x7f");
    check_printed(&err, "reprise: expected x, found \"a\\nb\\x1b[31m\\x7f\"\n");
}
END_TEST

START_TEST(exit_codes_are_as_documented)
{
    ck_assert_int_eq(error_exit_code(STATUS_OK), 0);
    ck_assert_int_eq(error_exit_code(STATUS_INPUT), 2);
    ck_assert_int_eq(error_exit_code(STATUS_IO), 3);
    ck_assert_int_eq(error_exit_code(STATUS_INTERRUPTED), 130);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/error");
    TCase *tcase = tcase_create("error");
    tcase_add_test(tcase, an_input_error_names_file_line_key_expected_and_found);
    tcase_add_test(tcase, what_an_input_error_does_not_know_is_left_out);
    tcase_add_test(tcase, an_io_error_says_what_could_not_be_done_and_why);
    tcase_add_test(tcase, an_interruption_is_said_in_one_word);
    tcase_add_test(tcase, the_first_error_stays);
    tcase_add_test(tcase, a_text_too_long_is_cut_between_characters_and_says_so);
    tcase_add_test(tcase, a_text_that_just_fits_is_whole);
    tcase_add_test(tcase, control_characters_of_the_input_reach_no_terminal);
    tcase_add_test(tcase, exit_codes_are_as_documented);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
