/* tests/validate/store/test_store_measured.c - validations in the store, and in files of before
 * they had differences and loads. */
#include "tests/support.h"
#include "tests/validate/store/cases.h"
#include "validate/store/store_measured.h"

#include <math.h>
#include <stdlib.h>

static void put(struct store *store, double half_width)
{
    struct store_validated rows[] = {
        { "lru", "ttft_mean_ns", 60, 10, 11, half_width, 0.5, "%", 5, -9.1, 2 },
        { "lru", "hit_rate_tokens", 60, 0.5, 0.5, 0, 0, "points", 1, 0, 2 },
    };
    struct store_difference difference = { .policy = "fifo",
                                           .minus = "lru",
                                           .metric = "ttft_mean_ns",
                                           .verdict = "agrees",
                                           .load_percent = 60,
                                           .sim = 3,
                                           .run = 4,
                                           .half_width = half_width,
                                           .tolerance_percent = 15,
                                           .repeats = 2 };
    struct store_load loads[] = { { 60, 1.5, 0, 70, 61, true }, { 90, 0, 0, 70, NAN, false } };
    const struct store_validation validation = { .model = "tiny",
                                                 .hardware = "here",
                                                 .device = "host",
                                                 .rate_key = "import.rate",
                                                 .rows = rows,
                                                 .count = 2,
                                                 .differences = &difference,
                                                 .difference_count = 1,
                                                 .loads = loads,
                                                 .load_count = 2 };
    struct error err = { 0 };
    ck_assert_int_eq(store_put_validation(store, &validation, &err), STATUS_OK);
}

START_TEST(a_validation_is_kept_with_its_differences_and_what_was_not_reached)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    put(store, NAN);
    store_close(store);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM validation JOIN validation_metric"
                                      " ON id = validation_id WHERE rate_key = 'import.rate'"
                                      " AND metric = 'ttft_mean_ns' AND half_width IS NULL"
                                      " AND sim_half_range = 0.5 AND tolerance_percent = 5"),
                     1);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM validation_metric"
                                      " WHERE tolerance_unit = 'points' AND tolerance_percent = 1"),
                     1);
    ck_assert_int_eq(sql_number(path,
                                "SELECT count(*) FROM validation_difference WHERE policy = 'fifo'"
                                " AND minus = 'lru' AND sim = 3 AND run = 4"
                                " AND half_width IS NULL AND verdict = 'agrees'"),
                     1);
    ck_assert_int_eq(sql_number(path, "SELECT load_percent FROM validation_load WHERE NOT reached"
                                      " AND run_percent IS NULL"
                                      " AND most_percent = 70"),
                     90);
    database_remove(path);
}
END_TEST

START_TEST(a_file_of_before_keeps_its_validations_and_takes_new_ones)
{
    char *path = database_path();
    store_close(store_opened(path));
    sql_do(path,
           "DROP TABLE difference; DROP TABLE finding; DROP TABLE tenant_metric; DROP TABLE turn;"
           "DROP TABLE validation_difference; DROP TABLE validation_load;"
           "ALTER TABLE validation DROP COLUMN rate_key;"
           "ALTER TABLE validation_metric DROP COLUMN tolerance_unit;"
           "ALTER TABLE validation_metric DROP COLUMN sim_half_range;"
           "PRAGMA user_version = 3;"
           "INSERT INTO validation VALUES (1, '2026-11-25', 'tiny', 'here', 'host');"
           "INSERT INTO validation_metric VALUES (1, 'lru', 25, 'ttft_mean_ns', 1, 2, 3, 5, 4)");
    struct store *store = store_opened(path);
    put(store, 1.0);
    store_close(store);
    ck_assert_int_eq(sql_number(path,
                                "SELECT count(*) FROM validation_metric WHERE validation_id = 1"
                                " AND run = 2 AND half_width = 3 AND tolerance_percent = 5"
                                " AND tolerance_unit = '%' AND sim_half_range IS NULL"),
                     1);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM validation"), 2);
    database_remove(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_measured");
    TCase *tcase = tcase_create("store_measured");
    tcase_add_test(tcase, a_validation_is_kept_with_its_differences_and_what_was_not_reached);
    tcase_add_test(tcase, a_file_of_before_keeps_its_validations_and_takes_new_ones);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
