/* tests/base/test_csv_cell.c - a text in a CSV file is a text to readers of CSV, and to
 * spreadsheets. */
#include "base/csv_cell.h"
#include "base/shown.h"
#include "tests/hostile.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static void becomes(const char *text, const char *wanted)
{
    char *cell = csv_cell(text);
    ck_assert_str_eq(cell, wanted);
    free(cell);
}

START_TEST(quotes_stand_where_csv_needs_them)
{
    becomes("", "");
    becomes("lru", "lru");
    becomes("a,b", "\"a,b\"");
    becomes("a \"b\"", "\"a \"\"b\"\"\"");
    becomes(" a", "\" a\"");
}
END_TEST

START_TEST(a_formula_is_a_text)
{
    becomes("=1+1", "'=1+1");
    becomes("@SUM(1,2)", "\"'@SUM(1,2)\"");
    becomes("+A1", "'+A1");
    becomes("-2+3", "'-2+3");
    becomes("  =1", "\"'  =1\"");
    becomes("\t=1", "\\t=1");
}
END_TEST

START_TEST(a_number_stays_one)
{
    becomes("-1.5e-3", "-1.5e-3");
    becomes("+7", "+7");
    becomes("-inf", "'-inf");
}
END_TEST

/* One record of one field, whatever the text. */
START_TEST(hostile_names_are_one_field)
{
#define FIELD(what, text)                                                                          \
    {                                                                                              \
        char *cell = csv_cell(text);                                                               \
        size_t quotes = 0, bare = *cell != '"';                                                    \
        for (const char *at = cell; *at != '\0'; at++)                                             \
            quotes += *at == '"';                                                                  \
        ck_assert_msg(shown_is_plain(cell) && quotes % 2 == 0, "%s", what);                        \
        ck_assert_msg(!bare || strpbrk(cell, ",\"") == NULL, "%s", what);                          \
        ck_assert_msg(strchr("=@", cell[!bare]) == NULL || cell[!bare] == '\0', "%s", what);       \
        free(cell);                                                                                \
    }
    HOSTILE(FIELD)
#undef FIELD
} END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/csv_cell");
    TCase *tests = tcase_create("csv_cell");
    tcase_add_test(tests, quotes_stand_where_csv_needs_them);
    tcase_add_test(tests, a_formula_is_a_text);
    tcase_add_test(tests, a_number_stays_one);
    tcase_add_test(tests, hostile_names_are_one_field);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
