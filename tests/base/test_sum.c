/* tests/base/test_sum.c - a sum loses nothing, however long it is and in whatever order it comes.
 */
#include "base/sum.h"

#include "base/random.h"
#include "tests/support.h"

#include <stdint.h>

__extension__ typedef unsigned __int128 uint128; /* ISO C11 has none so wide */

static double sum_of(const double *values, int count)
{
    struct sum sum = { 0 };
    for (int i = 0; i < count; i++)
        sum_add(&sum, values[i]);
    return sum_value(&sum);
}

START_TEST(zeroed_memory_is_nothing)
{
    struct sum sum = { 0 };
    ck_assert(sum_value(&sum) == 0.0);
}
END_TEST

/* 2^53 + 1 is no double: each one by itself would be rounded off. */
START_TEST(ones_behind_a_large_number_are_kept)
{
    struct sum sum = { 0 };
    sum_add(&sum, 0x1p53);
    for (int i = 0; i < 1000; i++)
        sum_add(&sum, 1.0);
    ck_assert(sum_value(&sum) == 0x1p53 + 1000.0);
}
END_TEST

START_TEST(what_comes_before_a_large_number_is_kept)
{
    const double small_first[] = { 1.0, 0x1p60, 1.0, -0x1p60 },
                 falling[] = { 0x1p60, 1.0, 0x1p-60, -0x1p60 };
    ck_assert(sum_of(small_first, 4) == 2.0);
    ck_assert(sum_of(falling, 4) == 1.0 + 0x1p-60);
}
END_TEST

START_TEST(sums_of_parts_are_the_sum_of_all)
{
    struct random random = random_from(test_seed(), 18);
    struct sum whole = { 0 }, part[3] = { { 0 } }, together = { 0 };
    for (int i = 0; i < 100000; i++) {
        double value =
            (double)random_below(&random, UINT64_C(1) << (1 + random_below(&random, 53)));
        sum_add(&whole, value);
        sum_add(&part[random_below(&random, 3)], value);
    }
    for (int i = 0; i < 3; i++)
        sum_add_sum(&together, &part[i]);
    ck_assert(sum_value(&together) == sum_value(&whole));
}
END_TEST

/* Of all magnitudes that ns and bytes have; the exact sum is beyond 2^64. */
START_TEST(whole_numbers_of_any_size_sum_exactly)
{
    struct random random = random_from(test_seed(), 17);
    struct sum sum = { 0 };
    uint128 exact = 0;
    for (int i = 0; i < 200000; i++) {
        uint64_t value = random_below(&random, UINT64_C(1) << (1 + random_below(&random, 53)));
        sum_add(&sum, (double)value);
        exact += value;
    }
    ck_assert(sum_value(&sum) == (double)exact);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/sum");
    TCase *tcase = tcase_create("sum");
    tcase_add_test(tcase, zeroed_memory_is_nothing);
    tcase_add_test(tcase, ones_behind_a_large_number_are_kept);
    tcase_add_test(tcase, what_comes_before_a_large_number_is_kept);
    tcase_add_test(tcase, whole_numbers_of_any_size_sum_exactly);
    tcase_add_test(tcase, sums_of_parts_are_the_sum_of_all);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
