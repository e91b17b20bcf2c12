/* tests/cli/test_table.c - a table's columns are as wide as their widest cell, and too many of them
 * go into further blocks. */
#include "cli/table.h"

#include "tests/support.h"

#include <stdlib.h>

static char *printed(const struct table *table, uint32_t width_most)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(out);
    table_print(out, table, width_most);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static struct table table_of_three(void)
{
    struct table table;
    table_init(&table, 3);
    static const char *const cells[] = { "", "lru", "fifo", "hits", "12 %", "7 %" };
    for (uint32_t i = 0; i < sizeof cells / sizeof *cells; i++)
        table_add(&table, "%s", cells[i]);
    return table;
}

START_TEST(first_column_to_the_left_others_to_the_right)
{
    struct table table = table_of_three();
    char *text = printed(&table, 80);
    ck_assert_str_eq(text, "       lru  fifo\nhits  12 %   7 %\n");
    free(text);
    table_end(&table);
}
END_TEST

START_TEST(columns_that_do_not_fit_form_a_block_below)
{
    struct table table = table_of_three();
    char *text = printed(&table, 12);
    ck_assert_str_eq(text, "       lru\nhits  12 %\n\n      fifo\nhits   7 %\n");
    free(text);
    table_end(&table);
}
END_TEST

START_TEST(a_column_wider_than_the_limit_is_still_printed)
{
    struct table table = table_of_three();
    char *text = printed(&table, 1);
    ck_assert_str_eq(text, "       lru\nhits  12 %\n\n      fifo\nhits   7 %\n");
    free(text);
    table_end(&table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *printing = tcase_create("printing");
    tcase_add_test(printing, first_column_to_the_left_others_to_the_right);
    tcase_add_test(printing, columns_that_do_not_fit_form_a_block_below);
    tcase_add_test(printing, a_column_wider_than_the_limit_is_still_printed);
    suite_add_tcase(suite, printing);
    return test_main(suite);
}
