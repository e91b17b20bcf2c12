/* tests/validate/test_judge.c - what a point's and a difference's numbers are taken to say. */
#include "validate/judge.h"

#include "tests/support.h"

#include <math.h>
#include <string.h>

static const struct validated_load busy = { .percent = 60, .run_percent = 62, .reached = true },
                                   flooded = { .percent = 150, .reached = true };

/* Simulations all alike; runs as told. */
static struct point_results results_of(double sim_ttft_ns, double sim_hits, const double *ttft_ns,
                                       const double *hits, uint32_t runs)
{
    struct point_results results;
    memset(&results, 0, sizeof results);
    for (int i = 0; i < VALIDATED_SIMS; i++)
        results.sim[i] =
            (struct metrics){ .ttft_mean_ns = sim_ttft_ns, .hit_rate_tokens = sim_hits };
    for (uint32_t i = 0; i < runs; i++)
        results.run[i] = (struct metrics){ .ttft_mean_ns = ttft_ns[i], .hit_rate_tokens = hits[i] };
    return results;
}

static struct validated_point point_of(const char *name, const struct validated_load *load,
                                       const struct point_results *results, uint32_t runs)
{
    struct validated_point point = { .name = name, .load = load, .repeats = runs };
    judge_point(&point, results);
    return point;
}

START_TEST(a_points_error_is_of_the_runs_mean_and_hits_are_in_points)
{
    const double ttft[] = { 90, 100, 110 }, hits[] = { 0.5, 0.5, 0.5 };
    struct point_results results = results_of(104, 0.52, ttft, hits, 3);
    results.sim[3].ttft_mean_ns = 110;
    struct validated_point point = point_of("lru", &busy, &results, 3);
    const struct validated_metric *mean = &point.metric[VALIDATED_ttft_mean_ns],
                                  *hit = &point.metric[VALIDATED_hit_rate_tokens];
    ck_assert_double_eq(mean->run, 100);
    ck_assert_double_eq_tol(mean->error, 4, 1e-9);
    ck_assert_double_eq(mean->sim_half_range, 3);
    ck_assert_double_eq_tol(mean->half_width, 4.302653 * 10 / sqrt(3), 1e-4); /* t of 2 at 97.5 % */
    ck_assert(judge_within(mean, 1.0));
    ck_assert(!judge_within(mean, 0.5));
    ck_assert_double_eq_tol(hit->error, 2, 1e-9);
    ck_assert(!judge_within(hit, 1.0));
    ck_assert(!judge_unsettled(hit));
    ck_assert(!judge_point_within(&point, 1.0));
    ck_assert(judge_point_within(&point, 2.5));
}
END_TEST

START_TEST(what_the_runs_do_not_settle_is_past_its_tolerance_all_the_same)
{
    const double ttft[] = { 80, 120 }, hits[] = { 0, 0 };
    struct point_results results = results_of(110, 0, ttft, hits, 2);
    struct validated_point point = point_of("lru", &busy, &results, 2);
    ck_assert(!judge_within(&point.metric[VALIDATED_ttft_mean_ns], 1.0));
    ck_assert(judge_unsettled(&point.metric[VALIDATED_ttft_mean_ns]));
}
END_TEST

START_TEST(under_overload_hits_are_judged_and_ttft_is_not)
{
    const double ttft[] = { 100, 100 }, hits[] = { 0.5, 0.5 };
    struct point_results good = results_of(300, 0.505, ttft, hits, 2),
                         bad = results_of(300, 0.55, ttft, hits, 2);
    struct validated_point point = point_of("lru", &flooded, &good, 2),
                           other = point_of("lru", &flooded, &bad, 2);
    ck_assert(judge_point_within(&point, 1.0));
    ck_assert(!judge_point_within(&other, 1.0));
}
END_TEST

/* Of two points whose runs all have a spread of `spread` about their means. */
static struct validated_difference difference_of(const struct validated_load *load, double sim,
                                                 double run, double spread, uint32_t runs)
{
    const double hits[] = { 0, 0, 0 };
    const double base[] = { 1000 - spread, 1000, 1000 + spread },
                 more[] = { 1000 + run - spread, 1000 + run, 1000 + run + spread };
    struct point_results a = results_of(1000, 0, runs == 1 ? &base[1] : base, hits, runs),
                         b = results_of(1000 + sim, 0, runs == 1 ? &more[1] : more, hits, runs);
    struct validated_point first = point_of("lru", load, &a, runs),
                           second = point_of("fifo", load, &b, runs);
    struct validated_difference difference = judge_difference(&second, &b, &first, &a, 1);
    difference.of = NULL; /* it points to this function's */
    return difference;
}

START_TEST(a_difference_has_welchs_interval)
{
    struct validated_difference difference = difference_of(&busy, 300, 310, 10, 3);
    ck_assert_double_eq(difference.sim, 300);
    ck_assert_double_eq(difference.run, 310);
    /* Equal variances of 100: 4 degrees of freedom, t = 2.776445. */
    ck_assert_double_eq_tol(difference.half_width, 2.776445 * sqrt(200.0 / 3), 1e-4);
    ck_assert_str_eq(difference.name, "fifo");
    ck_assert_str_eq(difference.minus, "lru");
    ck_assert(isnan(difference_of(&busy, 300, 310, 10, 1).half_width));
}
END_TEST

static enum validated_verdict verdict(double sim, double run, double spread, uint32_t runs)
{
    return difference_of(&busy, sim, run, spread, runs).verdict;
}

START_TEST(differences_agree_in_sign_and_size)
{
    ck_assert_int_eq(verdict(300, 310, 1, 3), VERDICT_AGREES);
    ck_assert_int_eq(verdict(-300, -280, 1, 3), VERDICT_AGREES);
    ck_assert_int_eq(verdict(300, -300, 1, 3), VERDICT_DISAGREES);
    ck_assert_int_eq(verdict(300, 200, 1, 3), VERDICT_DISAGREES);
    ck_assert_int_eq(verdict(0, 200, 1, 3), VERDICT_DISAGREES);
    ck_assert_int_eq(verdict(300, 200, 60, 3), VERDICT_UNSETTLED);
    ck_assert_int_eq(verdict(300, 310, 0, 1), VERDICT_AGREES);
    ck_assert_int_eq(verdict(300, 200, 0, 1), VERDICT_DISAGREES);
}
END_TEST

START_TEST(what_cannot_be_seen_is_no_agreement)
{
    ck_assert_int_eq(verdict(40, 10, 30, 3), VERDICT_NONE_SEEN);
    ck_assert_int_eq(verdict(0, 0, 0, 3), VERDICT_NONE_SEEN);
    ck_assert_int_eq(verdict(200, 150, 400, 3), VERDICT_UNSETTLED); /* runs that tell nothing */
    ck_assert_int_eq(verdict(200, 10, 30, 3), VERDICT_DISAGREES); /* seen in the simulator only */
    /* Below 5 % of 1000 either value might be off by as much. */
    ck_assert_int_eq(verdict(10, 40, 1, 3), VERDICT_SMALL);
    ck_assert_int_eq(verdict(0, 0, 0, 1), VERDICT_SMALL);
    ck_assert_int_eq(difference_of(&flooded, 300, 310, 1, 3).verdict, VERDICT_UNJUDGED);
}
END_TEST

START_TEST(a_validation_passes_whole_or_not)
{
    const double ttft[] = { 100, 100 }, hits[] = { 0.5, 0.5 };
    struct point_results results = results_of(103, 0.5, ttft, hits, 2);
    struct validated_point point = point_of("lru", &busy, &results, 2);
    struct validated_load loads[] = { busy, { .percent = 99 } };
    struct validated_difference difference = { .verdict = VERDICT_AGREES,
                                               .error_percent = 10,
                                               .tolerance_percent = 15 };
    struct validation validation = { .load = loads,
                                     .point = &point,
                                     .difference = &difference,
                                     .load_count = 1,
                                     .point_count = 1,
                                     .difference_count = 1 };
    ck_assert(validation_passes(&validation, 1.0));
    ck_assert(!validation_passes(&validation, 0.5)); /* TTFT is off by 3 % of 5 */
    difference.verdict = VERDICT_DISAGREES;
    difference.error_percent = 20;
    ck_assert(!validation_passes(&validation, 1.0));
    ck_assert(validation_passes(&validation, 2.0));
    difference.verdict = VERDICT_NONE_SEEN;
    ck_assert(validation_passes(&validation, 1.0));
    validation.load_count = 2; /* one of which was not reached */
    ck_assert(!validation_passes(&validation, 1.0));
    loads[1] = flooded; /* whose runs may be busy as they are */
    ck_assert(validation_passes(&validation, 1.0));
    loads[0].run_percent = 70;
    ck_assert(!validation_passes(&validation, 1.0));
    ck_assert(validation_passes(&validation, 2.0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("judge");
    TCase *tcase = tcase_create("judge");
    tcase_add_test(tcase, a_points_error_is_of_the_runs_mean_and_hits_are_in_points);
    tcase_add_test(tcase, what_the_runs_do_not_settle_is_past_its_tolerance_all_the_same);
    tcase_add_test(tcase, under_overload_hits_are_judged_and_ttft_is_not);
    tcase_add_test(tcase, a_difference_has_welchs_interval);
    tcase_add_test(tcase, differences_agree_in_sign_and_size);
    tcase_add_test(tcase, what_cannot_be_seen_is_no_agreement);
    tcase_add_test(tcase, a_validation_passes_whole_or_not);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
