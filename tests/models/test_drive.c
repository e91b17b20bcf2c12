/* tests/models/test_drive.c - what a drive's data sheet comes to: rates by size and depth,
 * endurance by the size of writes; and every shipped drive. */
#include "tests/models/cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB 1024

/* 100,000 requests a second; one alone takes 100 us. */
static const struct drive plain = { .read_bytes_per_s = 4e9,
                                    .write_bytes_per_s = 2e9,
                                    .read_iops = 100e3,
                                    .write_iops = 50e3,
                                    .read_latency_ns = 100000,
                                    .write_latency_ns = 20000,
                                    .endurance_bytes = 1000000000000,
                                    .endurance_write_bytes = 4 * KIB,
                                    .endurance_large_bytes = 32000000000000 };

START_TEST(small_requests_are_bound_by_their_number_and_large_ones_by_their_bytes)
{
    ck_assert_double_eq(drive_read_bytes_per_s(&plain, 4 * KIB, 32), 100e3 * 4 * KIB);
    ck_assert_double_eq(drive_read_bytes_per_s(&plain, 8 * KIB, 32), 2 * 100e3 * 4 * KIB);
    ck_assert_double_eq(drive_read_bytes_per_s(&plain, 128 * KIB, 32), 4e9);
    ck_assert_double_eq(drive_write_bytes_per_s(&plain, 4 * KIB, 32), 50e3 * 4 * KIB);
    ck_assert_double_eq(drive_write_bytes_per_s(&plain, 128 * KIB, 32), 2e9);
}
END_TEST

/* Little's law: so many bytes in flight, each for as long. */
START_TEST(few_in_flight_wait_for_the_latency_of_each)
{
    ck_assert_double_eq_tol(drive_read_bytes_per_s(&plain, 4 * KIB, 1), 4 * KIB / 100e-6, 1.0);
    ck_assert_double_eq_tol(drive_read_bytes_per_s(&plain, 4 * KIB, 3), 3 * 4 * KIB / 100e-6, 1.0);
    ck_assert_double_eq_tol(drive_read_bytes_per_s(&plain, 128 * KIB, 2), 2 * 128 * KIB / 100e-6,
                            1.0);
    ck_assert_double_eq_tol(drive_write_bytes_per_s(&plain, 2 * KIB, 1), 50e3 * 2 * KIB, 1.0);
    ck_assert_double_eq_tol(drive_write_bytes_per_s(&plain, 32 * KIB, 1), 32 * KIB / 20e-6, 1.0);
}
END_TEST

START_TEST(what_a_sheet_does_not_say_bounds_nothing)
{
    const struct drive sequential = { .read_bytes_per_s = 4e9 };
    ck_assert_double_eq(drive_read_bytes_per_s(&sequential, 512, 1), 4e9);
    ck_assert_double_eq(drive_write_bytes_per_s(&sequential, 512, 1), 0.0);
    const struct drive counted = { .read_iops = 1e6 };
    ck_assert_double_eq(drive_read_bytes_per_s(&counted, 512, 1), 0.0);
}
END_TEST

START_TEST(more_in_flight_or_larger_is_never_slower)
{
    for (uint64_t bytes = 512; bytes <= 128 * KIB; bytes += 512)
        for (uint32_t depth = 1; depth <= 64; depth *= 2) {
            double rate = drive_read_bytes_per_s(&plain, bytes, depth);
            ck_assert_double_ge(drive_read_bytes_per_s(&plain, bytes + 512, depth), rate);
            ck_assert_double_ge(drive_read_bytes_per_s(&plain, bytes, 2 * depth), rate);
            ck_assert_double_le(rate, plain.read_bytes_per_s);
        }
}
END_TEST

/* 4 to 128 KiB are five doublings, and 32 times the endurance five more. */
START_TEST(larger_writes_wear_less_up_to_the_large_ones_rating)
{
    ck_assert_double_eq(drive_endurance_bytes(&plain, 512), 1e12);
    ck_assert_double_eq(drive_endurance_bytes(&plain, 4 * KIB), 1e12);
    for (int i = 1; i < 5; i++)
        ck_assert_double_eq_tol(drive_endurance_bytes(&plain, (4 * KIB) << i), 1e12 * (1 << i),
                                1e3);
    ck_assert_double_eq(drive_endurance_bytes(&plain, 128 * KIB), 32e12);
    ck_assert_double_eq(drive_endurance_bytes(&plain, 1 << 30), 32e12);

    struct drive rated_large = plain;
    rated_large.endurance_write_bytes = 32 * KIB;
    ck_assert_double_eq(drive_endurance_bytes(&rated_large, 16 * KIB), 1e12);
    ck_assert_double_eq(drive_endurance_bytes(&rated_large, 32 * KIB), 1e12);
    ck_assert_double_eq_tol(drive_endurance_bytes(&rated_large, 64 * KIB), 1e12 * sqrt(32), 1e3);
}
END_TEST

START_TEST(without_a_rating_of_large_writes_the_one_there_is_stands)
{
    struct drive drive = plain;
    drive.endurance_large_bytes = 0;
    ck_assert_double_eq(drive_endurance_bytes(&drive, 64 * KIB), 1e12);
    ck_assert_double_eq(drive_endurance_bytes(&drive, 1 << 20), 1e12);
}
END_TEST

#define LEAST "name: old\nsource: made up\ncapacity: 2TB\nendurance: 600TB\nwarranty_years: 5\n"

static enum status load(const char *content, struct drive *drive, struct error *err)
{
    char *path = test_temp_file(content);
    size_t length = strlen(path);
    char *yaml = malloc(length + 6);
    ck_assert_ptr_nonnull(yaml);
    snprintf(yaml, length + 6, "%s.yaml", path);
    ck_assert_int_eq(rename(path, yaml), 0);
    enum status status = drive_load(yaml, drive, err);
    unlink(yaml);
    free(yaml);
    free(path);
    return status;
}

START_TEST(a_file_of_capacity_and_endurance_alone_is_enough)
{
    struct drive drive;
    struct error err = { 0 };
    ck_assert_int_eq(load(LEAST, &drive, &err), STATUS_OK);
    ck_assert_uint_eq(drive.capacity_bytes, 2000000000000);
    ck_assert_uint_eq(drive.endurance_bytes, 600000000000000);
    ck_assert_uint_eq(drive.endurance_write_bytes, 4 * KIB);
    ck_assert_uint_eq(drive.endurance_large_bytes, 0);
    ck_assert_double_eq(drive.read_bytes_per_s + drive.write_bytes_per_s, 0.0);
    ck_assert_double_eq(drive.read_iops + drive.write_iops, 0.0);
    ck_assert_uint_eq(drive.read_latency_ns + drive.write_latency_ns, 0);
    ck_assert_double_eq(drive.usd + drive.watts_busy + drive.watts_idle, 0.0);
    ck_assert_str_eq(drive.usd_date, "");
}
END_TEST

START_TEST(what_the_file_says_is_what_the_struct_holds_in_base_units)
{
    struct drive drive;
    struct error err = { 0 };
    ck_assert_int_eq(load(LEAST "read_bytes_per_s: 7GB/s\nwrite_bytes_per_s: 6GB/s\n"
                                "read_iops: 1100k\nwrite_iops: 200k\nread_latency: 70us\n"
                                "write_latency: 15us\nendurance_write_bytes: 16KiB\n"
                                "endurance_large: 1PB\nwatts_busy: 20\nwatts_idle: 5\nusd: 390\n"
                                "usd_date: 2026-06\n",
                          &drive, &err),
                     STATUS_OK);
    ck_assert_double_eq(drive.read_bytes_per_s, 7e9);
    ck_assert_double_eq(drive.write_bytes_per_s, 6e9);
    ck_assert_double_eq(drive.read_iops, 1.1e6);
    ck_assert_double_eq(drive.write_iops, 2e5);
    ck_assert_uint_eq(drive.read_latency_ns, 70000);
    ck_assert_uint_eq(drive.write_latency_ns, 15000);
    ck_assert_uint_eq(drive.endurance_write_bytes, 16 * KIB);
    ck_assert_uint_eq(drive.endurance_large_bytes, 1000000000000000);
    ck_assert_double_eq(drive.watts_busy, 20.0);
    ck_assert_double_eq(drive.watts_idle, 5.0);
    ck_assert_double_eq(drive.usd, 390.0);
    ck_assert_str_eq(drive.usd_date, "2026-06");
}
END_TEST

START_TEST(a_bad_value_is_refused_with_its_key)
{
    static const struct {
        const char *line, *key;
    } refused[] = {
        { "read_bytes_per_s: 7GB\n", "read_bytes_per_s" },
        { "read_iops: -1\n", "read_iops" },
        { "write_latency: 1GB\n", "write_latency" },
        { "endurance_write_bytes: 1\n", "endurance_write_bytes" },
        { "endurance_large: 599TB\n", "endurance_large" },
        { "usd: much\n", "usd" },
        { "price: 390\n", "price" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char content[512];
        struct drive drive;
        struct error err = { 0 };
        snprintf(content, sizeof content, LEAST "%s", refused[i].line);
        ck_assert_msg(load(content, &drive, &err) == STATUS_INPUT, "%s", refused[i].line);
        ck_assert_str_eq(err.key, refused[i].key);
    }
}
END_TEST

START_TEST(every_shipped_drive_says_what_it_is_its_rates_and_a_dated_price)
{
    struct case_names names = case_names("drive");
    ck_assert_uint_ge(names.count, 12);
    for (uint32_t i = 0; i < names.count; i++) {
        struct drive drive;
        struct error err = { 0 };
        const char *name = names.name[i];
        unsigned year = 0, month = 0;
        ck_assert_int_eq(drive_load(name, &drive, &err), STATUS_OK);
        ck_assert_str_eq(drive.name, name);
        ck_assert_msg(strlen(drive.source) > 10, "%s says no source", name);
        ck_assert_msg(drive.usd > 0.0, "%s says no price", name);
        ck_assert_msg(sscanf(drive.usd_date, "%4u-%2u", &year, &month) == 2 && year >= 2023 &&
                          month >= 1 && month <= 12,
                      "%s: price of \"%s\"", name, drive.usd_date);
        ck_assert_msg(drive.read_bytes_per_s > 0.0 && drive.write_bytes_per_s > 0.0 &&
                          drive.read_iops > 0.0 && drive.write_iops > 0.0,
                      "%s says not all rates", name);
        ck_assert_msg(drive.watts_busy > drive.watts_idle, "%s draws more when idle", name);
        /* Between a large QLC drive's and a write-intensive one's. */
        double a_day = (double)drive.endurance_bytes / (double)drive.capacity_bytes /
                       (drive.warranty_years * 365.0);
        ck_assert_msg(a_day > 0.05 && a_day < 30.0, "%s: %g drive writes a day", name, a_day);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/drive");
    TCase *sheet = tcase_create("sheet");
    tcase_add_test(sheet, small_requests_are_bound_by_their_number_and_large_ones_by_their_bytes);
    tcase_add_test(sheet, few_in_flight_wait_for_the_latency_of_each);
    tcase_add_test(sheet, what_a_sheet_does_not_say_bounds_nothing);
    tcase_add_test(sheet, more_in_flight_or_larger_is_never_slower);
    tcase_add_test(sheet, larger_writes_wear_less_up_to_the_large_ones_rating);
    tcase_add_test(sheet, without_a_rating_of_large_writes_the_one_there_is_stands);
    suite_add_tcase(suite, sheet);
    TCase *files = tcase_create("files");
    tcase_add_test(files, a_file_of_capacity_and_endurance_alone_is_enough);
    tcase_add_test(files, what_the_file_says_is_what_the_struct_holds_in_base_units);
    tcase_add_test(files, a_bad_value_is_refused_with_its_key);
    tcase_add_test(files, every_shipped_drive_says_what_it_is_its_rates_and_a_dated_price);
    suite_add_tcase(suite, files);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
