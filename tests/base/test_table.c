/* tests/base/test_table.c - a CSV table is read as it was meant, or refused by line and column. */
#include "base/table.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static enum status read_text(const char *text, struct table *table, struct error *err)
{
    char *path = test_temp_file(text);
    enum status status = table_open(path, table, err);
    unlink(path);
    free(path);
    return status;
}

static struct table table_of(const char *text)
{
    struct table table;
    struct error err = { 0 };
    ck_assert_msg(read_text(text, &table, &err) == STATUS_OK, "%s: %s", err.expected, err.found);
    return table;
}

static struct error refused(const char *text)
{
    struct table table;
    struct error err = { 0 };
    ck_assert_int_eq(read_text(text, &table, &err), STATUS_INPUT);
    return err;
}

START_TEST(fields_are_found_by_row_and_column_name)
{
    struct table table = table_of("m,n,latency\n1,128,0.5\n2,256,\n");
    ck_assert_uint_eq(table_rows(&table), 2);
    ck_assert_str_eq(table_text(&table, 0, table_column(&table, "n")), "128");
    ck_assert_str_eq(table_text(&table, 1, table_column(&table, "m")), "2");
    ck_assert_str_eq(table_text(&table, 1, table_column(&table, "latency")), "");
    ck_assert_int_eq(table_column(&table, "k"), -1);
    table_free(&table);
}
END_TEST

START_TEST(control_characters_are_refused_by_line)
{
    struct error err = refused("name,x\na,1\n\"b\x1b[31m\",2\n");
    ck_assert_uint_eq(err.line, 3);
    ck_assert_str_eq(err.found, "b\\x1b[31m");
    err = refused("na\xc2\x9bme,x\na,1\n");
    ck_assert_uint_eq(err.line, 1);
}
END_TEST

START_TEST(quotes_hold_commas_line_ends_and_quotes)
{
    struct table table =
        table_of("name,x\n\"a,b\",1\n\"say \"\"so\"\"\",2\n\"two\nlines\",3\n\"\",4\n");
    ck_assert_uint_eq(table_rows(&table), 4);
    ck_assert_str_eq(table_text(&table, 0, 0), "a,b");
    ck_assert_str_eq(table_text(&table, 1, 0), "say \"so\"");
    ck_assert_str_eq(table_text(&table, 2, 0), "two\nlines");
    ck_assert_str_eq(table_text(&table, 3, 0), "");
    ck_assert_str_eq(table_text(&table, 3, 1), "4");
    table_free(&table);
}
END_TEST

START_TEST(line_ends_of_windows_a_byte_order_mark_and_a_last_line_without_end_are_read)
{
    struct table table = table_of("\xEF\xBB\xBF"
                                  "a,b\r\n1,\"2\"\r\n\r\n3,4");
    ck_assert_int_eq(table_column(&table, "a"), 0);
    ck_assert_uint_eq(table_rows(&table), 2);
    ck_assert_str_eq(table_text(&table, 0, 1), "2");
    ck_assert_str_eq(table_text(&table, 1, 1), "4");
    table_free(&table);
}
END_TEST

START_TEST(a_number_is_read_and_anything_else_refused_with_line_and_column)
{
    struct table table = table_of("a,b\n\"1\n\",2\n-3.5e-2,0x10\n1.5ms, 4\nnan,1e999\n,1-2\n");
    double value;
    struct error err = { 0 };
    ck_assert_int_eq(table_number(&table, 1, 0, &value, &err), STATUS_OK);
    ck_assert_double_eq(value, -3.5e-2);
    static const int wrong[][2] = { { 0, 0 }, { 1, 1 }, { 2, 0 }, { 2, 1 },
                                    { 3, 0 }, { 3, 1 }, { 4, 0 }, { 4, 1 } };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        err = (struct error){ 0 };
        ck_assert_int_eq(table_number(&table, (uint32_t)wrong[i][0], wrong[i][1], &value, &err),
                         STATUS_INPUT);
    }
    err = (struct error){ 0 };
    table_number(&table, 2, 0, &value, &err);
    ck_assert_uint_eq(err.line, 5); /* the first row takes two lines */
    ck_assert_str_eq(err.key, "a");
    ck_assert_str_eq(err.found, "1.5ms");
    ck_assert_str_eq(err.file, table.path);
    table_free(&table);
}
END_TEST

START_TEST(a_line_of_another_number_of_fields_is_refused_by_line)
{
    struct error err = refused("a,b\n1,2\n\n3\n");
    ck_assert_uint_eq(err.line, 4);
    ck_assert_str_eq(err.found, "1");
    ck_assert_uint_eq(refused("a,b\n1,2,\n").line, 2);
}
END_TEST

START_TEST(broken_text_is_refused)
{
    ck_assert_str_eq(refused("").key, "heading");
    ck_assert_str_eq(refused("\n\n").key, "heading");
    ck_assert_str_eq(refused("a,b,a\n").found, "a");
    ck_assert_str_eq(refused("a\n\"1\n").key, "quotes");
    ck_assert_str_eq(refused("a\n\"1\"2\n").key, "quotes");
    ck_assert_str_eq(refused("a\n1\"2\"\n").key, "quotes");
    ck_assert_uint_eq(refused("a\n1\r2\n").line, 2);
}
END_TEST

/* Else 256 KiB of names would be compared with each other for minutes. */
START_TEST(more_columns_than_any_table_has_are_refused)
{
    char *text = calloc(1, 200000);
    size_t used = 0;
    for (int i = 0; i < 10001; i++)
        used += (size_t)sprintf(text + used, "%s%d", i > 0 ? "," : "", i);
    struct error err = refused(text);
    ck_assert_uint_eq(err.line, 1);
    ck_assert_str_eq(err.expected, "at most 10,000 columns");
    strrchr(text, ',')[0] = '\0';
    struct table table = table_of(text);
    ck_assert_uint_eq(table.columns, 10000);
    table_free(&table);
    free(text);
}
END_TEST

START_TEST(a_column_that_must_be_there_is_asked_for_by_name)
{
    struct table table = table_of("m,n\n1,2\n");
    struct error err = { 0 };
    int column;
    ck_assert_int_eq(table_need(&table, "n", &column, &err), STATUS_OK);
    ck_assert_int_eq(column, 1);
    ck_assert_int_eq(table_need(&table, "latency", &column, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "latency");
    table_free(&table);
}
END_TEST

/* ---- gzip ---- */

static char *zipped_table(uint32_t rows)
{
    char *path = test_temp_file("");
    gzFile file = gzopen(path, "wb");
    gzputs(file, "row,square\n");
    for (uint32_t i = 0; i < rows; i++)
        gzprintf(file, "%u,%u\n", i, i * i);
    ck_assert_int_eq(gzclose(file), Z_OK);
    return path;
}

START_TEST(a_gzipped_table_larger_than_a_piece_is_read_whole)
{
    const uint32_t rows = 300000; /* some 5 MB of text */
    char *path = zipped_table(rows);
    struct table table;
    struct error err = { 0 };
    double value;
    ck_assert_int_eq(table_open(path, &table, &err), STATUS_OK);
    ck_assert_uint_eq(table_rows(&table), rows);
    for (uint32_t i = 0; i < rows; i += 9973) {
        ck_assert_int_eq(table_number(&table, i, 1, &value, &err), STATUS_OK);
        ck_assert_double_eq(value, i * i);
    }
    table_free(&table);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(a_gzipped_table_that_breaks_off_is_not_taken_for_a_shorter_one)
{
    char *path = zipped_table(100000);
    ck_assert_int_eq(truncate(path, 100000), 0);
    struct table table;
    struct error err = { 0 };
    ck_assert_int_eq(table_open(path, &table, &err), STATUS_IO);
    ck_assert_str_eq(err.file, path);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(a_file_that_is_not_there_or_is_a_folder_is_an_io_error)
{
    struct table table;
    struct error err = { 0 };
    ck_assert_int_eq(table_open("/nowhere/x.csv", &table, &err), STATUS_IO);
    err = (struct error){ 0 };
    ck_assert_int_eq(table_open("/tmp", &table, &err), STATUS_IO);
}
END_TEST

START_TEST(a_table_is_known_by_its_name)
{
    ck_assert(table_is_name("a.csv") && table_is_name("a.csv.gz") && table_is_name("a.csv.csv"));
    ck_assert(!table_is_name("a") && !table_is_name("") && !table_is_name(".csv.gzip"));
    ck_assert(!table_is_name(".csv") && !table_is_name("csv") && !table_is_name("a.gz"));
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/table");
    TCase *tcase = tcase_create("table");
    tcase_add_test(tcase, control_characters_are_refused_by_line);
    tcase_add_test(tcase, fields_are_found_by_row_and_column_name);
    tcase_add_test(tcase, quotes_hold_commas_line_ends_and_quotes);
    tcase_add_test(tcase,
                   line_ends_of_windows_a_byte_order_mark_and_a_last_line_without_end_are_read);
    tcase_add_test(tcase, a_number_is_read_and_anything_else_refused_with_line_and_column);
    tcase_add_test(tcase, a_line_of_another_number_of_fields_is_refused_by_line);
    tcase_add_test(tcase, broken_text_is_refused);
    tcase_add_test(tcase, more_columns_than_any_table_has_are_refused);
    tcase_add_test(tcase, a_column_that_must_be_there_is_asked_for_by_name);
    tcase_add_test(tcase, a_gzipped_table_larger_than_a_piece_is_read_whole);
    tcase_add_test(tcase, a_gzipped_table_that_breaks_off_is_not_taken_for_a_shorter_one);
    tcase_add_test(tcase, a_file_that_is_not_there_or_is_a_folder_is_an_io_error);
    tcase_add_test(tcase, a_table_is_known_by_its_name);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
