/* tests/base/test_exact_math.c - log and exp against libm's long double ones, which have 11 bits
 * more. */
#include "base/random.h"

#include "tests/support.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define ULP_MAX 2.0L

/* The distance of neighbouring doubles at x; subnormals all have the same. */
static long double ulp_at(long double x)
{
    double magnitude = fabs((double)x);
    if (magnitude < DBL_MIN)
        return 0x1p-1074L;
    return ldexpl(1, ilogb(magnitude) - 52);
}

static long double error_ulp(double got, long double exact)
{
    return fabsl((long double)got - exact) / ulp_at(exact);
}

static void check_log(double x)
{
    long double error = error_ulp(exact_log(x), logl(x));
    ck_assert_msg(error <= ULP_MAX, "log(%a) is %a, off by %Lg ulp", x, exact_log(x), error);
}

static void check_exp(double x)
{
    long double error = error_ulp(exact_exp(x), expl(x));
    ck_assert_msg(error <= ULP_MAX, "exp(%a) is %a, off by %Lg ulp", x, exact_exp(x), error);
}

/* Uniform in the logarithm over all positive doubles, subnormals too. */
static double any_positive(struct random *random)
{
    uint64_t bits = 1 + random_below(random, UINT64_C(0x7FEFFFFFFFFFFFFF));
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

START_TEST(log_is_within_2_ulp_over_all_doubles)
{
    struct random random = random_from(test_seed(), 0);
    for (int i = 0; i < 100000; i++)
        check_log(any_positive(&random));
}
END_TEST

START_TEST(log_is_within_2_ulp_near_1_where_it_vanishes)
{
    struct random random = random_from(test_seed(), 1);
    for (int i = 0; i < 100000; i++) {
        double distance = exact_exp(-37 * random_uniform(&random));
        check_log(1 + distance);
        check_log(1 - distance / 2);
    }
    check_log(nextafter(1, 2));
    check_log(nextafter(1, 0));
}
END_TEST

START_TEST(log_is_within_2_ulp_at_the_edges)
{
    check_log(0x1p-1074); /* the least subnormal */
    check_log(DBL_MIN);
    check_log(nextafter(DBL_MIN, 0));
    check_log(DBL_MAX);
    for (int k = -1074; k < 1024; k++) { /* both sides of where the reduction changes its k */
        check_log(ldexp(1, k));
        check_log(ldexp(sqrt(0.5), k));
        check_log(ldexp(nextafter(sqrt(2), 0), k));
        check_log(ldexp(nextafter(sqrt(2), 2), k));
    }
}
END_TEST

START_TEST(log_of_1_is_0_and_of_infinity_infinite)
{
    ck_assert(exact_log(1) == 0);
    ck_assert(exact_log(INFINITY) == (double)INFINITY);
}
END_TEST

START_TEST(exp_is_within_2_ulp_over_all_results_subnormal_ones_too)
{
    struct random random = random_from(test_seed(), 2);
    for (int i = 0; i < 100000; i++)
        check_exp(-745.13 + (745.13 + 709.78) * random_uniform(&random));
    for (int i = 0; i < 50000; i++)
        check_exp(-745.13 + 40 * random_uniform(&random)); /* subnormal */
}
END_TEST

START_TEST(exp_is_within_2_ulp_near_0)
{
    struct random random = random_from(test_seed(), 3);
    for (int i = 0; i < 100000; i++) {
        double x = exact_exp(-60 * random_uniform(&random));
        check_exp(x);
        check_exp(-x);
    }
    ck_assert(exact_exp(0) == 1);
    ck_assert(exact_exp(-0.0) == 1);
}
END_TEST

START_TEST(exp_is_within_2_ulp_where_the_reduction_changes)
{
    for (int k = -1070; k < 1020; k++) {
        double x = (k + 0.5) * 0.69314718055994531;
        check_exp(x);
        check_exp(nextafter(x, -INFINITY));
        check_exp(nextafter(x, INFINITY));
    }
}
END_TEST

START_TEST(exp_overflows_and_underflows_where_it_must)
{
    const double last = 0x1.62e42fefa39efp+9; /* the highest x whose exp is a double */
    check_exp(last);
    ck_assert(exact_exp(last) <= DBL_MAX);
    ck_assert(exact_exp(nextafter(last, 1000)) == (double)INFINITY);
    ck_assert(exact_exp(1e300) == (double)INFINITY);
    ck_assert(exact_exp(INFINITY) == (double)INFINITY);
    ck_assert(exact_exp(-745.13) == 0x1p-1074);
    ck_assert(exact_exp(-745.14) == 0);
    ck_assert(exact_exp(-1e300) == 0);
    ck_assert(exact_exp(-INFINITY) == 0);
    ck_assert(isnan(exact_exp(NAN)));
}
END_TEST

START_TEST(log_undoes_exp)
{
    struct random random = random_from(test_seed(), 4);
    for (int i = 0; i < 100000; i++) {
        double x = 1400 * random_uniform(&random) - 700;
        ck_assert_double_eq_tol(exact_log(exact_exp(x)), x, 1e-15 * (1 + fabs(x)));
    }
}
END_TEST

/* FNV-1a of the results' bits: another machine, compiler or option that changes one bit is seen. */
static uint64_t fingerprint(double (*function)(double), double from, double step)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (int i = 0; i < 10000; i++) {
        double result = function(from + step * i);
        uint64_t bits;
        memcpy(&bits, &result, sizeof bits);
        hash = (hash ^ bits) * UINT64_C(0x100000001B3);
    }
    return hash;
}

START_TEST(results_are_the_same_bits_on_every_machine)
{
    ck_assert_uint_eq(fingerprint(exact_log, 0.0009765625, 0.0009765625),
                      UINT64_C(15336555173562998657));
    ck_assert_uint_eq(fingerprint(exact_exp, -740, 0.1435546875), UINT64_C(2202695144333570109));
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/exact_math");
    TCase *tcase = tcase_create("exact_math");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, log_is_within_2_ulp_over_all_doubles);
    tcase_add_test(tcase, log_is_within_2_ulp_near_1_where_it_vanishes);
    tcase_add_test(tcase, log_is_within_2_ulp_at_the_edges);
    tcase_add_test(tcase, log_of_1_is_0_and_of_infinity_infinite);
    tcase_add_test(tcase, exp_is_within_2_ulp_over_all_results_subnormal_ones_too);
    tcase_add_test(tcase, exp_is_within_2_ulp_near_0);
    tcase_add_test(tcase, exp_is_within_2_ulp_where_the_reduction_changes);
    tcase_add_test(tcase, exp_overflows_and_underflows_where_it_must);
    tcase_add_test(tcase, log_undoes_exp);
    tcase_add_test(tcase, results_are_the_same_bits_on_every_machine);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
