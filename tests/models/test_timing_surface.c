/* tests/models/test_timing_surface.c - decode's tables: exact at their places, linear between, and
 * a line holds for as many iterations as it says; and what many prompts in one iteration attend to.
 */
#include "models/timing_surface.h"

#include "base/random.h"
#include "tests/models/cases.h"

static double plane_ns(const void *what, double batch, double tokens)
{
    (void)what;
    return 100 + 3 * batch + 2 * tokens;
}

/* Of a batch of its own at each place, so that a wrong one shows; and bent in the tokens. */
static double bent_ns(const void *what, double batch, double tokens)
{
    (void)what;
    return batch * 1e6 + tokens * tokens / 1e3;
}

static double at(const struct timing_surface *surface, uint32_t batch, uint64_t tokens)
{
    struct timing_line line = timing_surface_line(surface, batch, tokens, 1);
    return line.base_ns + (double)tokens * line.slope_ns;
}

START_TEST(a_plane_is_given_back_everywhere)
{
    static struct timing_surface surface;
    struct random random = random_from(1, 2);
    timing_surface_fill(&surface, plane_ns, NULL);
    for (int i = 0; i < 2000; i++) {
        uint32_t batch = (uint32_t)(1 + random_below(&random, 4096));
        /* No sequence is without a token: below, places hold the batch's least. */
        uint64_t tokens = 3 * (uint64_t)batch + random_below(&random, 1 << 24);
        double expected = plane_ns(NULL, batch, (double)tokens);
        ck_assert_double_eq_tol(at(&surface, batch, tokens), expected, 1e-9 * expected);
    }
}
END_TEST

START_TEST(places_are_exact_and_between_them_is_a_chord)
{
    static struct timing_surface surface;
    timing_surface_fill(&surface, bent_ns, NULL);
    for (uint64_t power = 1; power < 20; power++) {
        uint64_t low = UINT64_C(2) << power, high = UINT64_C(3) << power;
        double ends = bent_ns(NULL, 2, (double)low) + bent_ns(NULL, 2, (double)high);
        ck_assert_double_eq_tol(at(&surface, 2, low), bent_ns(NULL, 2, (double)low), 1e-6);
        ck_assert_double_eq_tol(at(&surface, 2, (low + high) / 2), ends / 2, 1e-6 * ends);
    }
}
END_TEST

START_TEST(a_line_holds_for_as_many_iterations_as_it_says_and_no_more)
{
    static struct timing_surface surface;
    struct random random = random_from(3, 4);
    timing_surface_fill(&surface, bent_ns, NULL);
    for (int i = 0; i < 2000; i++) {
        uint32_t batch = (uint32_t)(1 + random_below(&random, 300));
        uint64_t tokens = batch + random_below(&random, 1 << 20);
        struct timing_line line = timing_surface_line(&surface, batch, tokens, batch);
        uint64_t last = tokens + (line.repeats - 1) * batch;
        struct timing_line there = timing_surface_line(&surface, batch, last, batch);
        struct timing_line behind = timing_surface_line(&surface, batch, last + batch, batch);
        ck_assert_double_eq(there.base_ns, line.base_ns);
        ck_assert_double_eq(there.slope_ns, line.slope_ns);
        ck_assert_double_ne(behind.slope_ns, line.slope_ns);
    }
}
END_TEST

START_TEST(beyond_the_last_places_time_goes_on_growing)
{
    static struct timing_surface surface;
    timing_surface_fill(&surface, plane_ns, NULL);
    struct timing_line line = timing_surface_line(&surface, 8, UINT64_C(1) << 50, 8);
    ck_assert_uint_eq(line.repeats, UINT64_MAX);
    ck_assert_double_eq_tol(line.slope_ns, 2, 1e-6);
    ck_assert_double_gt(at(&surface, 8192, 1 << 20), at(&surface, 4096, 1 << 20));
}
END_TEST

/* Four prompts of 1,000 tokens attend to a quarter of what one of 4,000 does. */
START_TEST(several_prompts_attend_to_themselves_alone)
{
    struct model model = shipped_model("llama-2-7b");
    struct hardware hardware = roofline_hardware("h100");
    struct timing timing = timing_new(&model, &hardware, 1);
    struct timing_work one = { .prefills = 1, .prefill_new = 4000 };
    struct timing_work four = { .prefills = 4, .prefill_new = 4000 };
    double pairs = 4000.0 * 4001 / 2 - 4 * 1000.0 * 1001 / 2;
    double less = (double)timing_mixed(&timing, &one).layer_ns -
                  (double)timing_mixed(&timing, &four).layer_ns;
    ck_assert_double_eq_tol(less, pairs * timing.full_rates.pair_ns, 2);
    /* Unlike chunks are told by their mean token's size: one of 4,000 and many of next to nothing.
     */
    struct timing_work unlike = { .prefills = 41, .prefill_new = 4000, .prefill_alike = 3960 };
    ck_assert_double_eq_tol((double)timing_mixed(&timing, &unlike).layer_ns,
                            (double)timing_mixed(&timing, &one).layer_ns,
                            0.02 * (double)timing_mixed(&timing, &one).layer_ns);
    /* And as many pairs by being cached: behind so many that each prompt has one's pairs. */
    four.prefill_cached = 1500;
    ck_assert_uint_eq(timing_mixed(&timing, &four).layer_ns, timing_mixed(&timing, &one).layer_ns);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("timing_surface");
    TCase *tcase = tcase_create("decode's tables");
    tcase_add_test(tcase, a_plane_is_given_back_everywhere);
    tcase_add_test(tcase, places_are_exact_and_between_them_is_a_chord);
    tcase_add_test(tcase, a_line_holds_for_as_many_iterations_as_it_says_and_no_more);
    tcase_add_test(tcase, beyond_the_last_places_time_goes_on_growing);
    tcase_add_test(tcase, several_prompts_attend_to_themselves_alone);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
