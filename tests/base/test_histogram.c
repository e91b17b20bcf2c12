/* tests/base/test_histogram.c - quantiles against a sorted array, ramps against adding one by one.
 */
#include "base/histogram.h"

#include "base/memory.h"
#include "base/random.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 64 octaves at most, of 512 buckets. */
#define BUCKETS_COMPARED ((64 - 9 + 1) * 512)

START_TEST(an_empty_histogram_answers_0)
{
    struct histogram h;
    histogram_init(&h);
    ck_assert_uint_eq(histogram_quantile(&h, 0.5), 0);
    ck_assert_uint_eq(histogram_quantile(&h, 0), 0);
    ck_assert_uint_eq(histogram_quantile(&h, 1), 0);
    ck_assert(histogram_mean(&h) == 0);
    histogram_free(&h);
}
END_TEST

/* A double alone would stay at 2^60: each 1 is less than half of what it can tell there. */
START_TEST(ones_count_beside_a_large_sum)
{
    struct histogram h;
    histogram_init(&h);
    histogram_add(&h, UINT64_C(1) << 60, 1);
    for (int i = 0; i < 100000; i++)
        histogram_add(&h, 1, 1);
    ck_assert_double_eq_tol(sum_value(&h.sum) - 0x1p60, 100000.0, 128.0);
    histogram_free(&h);
}
END_TEST

START_TEST(count_sum_minimum_and_maximum_are_exact)
{
    struct histogram h;
    histogram_init(&h);
    histogram_add(&h, 1234567, 1);
    histogram_add(&h, 7, 3);
    histogram_add(&h, 987654321, 2);
    ck_assert_uint_eq(h.count, 6);
    ck_assert_uint_eq(h.min, 7);
    ck_assert_uint_eq(h.max, 987654321);
    ck_assert(sum_value(&h.sum) == 1234567.0 + 21 + 2 * 987654321.0);
    ck_assert(histogram_mean(&h) == sum_value(&h.sum) / 6);
    histogram_free(&h);
}
END_TEST

START_TEST(adding_nothing_changes_nothing)
{
    struct histogram h;
    histogram_init(&h);
    histogram_add(&h, 5, 0);
    histogram_add_ramp(&h, 5, 1, 0, 1);
    histogram_add_ramp(&h, 5, 1, 1, 0);
    ck_assert_uint_eq(h.count, 0);
    ck_assert_uint_eq(h.max, 0);
    histogram_free(&h);
}
END_TEST

START_TEST(a_reset_histogram_is_empty)
{
    struct histogram h;
    histogram_init(&h);
    histogram_add(&h, 1000000, 5);
    histogram_reset(&h);
    ck_assert_uint_eq(histogram_quantile(&h, 1), 0);
    histogram_add(&h, 3, 1);
    ck_assert_uint_eq(h.min, 3);
    ck_assert_uint_eq(histogram_quantile(&h, 1), 3);
    histogram_add(&h, 70, 1);
    histogram_add(&h, 5000, 1);
    histogram_add_ramp(&h, 100, 1000, 50, 1);
    histogram_reset(&h);
    histogram_add(&h, 2, 1);
    histogram_add(&h, UINT64_C(1) << 40, 1); /* between them, nothing is left of before */
    ck_assert_uint_eq(histogram_quantile(&h, 0.5), 2);
    ck_assert_uint_eq(histogram_quantile(&h, 0.51), UINT64_C(1) << 40);
    histogram_free(&h);
}
END_TEST

START_TEST(every_value_has_a_bucket_the_highest_too)
{
    struct histogram h;
    histogram_init(&h);
    for (int bit = 0; bit < 64; bit++) {
        uint64_t power = UINT64_C(1) << bit;
        const uint64_t values[] = { power - 1, power, power + 1 };
        for (int i = 0; i < 3; i++) {
            histogram_reset(&h);
            histogram_add(&h, values[i], 1);
            ck_assert_uint_eq(histogram_quantile(&h, 0.5), values[i]);
        }
    }
    histogram_add(&h, UINT64_MAX, 1);
    ck_assert_uint_eq(histogram_quantile(&h, 1), UINT64_MAX);
    histogram_free(&h);
}
END_TEST

static int by_value(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The slow reference: the smallest of the sorted values such that at least q of them are <= it. */
static uint64_t exact_quantile(const uint64_t *sorted, uint32_t count, double q)
{
    double rank = ceil(q * count);
    return sorted[rank < 1 ? 0 : (uint32_t)rank - 1];
}

static void compare_quantiles(const uint64_t *sorted, uint32_t count, const struct histogram *h)
{
    for (int i = 0; i <= 1000; i++) {
        uint64_t exact = exact_quantile(sorted, count, i / 1000.0);
        uint64_t got = histogram_quantile(h, i / 1000.0);
        ck_assert_uint_ge(got, exact); /* so that q of the count is <= it */
        ck_assert_double_le((double)(got - exact), 0.002 * (double)exact);
    }
    ck_assert_uint_eq(histogram_quantile(h, 0), sorted[0]);
    ck_assert_uint_eq(histogram_quantile(h, 1), sorted[count - 1]);
}

START_TEST(quantiles_are_within_a_500th_of_a_sorted_arrays)
{
    enum { VALUES = 20000 };
    struct random random = random_from(test_seed(), 0);
    uint64_t *values = memory_new(VALUES, sizeof *values);
    static const double cv[] = { 0.01, 0.5, 3, 30 };
    for (size_t c = 0; c < sizeof cv / sizeof cv[0]; c++) {
        struct histogram h;
        histogram_init(&h);
        for (int i = 0; i < VALUES; i++) {
            values[i] = (uint64_t)random_lognormal(&random, 5e7, cv[c]);
            histogram_add(&h, values[i], 1);
        }
        qsort(values, VALUES, sizeof *values, by_value);
        compare_quantiles(values, VALUES, &h);
        histogram_free(&h);
    }
    free(values);
}
END_TEST

START_TEST(small_values_have_exact_quantiles)
{
    struct histogram h;
    histogram_init(&h);
    for (uint64_t value = 1; value <= 1000; value++)
        histogram_add(&h, value, 1);
    for (int percent = 1; percent <= 100; percent++)
        ck_assert_uint_eq(histogram_quantile(&h, percent / 100.0),
                          (uint64_t)ceil(percent / 100.0 * 1000));
    histogram_free(&h);
}
END_TEST

START_TEST(adding_a_value_times_n_is_adding_it_n_times)
{
    struct histogram once, often;
    histogram_init(&once);
    histogram_init(&often);
    histogram_add(&once, 123456789, 1000);
    for (int i = 0; i < 1000; i++)
        histogram_add(&often, 123456789, 1);
    ck_assert_uint_eq(once.count, often.count);
    ck_assert(sum_value(&once.sum) == sum_value(&often.sum));
    ck_assert_mem_eq(once.bucket, often.bucket, BUCKETS_COMPARED * sizeof *once.bucket);
    histogram_free(&once);
    histogram_free(&often);
}
END_TEST

/* A ramp and its values one by one: the same but for the sum, whose terms are not rounded. */
static void compare_ramp(double first, double step, uint64_t count, uint64_t times)
{
    struct histogram ramp, slow;
    histogram_init(&ramp);
    histogram_init(&slow);
    histogram_add_ramp(&ramp, first, step, count, times);
    for (uint64_t k = 0; k < count; k++)
        histogram_add(&slow, (uint64_t)round(first + step * (double)k), times);
    ck_assert_uint_eq(ramp.count, slow.count);
    ck_assert_uint_eq(ramp.min, slow.min);
    ck_assert_uint_eq(ramp.max, slow.max);
    double by_one = sum_value(&slow.sum);
    ck_assert_double_eq_tol(sum_value(&ramp.sum), by_one, 0.5 * (double)slow.count + 1e-9 * by_one);
    ck_assert_mem_eq(ramp.bucket, slow.bucket, BUCKETS_COMPARED * sizeof *ramp.bucket);
    histogram_free(&ramp);
    histogram_free(&slow);
}

START_TEST(adding_all_of_another_is_adding_its_values)
{
    struct random random = random_from(test_seed(), 21);
    struct histogram whole, part[3];
    histogram_init(&whole);
    for (int i = 0; i < 3; i++)
        histogram_init(&part[i]);
    for (int i = 0; i < 5000; i++) {
        uint64_t value = random_below(&random, UINT64_C(1) << (1 + random_below(&random, 40)));
        histogram_add(&whole, value, 1);
        histogram_add(&part[1 + random_below(&random, 2)], value, 1);
    }
    histogram_add_all(&part[1], &part[0]); /* which is empty */
    histogram_add_all(&part[0], &part[1]);
    histogram_add_all(&part[0], &part[2]);
    ck_assert_uint_eq(part[0].count, whole.count);
    ck_assert_uint_eq(part[0].min, whole.min);
    ck_assert_uint_eq(part[0].max, whole.max);
    ck_assert(histogram_mean(&part[0]) == histogram_mean(&whole));
    for (int i = 0; i <= 100; i++)
        ck_assert_uint_eq(histogram_quantile(&part[0], i / 100.0),
                          histogram_quantile(&whole, i / 100.0));
    for (int i = 0; i < 3; i++)
        histogram_free(&part[i]);
    histogram_free(&whole);
}
END_TEST

START_TEST(a_ramp_is_its_values_one_by_one)
{
    compare_ramp(2.5e7, 310.7, 5000, 24);   /* decode iterations, ns */
    compare_ramp(0, 0.25, 10000, 1);        /* four values round to one */
    compare_ramp(0.5, 1, 5000, 1);          /* every value at a rounding's edge */
    compare_ramp(1023.5, 1.0 / 3, 5000, 2); /* across the first octave's end */
    compare_ramp(1e6, 0, 777, 3);           /* flat */
    compare_ramp(5, 1e9, 1000, 1);          /* a bucket each */
    compare_ramp(9e15, 0.7, 3000, 1);       /* steps below the double's spacing */
    compare_ramp(42, 17, 1, 9);             /* one value */
}
END_TEST

START_TEST(any_ramp_is_its_values_one_by_one)
{
    struct random random = random_from(test_seed(), 1);
    for (int i = 0; i < 1000; i++) {
        double first = random_lognormal(&random, 1e6, 20);
        double step = random_lognormal(&random, 1e2, 20);
        uint64_t count = 1 + random_below(&random, 2000);
        uint64_t times = 1 + random_below(&random, 30);
        compare_ramp(first, step, count, times);
    }
}
END_TEST

START_TEST(a_ramp_of_a_billion_values_costs_its_buckets_only)
{
    struct histogram h;
    histogram_init(&h);
    histogram_add_ramp(&h, 1e6, 0.001, 1000000000, 1);
    ck_assert_uint_eq(h.count, 1000000000);
    ck_assert_uint_eq(h.min, 1000000);
    ck_assert_uint_eq(h.max, 2000000);
    ck_assert_double_eq_tol(histogram_mean(&h), 1.5e6, 1);
    histogram_free(&h);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/histogram");
    TCase *tcase = tcase_create("histogram");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, an_empty_histogram_answers_0);
    tcase_add_test(tcase, ones_count_beside_a_large_sum);
    tcase_add_test(tcase, count_sum_minimum_and_maximum_are_exact);
    tcase_add_test(tcase, adding_nothing_changes_nothing);
    tcase_add_test(tcase, a_reset_histogram_is_empty);
    tcase_add_test(tcase, every_value_has_a_bucket_the_highest_too);
    tcase_add_test(tcase, quantiles_are_within_a_500th_of_a_sorted_arrays);
    tcase_add_test(tcase, small_values_have_exact_quantiles);
    tcase_add_test(tcase, adding_a_value_times_n_is_adding_it_n_times);
    tcase_add_test(tcase, adding_all_of_another_is_adding_its_values);
    tcase_add_test(tcase, a_ramp_is_its_values_one_by_one);
    tcase_add_test(tcase, any_ramp_is_its_values_one_by_one);
    tcase_add_test(tcase, a_ramp_of_a_billion_values_costs_its_buckets_only);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
