/* tests/sweep/test_estimate.c - means and their confidence intervals, against tables and a trial.
 */
#include "sweep/estimate.h"

#include "base/random.h"
#include "tests/support.h"

#include <math.h>

START_TEST(three_values_by_hand)
{
    /* mean 4, deviation 2; t(0.975, 2) = 4.303 of any table: 4.303 * 2 / sqrt(3). */
    struct estimate estimate = estimate_of((double[]){ 2, 4, 6 }, 3);
    ck_assert_double_eq_tol(estimate.mean, 4.0, 1e-12);
    ck_assert_double_eq_tol(estimate.half_width, 4.3027 * 2 / sqrt(3), 1e-3);
}
END_TEST

START_TEST(one_value_has_no_interval_and_none_no_mean)
{
    struct estimate one = estimate_of((double[]){ 5, NAN }, 2), none = estimate_of(NULL, 0);
    ck_assert_uint_eq(one.count, 1);
    ck_assert_double_eq(one.mean, 5);
    ck_assert(isnan(one.half_width) && isnan(none.mean));
}
END_TEST

START_TEST(large_values_that_differ_little_lose_nothing)
{
    struct estimate estimate = estimate_of((double[]){ 1e15 + 1, 1e15 + 2, 1e15 + 3 }, 3);
    ck_assert_double_eq_tol(estimate.half_width, 4.3027 / sqrt(3), 1e-2);
}
END_TEST

START_TEST(nineteen_of_twenty_intervals_hold_the_mean)
{
    enum { TRIALS = 4000, VALUES = 5 };
    struct random random = random_from(test_seed(), 0);
    int held = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double values[VALUES];
        for (int i = 0; i < VALUES; i++)
            values[i] = 10.0 + 3.0 * random_normal(&random);
        struct estimate estimate = estimate_of(values, VALUES);
        held += fabs(estimate.mean - 10.0) <= estimate.half_width;
    }
    /* Five deviations of sqrt(0.95 * 0.05 / 4000). */
    ck_assert_double_eq_tol((double)held / TRIALS, 0.95, 0.0173);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("estimate");
    TCase *tcase = tcase_create("estimate");
    tcase_add_test(tcase, three_values_by_hand);
    tcase_add_test(tcase, one_value_has_no_interval_and_none_no_mean);
    tcase_add_test(tcase, large_values_that_differ_little_lose_nothing);
    tcase_add_test(tcase, nineteen_of_twenty_intervals_hold_the_mean);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
