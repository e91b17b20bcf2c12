/* tests/sweep/test_paired.c - differences whose answer is known, a plain computation of the same,
 * and how often intervals hold the truth: nineteen times of twenty, or none is given. */
#include "sweep/paired.h"

#include "base/random.h"
#include "sweep/bootstrap.h"
#include "sweep/estimate.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- turns made by hand ---- */

#define GAP_NS 1000000

/* Two runs of which turn i is asked at i * GAP_NS. */
struct runs {
    struct turn_log base, run;
};

static void add(struct turn_log *log, uint64_t number, uint64_t asked_ns, double ttft_ns,
                uint32_t reused)
{
    const struct turn_times turn = { .session = number / 3,
                                     .turn = (uint32_t)(number % 3),
                                     .asked_ns = asked_ns,
                                     .ttft_ns = (uint64_t)ttft_ns,
                                     .wanted_tokens = 100,
                                     .reused_tokens = reused };
    turn_log_add(log, &turn);
}

static void free_runs(struct runs *runs)
{
    turn_log_free(&runs->base);
    turn_log_free(&runs->run);
}

static struct paired_turns *pair(struct runs *runs)
{
    turn_log_sort(&runs->base);
    turn_log_sort(&runs->run);
    return paired_turns_new(&runs->base, &runs->run);
}

static struct difference difference_of(struct runs *runs, enum paired_metric metric)
{
    struct paired_turns *turns = pair(runs);
    struct difference difference = paired_turns_difference(turns, metric, 200);
    paired_turns_free(turns);
    return difference;
}

/* Differences in TTFT of +1 ms in the mean, each as much like the one before as `again` says, and
 * hits of half the tokens against 0.6 of them. */
static struct runs drawn(uint32_t count, double again, uint64_t seed)
{
    struct runs runs = { 0 };
    struct random random = random_from(seed, 0);
    double noise = random_normal(&random) / sqrt(1.0 - again * again);
    for (uint32_t i = 0; i < count; i++) {
        double own_ns = random_exponential(&random, 50e6) + 100e6;
        add(&runs.base, i, i * (uint64_t)GAP_NS, own_ns, random_uniform(&random) < 0.5 ? 100 : 0);
        add(&runs.run, i, i * (uint64_t)GAP_NS + 500, own_ns + 1e6 + 3e6 * noise,
            random_uniform(&random) < 0.6 ? 100 : 0);
        noise = again * noise + random_normal(&random);
    }
    return runs;
}

/* ---- which turns are pairs ---- */

START_TEST(turns_are_paired_by_session_and_number_whatever_their_order)
{
    struct runs runs = { 0 };
    for (uint64_t i = 0; i < 300; i++)
        add(&runs.base, i, i * GAP_NS, 1e6, 0);
    for (uint64_t i = 310;
         i-- > 10;) /* the other way round; each side lacks ten, in part of a session */
        add(&runs.run, i, (400 - i) * GAP_NS, 1e6 + 1e3 * (double)i, 0);
    struct paired_turns *turns = pair(&runs);
    ck_assert_uint_eq(paired_turns_count(turns), 290);
    ck_assert_uint_eq(paired_turns_block_ns(turns), 289 * (uint64_t)GAP_NS / 10);
    /* i from 10 to 299: 154.5 in the mean. */
    ck_assert_double_eq_tol(paired_turns_difference(turns, PAIRED_TTFT_MEAN, 2).value, 154.5e3,
                            1.0);
    paired_turns_free(turns);
    free_runs(&runs);
}
END_TEST

START_TEST(a_run_against_itself_has_no_difference_however_few_its_turns)
{
    for (uint32_t count = 1; count <= 3000; count += 2999) {
        struct runs runs = drawn(count, 0.9, test_seed()), same = { 0 };
        for (uint32_t i = 0; i < count; i++) {
            const struct logged_turn *turn = &runs.base.item[i];
            add(&same.base, i, turn->asked_ns, (double)turn->ttft_ns, turn->reused_tokens);
            add(&same.run, i, turn->asked_ns + 9, (double)turn->ttft_ns, turn->reused_tokens);
        }
        for (int metric = 0; metric < PAIRED_METRICS; metric++) {
            struct difference difference = difference_of(&same, (enum paired_metric)metric);
            ck_assert_double_eq(difference.value, 0.0);
            ck_assert_double_eq(difference.half_width, 0.0);
            ck_assert(!difference_seen(&difference) && difference.doubt == PAIRED_NO_DOUBT);
        }
        free_runs(&runs);
        free_runs(&same);
    }
}
END_TEST

/* ---- a plain computation of the same ---- */

enum { SLOW_TURNS = 4000, SLOW_CELLS = 250, SLOW_RESAMPLES = 30 };

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The smallest value that at least 99 % are no larger than. */
static double slow_p99(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, by_size);
    for (uint32_t i = 0;; i++)
        if (100 * (uint64_t)(i + 1) >= 99 * (uint64_t)count)
            return values[i];
}

/* Writes out every turn of the resample, as often as it is in it. */
static double slow_statistic(const struct runs *runs, enum paired_metric metric,
                             const uint32_t *times)
{
    double *values[2] = { calloc(8 * SLOW_TURNS, sizeof(double)),
                          calloc(8 * SLOW_TURNS, sizeof(double)) };
    double mean[2] = { 0 }, reused[2] = { 0 }, result;
    uint32_t count = 0;
    for (uint32_t i = 0; i < SLOW_TURNS; i++) {
        uint64_t span = (SLOW_TURNS - 1) * (uint64_t)GAP_NS + 1;
        for (uint32_t k = 0; k < times[i * (uint64_t)GAP_NS * SLOW_CELLS / span]; k++) {
            ck_assert_uint_lt(count, 8 * SLOW_TURNS);
            for (int side = 0; side < 2; side++) {
                const struct logged_turn *turn =
                    side == 0 ? &runs->base.item[i] : &runs->run.item[i];
                values[side][count] = (double)turn->ttft_ns;
                mean[side] += (double)turn->ttft_ns;
                reused[side] += turn->reused_tokens;
            }
            count++;
        }
    }
    if (metric == PAIRED_TTFT_P99)
        result = slow_p99(values[1], count) - slow_p99(values[0], count);
    else if (metric == PAIRED_TTFT_MEAN)
        result = (mean[1] - mean[0]) / count;
    else
        result = (reused[1] - reused[0]) / (100.0 * count);
    free(values[0]);
    free(values[1]);
    return result;
}

static double slow_half_width(const struct runs *runs, enum paired_metric metric)
{
    const struct bootstrap bootstrap = { SLOW_CELLS, SLOW_CELLS / 10, SLOW_RESAMPLES, PAIRED_SEED };
    struct random random = random_from(PAIRED_SEED, 0);
    uint32_t times[SLOW_CELLS];
    double value[SLOW_RESAMPLES], mean = 0.0, squares = 0.0;
    for (int i = 0; i < SLOW_RESAMPLES; i++) {
        bootstrap_resample(&bootstrap, &random, times);
        value[i] = slow_statistic(runs, metric, times);
        mean += value[i] / SLOW_RESAMPLES;
    }
    for (int i = 0; i < SLOW_RESAMPLES; i++)
        squares += (value[i] - mean) * (value[i] - mean);
    /* t(0.975, 9) = 2.2622 of any table; ten blocks, nine of them free. */
    return 2.2621572 * sqrt(squares / (SLOW_RESAMPLES - 1)) * sqrt(10.0 / 9.0);
}

START_TEST(values_and_intervals_are_those_of_a_plain_computation)
{
    struct runs runs = drawn(SLOW_TURNS, 0.5, test_seed());
    uint32_t once[SLOW_CELLS];
    for (int c = 0; c < SLOW_CELLS; c++)
        once[c] = 1;
    struct paired_turns *turns = pair(&runs);
    for (int i = 0; i < PAIRED_METRICS; i++) {
        enum paired_metric metric = (enum paired_metric)i;
        struct difference got = paired_turns_difference(turns, metric, SLOW_RESAMPLES);
        double value = slow_statistic(&runs, metric, once), wide = slow_half_width(&runs, metric);
        ck_assert_msg(got.doubt == PAIRED_NO_DOUBT, "metric %d: doubt %d", i, got.doubt);
        ck_assert_double_eq_tol(got.value, value, 1e-9 * fabs(value));
        ck_assert_double_eq_tol(got.half_width, wide, 1e-6 * wide);
    }
    paired_turns_free(turns);
    free_runs(&runs);
}
END_TEST

/* ---- how often the interval holds the truth ---- */

enum { TRIALS = 200 };

/* Of 200 trials the share that holds has a deviation of 1.5 % around 95 %: three are 5 %. One that
 * holds always would be too wide. */
static void check_coverage(double held, double given, const char *what)
{
    ck_assert_msg(given > 0.95 * TRIALS, "%s: %.0f intervals", what, given);
    ck_assert_msg(held / given > 0.90 && held < given, "%s: %.3f", what, held / given);
}

START_TEST(nineteen_of_twenty_intervals_hold_the_truth_where_neighbours_are_alike)
{
    int held = 0, given = 0, held_alone = 0, held_hits = 0;
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        struct runs runs = drawn(2000, 0.9, test_seed() + 1000 * trial);
        struct difference ttft = difference_of(&runs, PAIRED_TTFT_MEAN);
        struct difference hits = difference_of(&runs, PAIRED_HIT_RATE);
        double each[2000];
        for (int i = 0; i < 2000; i++)
            each[i] = (double)runs.run.item[i].ttft_ns - (double)runs.base.item[i].ttft_ns;
        struct estimate alone = estimate_of(each, 2000); /* as if they were independent */
        given += ttft.doubt == PAIRED_NO_DOUBT;
        held += ttft.doubt == PAIRED_NO_DOUBT && fabs(ttft.value - 1e6) <= ttft.half_width;
        held_alone += fabs(alone.mean - 1e6) <= alone.half_width;
        held_hits += fabs(hits.value - 0.1) <= hits.half_width;
        free_runs(&runs);
    }
    check_coverage(held, given, "mean TTFT");
    check_coverage(held_hits, TRIALS, "hit rate");
    ck_assert_int_lt(held_alone, TRIALS / 2); /* a third, since sqrt(19) times too narrow */
}
END_TEST

/* A queue with one server and the same arrivals, of which one run serves a tenth faster. */
static struct runs queued(uint32_t count, double load, uint64_t seed)
{
    struct runs runs = { 0 };
    struct random random = random_from(seed, 0);
    double waits[2] = { 0.0, 0.0 }, asked_ns = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        double service_ns = random_exponential(&random, load * GAP_NS);
        double gap_ns = random_exponential(&random, GAP_NS),
               takes_ns[2] = { service_ns, 0.9 * service_ns };
        add(&runs.base, i, (uint64_t)asked_ns, waits[0] + takes_ns[0], 0);
        add(&runs.run, i, (uint64_t)asked_ns, waits[1] + takes_ns[1], 0);
        asked_ns += gap_ns;
        for (int side = 0; side < 2; side++)
            waits[side] = fmax(0.0, waits[side] + takes_ns[side] - gap_ns);
    }
    return runs;
}

/* M/M/1: the sojourn is exponential with mean s / (1 - load): its P99 is log(100) as much. */
START_TEST(nineteen_of_twenty_intervals_hold_what_queueing_theory_says)
{
    double load = 0.5, fast = 0.9 * load;
    double mean_ns = GAP_NS * (fast / (1.0 - fast) - load / (1.0 - load));
    double truth_ns[] = { [PAIRED_TTFT_MEAN] = mean_ns, [PAIRED_TTFT_P99] = mean_ns * log(100.0) };
    double held[2] = { 0 }, given[2] = { 0 };
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        struct runs runs = queued(8000, load, test_seed() + trial);
        struct paired_turns *turns = pair(&runs);
        for (int metric = PAIRED_TTFT_MEAN; metric <= PAIRED_TTFT_P99; metric++) {
            struct difference got = paired_turns_difference(turns, (enum paired_metric)metric, 100);
            given[metric] += got.doubt == PAIRED_NO_DOUBT;
            held[metric] += got.doubt == PAIRED_NO_DOUBT &&
                            fabs(got.value - truth_ns[metric]) <= got.half_width;
        }
        paired_turns_free(turns);
        free_runs(&runs);
    }
    check_coverage(held[PAIRED_TTFT_MEAN], given[PAIRED_TTFT_MEAN], "mean of a queue");
    check_coverage(held[PAIRED_TTFT_P99], given[PAIRED_TTFT_P99], "P99 of a queue");
}
END_TEST

/* ---- where there is no interval ---- */

START_TEST(a_queue_that_only_grows_has_no_interval)
{
    struct runs runs = queued(4000, 1.5, test_seed());
    struct difference difference = difference_of(&runs, PAIRED_TTFT_MEAN);
    ck_assert_int_eq(difference.doubt, PAIRED_LONG_MEMORY);
    ck_assert(difference.value < 0.0 && isnan(difference.half_width));
    ck_assert(!difference_seen(&difference));
    free_runs(&runs);
}
END_TEST

START_TEST(few_turns_or_all_at_once_have_no_interval)
{
    struct runs few = drawn(30, 0.0, test_seed()), once = drawn(2000, 0.0, test_seed()),
                none = { 0 };
    for (uint32_t i = 0; i < once.base.count; i++)
        once.base.item[i].asked_ns = 5;
    ck_assert_int_eq(difference_of(&few, PAIRED_TTFT_MEAN).doubt, PAIRED_FEW_TURNS);
    ck_assert_int_eq(difference_of(&once, PAIRED_HIT_RATE).doubt, PAIRED_FEW_TURNS);
    ck_assert_int_eq(difference_of(&none, PAIRED_TTFT_MEAN).doubt, PAIRED_FEW_TURNS);
    ck_assert(isnan(difference_of(&none, PAIRED_TTFT_P99).value));
    free_runs(&few);
    free_runs(&once);
}
END_TEST

START_TEST(a_p99_of_one_burst_has_no_interval_while_the_mean_has)
{
    struct runs runs = drawn(5000, 0.0, test_seed());
    for (uint32_t i = 2000; i < 2060; i++)
        runs.base.item[i].ttft_ns += 10000 * (uint64_t)GAP_NS;
    ck_assert_int_eq(difference_of(&runs, PAIRED_TTFT_P99).doubt, PAIRED_NARROW_TAIL);
    ck_assert_int_eq(difference_of(&runs, PAIRED_HIT_RATE).doubt, PAIRED_NO_DOUBT);
    free_runs(&runs);
}
END_TEST

/* ---- seeds ---- */

START_TEST(pairs_of_seeds_say_more_than_both_runs_by_themselves)
{
    const double base[] = { 10.0, 20.0, 30.0 }, run[] = { 9.0, 19.5, 28.8 };
    /* -1, -0.5, -1.2: mean -0.9, deviation 0.3606; 4.3027 * 0.3606 / sqrt(3) = 0.8957. */
    struct difference paired = paired_seeds(base, run, 3);
    ck_assert_double_eq_tol(paired.value, -0.9, 1e-12);
    ck_assert_double_eq_tol(paired.half_width, 0.8957, 1e-3);
    ck_assert(difference_seen(&paired) && paired.doubt == PAIRED_NO_DOUBT);
    /* Unpaired, 10 and 9.9 of deviation each: no interval would leave out 0. */
    double alone = hypot(estimate_of(base, 3).half_width, estimate_of(run, 3).half_width);
    ck_assert_double_gt(alone, 30.0 * paired.half_width);
}
END_TEST

START_TEST(seeds_that_one_run_lacks_are_left_out_and_one_has_no_interval)
{
    const double base[] = { 10.0, NAN, 30.0 }, run[] = { 9.0, 19.5, NAN };
    struct difference one = paired_seeds(base, run, 3), same = paired_seeds(base, base, 3);
    ck_assert_double_eq(one.value, -1.0);
    ck_assert_int_eq(one.doubt, PAIRED_ONE_SEED);
    ck_assert(isnan(one.half_width) && !difference_seen(&one));
    ck_assert(same.value == 0.0 && same.half_width == 0.0 && !difference_seen(&same));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("paired");
    TCase *tcase = tcase_create("paired");
    tcase_set_timeout(tcase, 120.0);
    tcase_add_test(tcase, turns_are_paired_by_session_and_number_whatever_their_order);
    tcase_add_test(tcase, a_run_against_itself_has_no_difference_however_few_its_turns);
    tcase_add_test(tcase, values_and_intervals_are_those_of_a_plain_computation);
    tcase_add_test(tcase, nineteen_of_twenty_intervals_hold_the_truth_where_neighbours_are_alike);
    tcase_add_test(tcase, nineteen_of_twenty_intervals_hold_what_queueing_theory_says);
    tcase_add_test(tcase, a_queue_that_only_grows_has_no_interval);
    tcase_add_test(tcase, few_turns_or_all_at_once_have_no_interval);
    tcase_add_test(tcase, a_p99_of_one_burst_has_no_interval_while_the_mean_has);
    tcase_add_test(tcase, pairs_of_seeds_say_more_than_both_runs_by_themselves);
    tcase_add_test(tcase, seeds_that_one_run_lacks_are_left_out_and_one_has_no_interval);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
