/* tests/base/test_random.c - the generator against published outputs, the distributions against
 * their means, deviations and whole shape (Kolmogorov and Smirnov's distance). Seeds are fixed, so
 * bounds that 1 seed in 10 000 would miss cannot fail by chance. */
#include "base/random.h"

#include "base/memory.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>

#define SEED 20240710
#define DRAWS 200000
/* sqrt(n) * distance exceeds 2.23 in one of 10 000 samples (Kolmogorov). */
#define KS_MAX 2.23

START_TEST(the_generator_gives_the_published_numbers)
{
    /* xoshiro256** 1.0 from the state 1, 2, 3, 4: the authors' C code, as in Rust's rand_xoshiro.
     */
    static const uint64_t published[] = {
        11520,
        0,
        1509978240,
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    struct random random = { { 1, 2, 3, 4 } };
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++)
        ck_assert_uint_eq(random_u64(&random), published[i]);
}
END_TEST

START_TEST(stream_0_is_seeded_by_splitmix64)
{
    /* splitmix64 from 1234567: the first outputs of Vigna's C code. */
    static const uint64_t published[] = {
        UINT64_C(6457827717110365317),
        UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431),
    };
    struct random random = random_from(1234567, 0);
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(random.state[i], published[i]);
}
END_TEST

START_TEST(one_seed_and_stream_give_one_sequence)
{
    struct random a = random_from(SEED, 3), b = random_from(SEED, 3);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq(random_u64(&a), random_u64(&b));
}
END_TEST

START_TEST(streams_and_seeds_give_different_sequences)
{
    enum { SOURCES = 64 };
    uint64_t first[SOURCES];
    for (uint64_t i = 0; i < SOURCES; i++) {
        struct random random = random_from(SEED + i / 8, i % 8);
        first[i] = random_u64(&random);
        for (uint64_t j = 0; j < i; j++)
            ck_assert_uint_ne(first[i], first[j]);
    }
}
END_TEST

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* DRAWS values of one distribution, sorted; to be freed. */
static double *sample(double (*draw)(struct random *))
{
    struct random random = random_from(SEED, 0);
    double *values = memory_new(DRAWS, sizeof *values);
    for (int i = 0; i < DRAWS; i++)
        values[i] = draw(&random);
    qsort(values, DRAWS, sizeof *values, by_value);
    return values;
}

/* sqrt(n) times the greatest distance between the sample's and the true distribution function. */
static double kolmogorov(const double *sorted, double (*cdf)(double))
{
    double distance = 0;
    for (int i = 0; i < DRAWS; i++) {
        double p = cdf(sorted[i]);
        distance = fmax(distance, fmax(p - (double)i / DRAWS, (double)(i + 1) / DRAWS - p));
    }
    return distance * sqrt(DRAWS);
}

static double mean_of(const double *values)
{
    double sum = 0;
    for (int i = 0; i < DRAWS; i++)
        sum += values[i];
    return sum / DRAWS;
}

static double deviation_of(const double *values)
{
    double mean = mean_of(values), squares = 0;
    for (int i = 0; i < DRAWS; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / (DRAWS - 1));
}

static double uniform_cdf(double x)
{
    return x;
}

START_TEST(uniform_is_uniform_and_never_0_or_1)
{
    double *values = sample(random_uniform);
    ck_assert_double_gt(values[0], 0);
    ck_assert_double_lt(values[DRAWS - 1], 1);
    ck_assert_double_lt(kolmogorov(values, uniform_cdf), KS_MAX);
    free(values);
}
END_TEST

/* The state from which the generator's next number is the one given: it depends on state[1] only,
 * by result = rotl(state[1] * 5, 7) * 9. */
static struct random about_to_give(uint64_t number)
{
    const uint64_t inverse_of_9 = UINT64_C(0x8E38E38E38E38E39);
    const uint64_t inverse_of_5 = UINT64_C(0xCCCCCCCCCCCCCCCD);
    uint64_t rotated = number * inverse_of_9;
    return (struct random){ { 1, ((rotated >> 7) | (rotated << 57)) * inverse_of_5, 1, 1 } };
}

START_TEST(uniform_stays_within_0_and_1_at_the_generators_extremes)
{
    struct random lowest = about_to_give(0), highest = about_to_give(UINT64_MAX);
    double low = random_uniform(&lowest), high = random_uniform(&highest);
    ck_assert_double_gt(low, 0);
    ck_assert_double_lt(low, 1e-15);
    ck_assert_double_lt(high, 1);
    ck_assert_double_gt(high, 1 - 1e-15);
}
END_TEST

START_TEST(every_distribution_is_finite_at_the_generators_extremes)
{
    static const uint64_t extremes[] = { 0, UINT64_MAX };
    for (int i = 0; i < 2; i++) {
        struct random random = about_to_give(extremes[i]);
        struct random again = random;
        ck_assert(isfinite(random_normal(&random)));
        random = again;
        double exponential = random_exponential(&random, 60e9);
        ck_assert(exponential >= 0 && isfinite(exponential));
        random = again;
        ck_assert_uint_ge(random_geometric(&random, 0.2), 1);
        random = again;
        double lognormal = random_lognormal(&random, 300, 2);
        ck_assert(lognormal > 0 && isfinite(lognormal));
    }
}
END_TEST

START_TEST(below_stays_below_and_every_number_comes_equally_often)
{
    struct random random = random_from(SEED, 0);
    enum { BOUND = 7 };
    uint32_t seen[BOUND] = { 0 };
    for (int i = 0; i < DRAWS; i++)
        seen[random_below(&random, BOUND)]++;
    double chi_square = 0, expected = (double)DRAWS / BOUND;
    for (int i = 0; i < BOUND; i++)
        chi_square += (seen[i] - expected) * (seen[i] - expected) / expected;
    ck_assert_double_lt(chi_square, 27.9); /* 6 degrees of freedom, 1 in 10 000 */
}
END_TEST

START_TEST(below_is_unbiased_where_the_bound_does_not_divide_2_to_64)
{
    /* With bound 3 * 2^62 a plain remainder would give the lower third half of the time. */
    struct random random = random_from(SEED, 0);
    const uint64_t third = UINT64_C(1) << 62;
    int lower = 0;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t drawn = random_below(&random, 3 * third);
        ck_assert_uint_lt(drawn, 3 * third);
        lower += drawn < third;
    }
    ck_assert_double_eq_tol((double)lower / DRAWS, 1.0 / 3, 0.005);
}
END_TEST

START_TEST(below_1_is_0)
{
    struct random random = random_from(SEED, 0);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(random_below(&random, 1), 0);
}
END_TEST

static double exponential_60(struct random *random)
{
    return random_exponential(random, 60);
}

static double exponential_60_cdf(double x)
{
    return 1 - exp(-x / 60);
}

START_TEST(exponential_has_its_mean_deviation_and_shape)
{
    double *values = sample(exponential_60);
    ck_assert_double_ge(values[0], 0);
    ck_assert_double_eq_tol(mean_of(values), 60, 60 * 0.01);
    ck_assert_double_eq_tol(deviation_of(values), 60, 60 * 0.015);
    ck_assert_double_lt(kolmogorov(values, exponential_60_cdf), KS_MAX);
    free(values);
}
END_TEST

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

START_TEST(normal_has_its_mean_deviation_and_shape)
{
    double *values = sample(random_normal);
    ck_assert_double_eq_tol(mean_of(values), 0, 0.01);
    ck_assert_double_eq_tol(deviation_of(values), 1, 0.01);
    ck_assert_double_lt(kolmogorov(values, normal_cdf), KS_MAX);
    free(values);
}
END_TEST

START_TEST(the_normal_quantile_gives_the_published_values)
{
    /* The check values that AS 241 prints. */
    ck_assert_double_eq_tol(normal_quantile(0.25), -0.6744897501960817, 1e-15);
    ck_assert_double_eq_tol(normal_quantile(0.001), -3.090232306167814, 1e-14);
    ck_assert_double_eq_tol(normal_quantile(1e-20), -9.262340089798408, 1e-14);
    ck_assert(normal_quantile(0.5) == 0);
}
END_TEST

START_TEST(the_normal_quantile_inverts_the_distribution_function)
{
    for (double p = 1e-300; p < 0.5; p *= 1.7)
        ck_assert_double_eq_tol(normal_cdf(normal_quantile(p)) / p, 1, 2e-12);
}
END_TEST

START_TEST(the_normal_quantile_is_odd_about_one_half_and_increases)
{
    double before = -INFINITY;
    for (int i = 1; i < 4096; i++) {
        double p = i / 4096.0, x = normal_quantile(p);
        ck_assert_double_gt(x, before);
        ck_assert(x == -normal_quantile(1 - p));
        before = x;
    }
}
END_TEST

static double lognormal_300(struct random *random)
{
    return random_lognormal(random, 300, 1.5);
}

static double lognormal_300_cdf(double x)
{
    double variance = log(1 + 1.5 * 1.5);
    return normal_cdf((log(x / 300) + variance / 2) / sqrt(variance));
}

START_TEST(lognormal_has_its_mean_variation_and_shape)
{
    double *values = sample(lognormal_300);
    ck_assert_double_eq_tol(mean_of(values), 300, 300 * 0.015);
    ck_assert_double_eq_tol(deviation_of(values) / mean_of(values), 1.5, 0.1);
    ck_assert_double_lt(kolmogorov(values, lognormal_300_cdf), KS_MAX);
    free(values);
}
END_TEST

START_TEST(lognormal_without_variation_is_its_mean)
{
    struct random random = random_from(SEED, 0);
    for (int i = 0; i < 100; i++)
        ck_assert(random_lognormal(&random, 237.25, 0) == 237.25);
}
END_TEST

/* The share of 1, 2, 3... against p, (1-p)p, (1-p)^2 p...: each within 5 deviations. */
static void check_geometric(double p)
{
    struct random random = random_from(SEED, 0);
    enum { COUNTED = 8 };
    int seen[COUNTED + 1] = { 0 };
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t trials = random_geometric(&random, p);
        ck_assert_uint_ge(trials, 1);
        if (trials <= COUNTED)
            seen[trials]++;
        sum += (double)trials;
    }
    double share = p;
    for (int trials = 1; trials <= COUNTED; trials++, share *= 1 - p)
        ck_assert_double_eq_tol((double)seen[trials] / DRAWS, share,
                                5 * sqrt(share / DRAWS) + 1e-9);
    ck_assert_double_eq_tol(sum / DRAWS * p, 1, 5 * sqrt((1 - p) / DRAWS) + 1e-9);
}

START_TEST(geometric_has_its_mean_and_shares)
{
    static const double ps[] = { 1, 0.999, 0.5, 0.21, 0.01, 1e-6, 1e-12 };
    for (size_t i = 0; i < sizeof ps / sizeof ps[0]; i++)
        check_geometric(ps[i]);
}
END_TEST

START_TEST(geometric_of_a_tiny_p_is_capped_not_undefined)
{
    struct random random = random_from(SEED, 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq(random_geometric(&random, 1e-300), UINT64_MAX);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/random");
    TCase *tcase = tcase_create("random");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_generator_gives_the_published_numbers);
    tcase_add_test(tcase, stream_0_is_seeded_by_splitmix64);
    tcase_add_test(tcase, one_seed_and_stream_give_one_sequence);
    tcase_add_test(tcase, streams_and_seeds_give_different_sequences);
    tcase_add_test(tcase, uniform_is_uniform_and_never_0_or_1);
    tcase_add_test(tcase, uniform_stays_within_0_and_1_at_the_generators_extremes);
    tcase_add_test(tcase, every_distribution_is_finite_at_the_generators_extremes);
    tcase_add_test(tcase, below_stays_below_and_every_number_comes_equally_often);
    tcase_add_test(tcase, below_is_unbiased_where_the_bound_does_not_divide_2_to_64);
    tcase_add_test(tcase, below_1_is_0);
    tcase_add_test(tcase, exponential_has_its_mean_deviation_and_shape);
    tcase_add_test(tcase, normal_has_its_mean_deviation_and_shape);
    tcase_add_test(tcase, the_normal_quantile_gives_the_published_values);
    tcase_add_test(tcase, the_normal_quantile_inverts_the_distribution_function);
    tcase_add_test(tcase, the_normal_quantile_is_odd_about_one_half_and_increases);
    tcase_add_test(tcase, lognormal_has_its_mean_variation_and_shape);
    tcase_add_test(tcase, lognormal_without_variation_is_its_mean);
    tcase_add_test(tcase, geometric_has_its_mean_and_shares);
    tcase_add_test(tcase, geometric_of_a_tiny_p_is_capped_not_undefined);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
