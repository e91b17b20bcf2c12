/* tests/validate/paper/test_analytic.c - the closed forms against slow models of what they
 * describe. */
#include "base/random.h"
#include "tests/support.h"
#include "validate/paper/analytic.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- M/G/1 ---- */

/* Lindley: a customer waits what the one before waited and was served, less the gap between them.
 */
static double lindley_wait_s(struct random *random, double rate, double (*draw)(struct random *),
                             double *mean_s, double *mean_square_s2)
{
    enum { CUSTOMERS = 400000 };
    double wait_s = 0.0, waits = 0.0, sum = 0.0, squares = 0.0;
    for (int i = 0; i < CUSTOMERS; i++) {
        waits += wait_s;
        double service_s = draw(random);
        sum += service_s;
        squares += service_s * service_s;
        wait_s = fmax(0.0, wait_s + service_s - random_exponential(random, 1.0 / rate));
    }
    *mean_s = sum / CUSTOMERS;
    *mean_square_s2 = squares / CUSTOMERS;
    return waits / CUSTOMERS;
}

static double draw_fixed(struct random *random)
{
    (void)random;
    return 2.0;
}

static double draw_exponential(struct random *random)
{
    return random_exponential(random, 2.0);
}

static double draw_lognormal(struct random *random)
{
    return random_lognormal(random, 2.0, 1.5);
}

START_TEST(mean_wait_is_that_of_lindleys_recursion)
{
    static double (*const draws[])(struct random *) = { draw_fixed, draw_exponential,
                                                        draw_lognormal };
    const uint64_t seed = test_seed();
    struct random random = random_from(seed, (uint64_t)_i);
    for (int fifth = 1; fifth <= 3; fifth++) {
        double load = fifth / 5.0;
        double mean_s, mean_square_s2;
        double wait_s = lindley_wait_s(&random, load / 2.0, draws[_i], &mean_s, &mean_square_s2);
        double expected_s = analytic_mg1_wait_s(load / 2.0, mean_s, mean_square_s2);
        ck_assert_msg(fabs(wait_s / expected_s - 1.0) < 0.05,
                      "seed %" PRIu64 ", load %g: %g s, expected %g s", seed, load, wait_s,
                      expected_s);
    }
}
END_TEST

START_TEST(an_overloaded_server_has_no_mean_wait)
{
    ck_assert(isinf(analytic_mg1_wait_s(0.5, 2.0, 4.0)));
    ck_assert(isinf(analytic_mg1_wait_s(1.0, 2.0, 4.0)));
    ck_assert_double_eq_tol(analytic_mg1_wait_s(0.25, 2.0, 4.0), 1.0, 1e-12); /* M/D/1 at 1/2 */
}
END_TEST

/* ---- Che ---- */

enum { ITEMS = 300 };

/* LRU as an array, most recently used first. */
static double slow_lru_hit_rate(struct random *random, const double *popularity, int slots)
{
    enum { REFERENCES = 60000, WARM = 5000 };
    int order[ITEMS], held = 0, hits = 0;
    for (int i = 0; i < REFERENCES; i++) {
        double at = random_uniform(random);
        int item = 0;
        while (item < ITEMS - 1 && (at -= popularity[item]) > 0.0)
            item++;
        int place = 0;
        while (place < held && order[place] != item)
            place++;
        hits += i >= WARM && place < held;
        if (place == held && held < slots)
            held++;
        else if (place == held)
            place--;
        memmove(&order[1], &order[0], (size_t)place * sizeof *order);
        order[0] = item;
    }
    return (double)hits / (REFERENCES - WARM);
}

START_TEST(che_is_close_to_lru_on_independent_references)
{
    static const int slots[] = { 10, 60, 200 };
    const uint64_t seed = test_seed();
    struct random random = random_from(seed, 1);
    double popularity[ITEMS];
    analytic_zipf(popularity, ITEMS, 0.8);
    for (int i = 0; i < 3; i++) {
        double hit = slow_lru_hit_rate(&random, popularity, slots[i]);
        double expected = analytic_che_hit_rate(popularity, ITEMS, slots[i]);
        ck_assert_msg(fabs(hit - expected) < 0.01, "seed %" PRIu64 ", %d slots: %g, expected %g",
                      seed, slots[i], hit, expected);
    }
    ck_assert_double_eq(analytic_che_hit_rate(popularity, ITEMS, ITEMS), 1.0);
}
END_TEST

START_TEST(zipf_sums_to_one_and_falls)
{
    double popularity[ITEMS], sum = 0.0;
    analytic_zipf(popularity, ITEMS, 1.0);
    for (int i = 0; i < ITEMS; i++)
        sum += popularity[i];
    ck_assert_double_eq_tol(sum, 1.0, 1e-12);
    ck_assert_double_eq_tol(popularity[0] / popularity[9], 10.0, 1e-9);
}
END_TEST

/* ---- overlap ---- */

/* S_buf lets the last layer's KV arrive as that layer ends: it may be short of what keeps every
 * layer from waiting by part of a layer, never by more. */
START_TEST(the_buffer_is_within_a_layer_of_the_least_with_which_none_waits)
{
    enum { LAYERS = 40 };
    const double compute_ns = 40e6, layer_ns = compute_ns / LAYERS;
    for (int step = 0; step < 34; step++) {
        double load_ns = 41e6 * pow(1.07, step);
        uint32_t enough = analytic_buffer_layers(load_ns, compute_ns, LAYERS);
        double at_ns = analytic_overlapped_ns(load_ns, compute_ns, LAYERS, enough);
        double above_ns = analytic_overlapped_ns(load_ns, compute_ns, LAYERS, enough + 1);
        ck_assert_double_le(at_ns, compute_ns + layer_ns);
        ck_assert_double_eq_tol(above_ns, compute_ns, 1.0);
        if (enough >= 2)
            ck_assert_double_gt(analytic_overlapped_ns(load_ns, compute_ns, LAYERS, enough - 2),
                                compute_ns + layer_ns);
    }
    ck_assert_uint_eq(analytic_buffer_layers(30e6, compute_ns, LAYERS), 0);
}
END_TEST

START_TEST(without_a_buffer_the_longer_of_loading_and_computing_remains)
{
    /* 40 layers: the load, and the last layer's computation behind it; or all computation behind
     * the first layer's load. */
    ck_assert_double_eq_tol(analytic_overlapped_ns(80.0, 40.0, 40, 0), 81.0, 1e-9);
    ck_assert_double_eq_tol(analytic_overlapped_ns(20.0, 40.0, 40, 0), 40.5, 1e-9);
    ck_assert_double_eq_tol(analytic_overlapped_ns(80.0, 40.0, 40, 40), 40.0, 1e-9);
}
END_TEST

/* ---- gains ---- */

START_TEST(the_share_of_prefill_follows_from_two_gains)
{
    for (int step = 0; step < 8; step++)
        for (int tenths = 15; tenths < 100; tenths += 10) {
            double prefill = 0.1 * pow(2.0, step), gain = tenths / 10.0;
            double total = (prefill + 1.0) / (prefill / gain + 1.0);
            ck_assert_double_eq_tol(analytic_prefill_to_decode(gain, total), prefill,
                                    1e-9 * prefill);
        }
}
END_TEST

START_TEST(littles_law)
{
    ck_assert_double_eq(analytic_little_waiting(2.0, 30.0), 60.0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("analytic");
    TCase *tests = tcase_create("closed forms");
    tcase_add_loop_test(tests, mean_wait_is_that_of_lindleys_recursion, 0, 3);
    tcase_add_test(tests, an_overloaded_server_has_no_mean_wait);
    tcase_add_test(tests, che_is_close_to_lru_on_independent_references);
    tcase_add_test(tests, zipf_sums_to_one_and_falls);
    tcase_add_test(tests, the_buffer_is_within_a_layer_of_the_least_with_which_none_waits);
    tcase_add_test(tests, without_a_buffer_the_longer_of_loading_and_computing_remains);
    tcase_add_test(tests, the_share_of_prefill_follows_from_two_gains);
    tcase_add_test(tests, littles_law);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
