/* tests/sweep/test_bootstrap.c - resamples of blocks against all of them, and memories that are
 * known. */
#include "sweep/bootstrap.h"

#include "base/random.h"
#include "tests/support.h"

#include <math.h>

/* ---- resamples ---- */

static const double tiny[] = { 3.0, 5.0, -2.0, 11.0 };

static double mean_of_tiny(const void *context, const uint32_t *times)
{
    double sum = 0.0;
    (void)context;
    for (int c = 0; c < 4; c++)
        sum += times[c] * tiny[c];
    return sum / 4;
}

/* Two blocks of two cells, each beginning at any of four, the end going on at the beginning: all
 * sixteen. */
static double slow_deviation_of_tiny(void)
{
    double sum = 0.0, squares = 0.0;
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++) {
            double mean = (tiny[a] + tiny[(a + 1) % 4] + tiny[b] + tiny[(b + 1) % 4]) / 4;
            sum += mean / 16;
            squares += mean * mean / 16;
        }
    return sqrt(squares - sum * sum);
}

START_TEST(many_resamples_deviate_as_all_that_there_are)
{
    const struct bootstrap bootstrap = { 4, 2, 40000, test_seed() };
    double deviation = bootstrap_deviation(&bootstrap, mean_of_tiny, NULL);
    ck_assert_double_eq_tol(deviation / slow_deviation_of_tiny(), 1.0, 0.02);
    ck_assert_double_eq(deviation, bootstrap_deviation(&bootstrap, mean_of_tiny, NULL));
}
END_TEST

/* 7 cells in blocks of 3: two whole ones and one cell. A cell without its neighbour begins a block
 * or ends one, of which there are three each. */
START_TEST(a_resample_is_as_long_as_the_series_and_made_of_blocks)
{
    const struct bootstrap bootstrap = { 7, 3, 1, 1 };
    struct random random = random_from(test_seed(), 0);
    uint32_t times[7], begun[7] = { 0 };
    for (int trial = 0; trial < 2000; trial++) {
        uint32_t sum = 0, begins = 0;
        bootstrap_resample(&bootstrap, &random, times);
        for (int c = 0; c < 7; c++) {
            uint32_t before = times[(c + 6) % 7];
            sum += times[c];
            begins += times[c] > before ? times[c] - before : 0;
            begun[c] += times[c] > 0;
        }
        ck_assert_uint_eq(sum, 7);
        ck_assert_uint_le(begins, 3);
    }
    for (int c = 0; c < 7; c++) /* none is favoured: about 1 - (4/7)^2 (6/7) = 72 % each */
        ck_assert_double_eq_tol(begun[c] / 2000.0, 0.72, 0.06);
}
END_TEST

static double not_known(const void *context, const uint32_t *times)
{
    (void)context;
    return times[0] > 0 ? (double)NAN : (double)times[1];
}

START_TEST(resamples_that_give_no_number_are_left_out)
{
    const struct bootstrap bootstrap = { 4, 1, 500, 1 }, alone = { 1, 1, 500, 1 };
    ck_assert(!isnan(bootstrap_deviation(&bootstrap, not_known, NULL)));
    ck_assert(isnan(bootstrap_deviation(&alone, not_known, NULL)));
}
END_TEST

/* ---- memory ---- */

enum { CELLS = 250, MOST = 20 };

/* x(i+1) = again x(i) + noise. */
static void fill(double series[CELLS], double again, uint64_t seed)
{
    struct random random = random_from(seed, 0);
    double value = random_normal(&random) / sqrt(1.0 - again * again);
    for (int i = 0; i < CELLS; i++) {
        series[i] = value;
        value = again * value + random_normal(&random);
    }
}

static double mean_memory(double again)
{
    double series[CELLS], sum = 0.0;
    for (uint64_t trial = 0; trial < 200; trial++) {
        fill(series, again, test_seed() + trial);
        sum += (double)bootstrap_memory_cells(series, CELLS, MOST);
    }
    return sum / 200;
}

/* again^lag falls below what is chance, 2 sqrt(log10(250) / 250) = 0.196, behind lag 1.8, 3.2, 7.3.
 */
START_TEST(memory_ends_where_correlation_is_no_more_than_chance)
{
    ck_assert_double_le(mean_memory(0.0), 1.3);
    ck_assert_double_eq_tol(mean_memory(0.4), 1.8, 0.7);
    ck_assert_double_eq_tol(mean_memory(0.6), 3.2, 1.0);
    ck_assert_double_eq_tol(mean_memory(0.8), 7.3, 2.0);
}
END_TEST

/* Each value shares half with the fourth before it, and nothing with those between. */
START_TEST(a_lull_in_correlation_is_not_its_end)
{
    double noise[CELLS], series[CELLS];
    fill(noise, 0.0, test_seed());
    for (int i = 0; i < CELLS; i++)
        series[i] = noise[i] + noise[(i + CELLS - 4) % CELLS];
    ck_assert_uint_ge(bootstrap_memory_cells(series, CELLS, MOST), 4);
}
END_TEST

START_TEST(what_only_grows_remembers_as_long_as_is_looked)
{
    double series[CELLS], same[CELLS];
    for (int i = 0; i < CELLS; i++) {
        series[i] = i;
        same[i] = 5.0;
    }
    ck_assert_uint_ge(bootstrap_memory_cells(series, CELLS, MOST), MOST);
    ck_assert_uint_eq(bootstrap_memory_cells(same, CELLS, MOST), 1);
    ck_assert_uint_eq(bootstrap_memory_cells(same, 1, MOST), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bootstrap");
    TCase *tcase = tcase_create("bootstrap");
    tcase_add_test(tcase, many_resamples_deviate_as_all_that_there_are);
    tcase_add_test(tcase, a_resample_is_as_long_as_the_series_and_made_of_blocks);
    tcase_add_test(tcase, resamples_that_give_no_number_are_left_out);
    tcase_add_test(tcase, memory_ends_where_correlation_is_no_more_than_chance);
    tcase_add_test(tcase, a_lull_in_correlation_is_not_its_end);
    tcase_add_test(tcase, what_only_grows_remembers_as_long_as_is_looked);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
