/* tests/base/test_units.c - quantities as people write them, and what is refused. */
#include "base/units.h"

#include "base/random.h"
#include "tests/support.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <string.h>

static void check_parsed(const char *text, enum unit_kind kind, double expected)
{
    double value = -1;
    ck_assert_msg(units_parse(text, kind, &value), "\"%s\" is refused", text);
    ck_assert_msg(value == expected, "\"%s\" is read as %.17g", text, value);
}

static void check_refused(const char *text, enum unit_kind kind)
{
    double value;
    ck_assert_msg(!units_parse(text, kind, &value), "\"%s\" is taken, as %.17g", text, value);
}

START_TEST(plain_numbers_take_decimal_prefixes)
{
    check_parsed("0.85", UNIT_PLAIN, 0.85);
    check_parsed("24", UNIT_PLAIN, 24);
    check_parsed("52k", UNIT_PLAIN, 52000);
    check_parsed("1.5M", UNIT_PLAIN, 1.5e6);
    check_parsed("2G", UNIT_PLAIN, 2e9);
    check_parsed("3T", UNIT_PLAIN, 3e12);
    check_parsed("1e6", UNIT_PLAIN, 1e6);
    check_parsed("1E-3", UNIT_PLAIN, 1e-3);
    check_parsed("-3", UNIT_PLAIN, -3);
    check_parsed("+3", UNIT_PLAIN, 3);
    check_parsed(".5", UNIT_PLAIN, 0.5);
    check_parsed("5.", UNIT_PLAIN, 5);
}
END_TEST

START_TEST(bytes_take_powers_of_1000_and_of_1024)
{
    check_parsed("128GB", UNIT_BYTES, 128e9);
    check_parsed("64 GiB", UNIT_BYTES, 64 * 0x1p30);
    check_parsed("4096", UNIT_BYTES, 4096);
    check_parsed("4096B", UNIT_BYTES, 4096);
    check_parsed("512kB", UNIT_BYTES, 512e3);
    check_parsed("512KiB", UNIT_BYTES, 512 * 1024.0);
    check_parsed("10TB", UNIT_BYTES, 10e12);
    check_parsed("0.1GB", UNIT_BYTES, 1e8);
}
END_TEST

START_TEST(rates_take_a_prefix_and_their_unit)
{
    check_parsed("26GB/s", UNIT_BYTES_PER_S, 26e9);
    check_parsed("1GiB/s", UNIT_BYTES_PER_S, 0x1p30);
    check_parsed("26e9", UNIT_BYTES_PER_S, 26e9);
    check_parsed("1.0/s", UNIT_PER_S, 1);
    check_parsed("0.5", UNIT_PER_S, 0.5);
    check_parsed("10k/s", UNIT_PER_S, 1e4);
    check_parsed("312TFLOP/s", UNIT_FLOP_PER_S, 312e12);
    check_parsed("1 PFLOP/s", UNIT_FLOP_PER_S, 1e15);
    check_parsed("5EFLOP/s", UNIT_FLOP_PER_S, 5e18);
}
END_TEST

START_TEST(durations_are_nanoseconds)
{
    check_parsed("17", UNIT_DURATION, 17);
    check_parsed("17ns", UNIT_DURATION, 17);
    check_parsed("250us", UNIT_DURATION, 250e3);
    check_parsed("3ms", UNIT_DURATION, 3e6);
    check_parsed("60s", UNIT_DURATION, 60e9);
    check_parsed("5min", UNIT_DURATION, 300e9);
    check_parsed("1h", UNIT_DURATION, 3600e9);
    check_parsed("1.5 d", UNIT_DURATION, 1.5 * 86400e9);
}
END_TEST

START_TEST(what_is_not_wholly_a_number_is_refused)
{
    static const char *const texts[] = { "",      " ",   "k",    ".",        "-",     "e5",
                                         "1e",    "1 ",  " 1",   "1,5",      "1.2.3", "0x10",
                                         "inf",   "nan", "-inf", "INFINITY", "1e999", "5x",
                                         "5 k k", "52K", "--5" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_refused(texts[i], UNIT_PLAIN);
}
END_TEST

START_TEST(another_kinds_unit_is_refused)
{
    check_refused("5GB", UNIT_PLAIN);
    check_refused("1E", UNIT_PLAIN); /* no exponent, and no 10^18 either */
    check_refused("1P", UNIT_PLAIN);
    check_refused("5s", UNIT_PLAIN);
    check_refused("5GB/s", UNIT_BYTES);
    check_refused("5s", UNIT_BYTES);
    check_refused("5G", UNIT_BYTES);
    check_refused("5gb", UNIT_BYTES);
    check_refused("5GB", UNIT_BYTES_PER_S);
    check_refused("5GB", UNIT_DURATION);
    check_refused("5m", UNIT_DURATION);
    check_refused("5s", UNIT_PER_S);
    check_refused("5GB/s", UNIT_FLOP_PER_S);
    check_refused("5 GB ", UNIT_BYTES);
    check_refused("5/ s", UNIT_PER_S);
}
END_TEST

static void check_formatted(double value, enum unit_kind kind, const char *expected)
{
    char text[64];
    ck_assert_str_eq(units_format(value, kind, text, sizeof text), expected);
}

START_TEST(three_digits_and_the_fitting_prefix_are_written)
{
    check_formatted(1.25e12, UNIT_BYTES, "1.25 TB");
    check_formatted(87e6, UNIT_DURATION, "87.0 ms");
    check_formatted(312e12, UNIT_FLOP_PER_S, "312 TFLOP/s");
    check_formatted(26e9, UNIT_BYTES_PER_S, "26.0 GB/s");
    check_formatted(52000, UNIT_PLAIN, "52.0k");
    check_formatted(0.85, UNIT_PLAIN, "0.850");
    check_formatted(1.5, UNIT_PER_S, "1.50/s");
    check_formatted(90e9, UNIT_DURATION, "1.50 min");
    check_formatted(-1500, UNIT_BYTES, "-1.50 kB");
}
END_TEST

START_TEST(whole_numbers_below_the_first_prefix_are_written_as_they_are)
{
    check_formatted(0, UNIT_BYTES, "0 B");
    check_formatted(24, UNIT_PLAIN, "24");
    check_formatted(512, UNIT_BYTES, "512 B");
    check_formatted(17, UNIT_DURATION, "17 ns");
}
END_TEST

START_TEST(what_rounds_up_to_the_next_prefix_is_written_with_it)
{
    check_formatted(999.4e3, UNIT_BYTES, "999 kB");
    check_formatted(999.6e3, UNIT_BYTES, "1.00 MB");
    check_formatted(9.996e6, UNIT_BYTES, "10.0 MB");
    check_formatted(59.97e9, UNIT_DURATION, "1.00 min");
}
END_TEST

START_TEST(extremes_are_written_in_bounds)
{
    check_formatted(1e-9, UNIT_PLAIN, "1.00e-09");
    check_formatted(1.23e-5, UNIT_PLAIN, "0.0000123");
    check_formatted(5e21, UNIT_BYTES, "5000 EB");
    check_formatted(INFINITY, UNIT_BYTES, "inf");
    check_formatted(-INFINITY, UNIT_BYTES, "-inf");
    check_formatted(NAN, UNIT_BYTES, "nan");
    char small[5];
    ck_assert_str_eq(units_format(1.25e12, UNIT_BYTES, small, sizeof small), "1.25");
}
END_TEST

START_TEST(what_is_written_reads_back_to_three_digits)
{
    const uint64_t seed = test_seed();
    struct random random = random_from(seed, 0);
    for (int i = 0; i < 50000; i++) {
        enum unit_kind kind = (enum unit_kind)random_below(&random, UNIT_FLOP_PER_S + 1);
        double value = exact_exp(90 * random_uniform(&random) - 40), read;
        char text[400];
        units_format(value, kind, text, sizeof text);
        ck_assert_msg(units_parse(text, kind, &read) && fabs(read - value) <= 0.0051 * value,
                      "seed %" PRIu64 ": %.17g is written as \"%s\"", seed, value, text);
    }
}
END_TEST

START_TEST(what_no_unit_makes_short_is_written_with_an_exponent)
{
    char text[32];
    double value;
    ck_assert_str_eq(units_format(1e76, UNIT_DURATION, text, sizeof text), "1.16e+62 d");
    ck_assert_str_eq(units_format(-1e300, UNIT_PLAIN, text, sizeof text), "-1.00e+288T");
    ck_assert(units_parse(text, UNIT_PLAIN, &value));
}
END_TEST

START_TEST(a_number_written_in_full_reads_back_to_the_last_bit)
{
    struct random random = random_from(test_seed(), 1);
    for (int i = 0; i < 50000; i++) {
        double value = exact_exp(1400 * random_uniform(&random) - 700), read;
        char text[32];
        ck_assert(units_parse(units_number(value, text, sizeof text), UNIT_PLAIN, &read));
        ck_assert(read == value);
    }
}
END_TEST

START_TEST(a_number_that_15_digits_hold_is_written_short)
{
    char text[32];
    ck_assert_str_eq(units_number(0.1, text, sizeof text), "0.1");
    ck_assert_str_eq(units_number(1048576, text, sizeof text), "1048576");
    ck_assert_str_eq(units_number(-2.5, text, sizeof text), "-2.5");
}
END_TEST

START_TEST(the_decimal_point_is_a_point_in_every_locale)
{
    /* Whichever of these the machine has; without any, C itself is tried again. */
    static const char *const locales[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C" };
    size_t i = 0;
    while (setlocale(LC_ALL, locales[i]) == NULL)
        i++;
    const char *point = localeconv()->decimal_point;
    check_parsed("0.85", UNIT_PLAIN, 0.85);
    check_refused("0,85", UNIT_PLAIN);
    check_formatted(1.25e12, UNIT_BYTES, "1.25 TB");
    char text[32];
    ck_assert_str_eq(units_number(0.5, text, sizeof text), "0.5");
    ck_assert_str_eq(localeconv()->decimal_point, point); /* and the locale is left as it was */
}
END_TEST

START_TEST(every_kind_says_what_it_expects)
{
    for (int kind = 0; kind <= UNIT_FLOP_PER_S; kind++)
        ck_assert_ptr_nonnull(strstr(units_expected((enum unit_kind)kind), "such as"));
}
END_TEST

START_TEST(several_values_share_the_prefix_of_one)
{
    double factor;
    ck_assert_str_eq(units_scale(-1.5e6, UNIT_DURATION, &factor), "ms");
    ck_assert_double_eq(factor, 1e6);
    ck_assert_str_eq(units_scale(0.0, UNIT_DURATION, &factor), "ns");
    ck_assert_double_eq(factor, 1.0);
    ck_assert_str_eq(units_scale(59.9e9, UNIT_DURATION, &factor), "s");
    ck_assert_str_eq(units_scale(60e9, UNIT_DURATION, &factor), "min");
    ck_assert_str_eq(units_scale(2e12, UNIT_BYTES, &factor), "T");
}
END_TEST

START_TEST(whole_numbers_for_people_have_commas)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = { { 0, "0" },
                  { 999.4, "999" },
                  { 999.5, "1,000" },
                  { -999, "-999" },
                  { -1234567, "-1,234,567" },
                  { 50687, "50,687" },
                  { 1e12, "1,000,000,000,000" } };
    char text[32], little[5];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(units_grouped(cases[i].value, text, sizeof text), cases[i].text);
    ck_assert_uint_lt(strlen(units_grouped(1234567, little, sizeof little)), sizeof little);
}
END_TEST

START_TEST(a_whole_number_is_digits_alone)
{
    const char *const none[] = { "",    "-1", "+1",
                                 " 1",  "1 ", "1.0",
                                 "0x1", "1k", "18446744073709551616" };
    uint64_t value = 7;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert_msg(!units_whole(none[i], &value) && value == 7, "%s", none[i]);
    ck_assert(units_whole("18446744073709551615", &value) && value == UINT64_MAX);
    ck_assert(units_whole("007", &value) && value == 7);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/units");
    TCase *tcase = tcase_create("units");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, plain_numbers_take_decimal_prefixes);
    tcase_add_test(tcase, bytes_take_powers_of_1000_and_of_1024);
    tcase_add_test(tcase, rates_take_a_prefix_and_their_unit);
    tcase_add_test(tcase, durations_are_nanoseconds);
    tcase_add_test(tcase, what_is_not_wholly_a_number_is_refused);
    tcase_add_test(tcase, another_kinds_unit_is_refused);
    tcase_add_test(tcase, three_digits_and_the_fitting_prefix_are_written);
    tcase_add_test(tcase, whole_numbers_below_the_first_prefix_are_written_as_they_are);
    tcase_add_test(tcase, what_rounds_up_to_the_next_prefix_is_written_with_it);
    tcase_add_test(tcase, extremes_are_written_in_bounds);
    tcase_add_test(tcase, what_is_written_reads_back_to_three_digits);
    tcase_add_test(tcase, what_no_unit_makes_short_is_written_with_an_exponent);
    tcase_add_test(tcase, a_number_written_in_full_reads_back_to_the_last_bit);
    tcase_add_test(tcase, a_number_that_15_digits_hold_is_written_short);
    tcase_add_test(tcase, the_decimal_point_is_a_point_in_every_locale);
    tcase_add_test(tcase, several_values_share_the_prefix_of_one);
    tcase_add_test(tcase, whole_numbers_for_people_have_commas);
    tcase_add_test(tcase, a_whole_number_is_digits_alone);
    tcase_add_test(tcase, every_kind_says_what_it_expects);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
