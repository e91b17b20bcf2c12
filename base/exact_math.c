/* base/exact_math.c - log and exp that give the same bits on every machine (base/random.h says
 * why). Here: argument reduction by powers of two, then a Taylor series long enough that what is
 * left out is below the rounding. Only + - * / on doubles and bit patterns; the build forbids
 * contraction. */
#include "base/random.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

static_assert(FLT_EVAL_METHOD == 0, "doubles must be rounded at each operation");
static_assert(DBL_MANT_DIG == 53, "doubles must be IEEE 754 binary64");

/* ln 2 in two parts: LN2_HIGH has 21 trailing zero bits, so that k * LN2_HIGH is exact for every
 * exponent k. */
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW 0x1.a39ef35793c76p-33
#define LOG2_E 1.4426950408889634
#define SQRT_2 1.4142135623730951

#define EXPONENT_BIAS 1023
#define MANTISSA_BITS 52
#define MANTISSA_MASK ((UINT64_C(1) << MANTISSA_BITS) - 1)

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^k, -1022 <= k <= 1023. */
static double power_of_two(int k)
{
    return from_bits((uint64_t)(k + EXPONENT_BIAS) << MANTISSA_BITS);
}

/* x = m * 2^k with m in [1/sqrt 2, sqrt 2), so that log m is small and k * ln 2 does not cancel it.
 */
static double split(double x, int *k)
{
    *k = 0;
    if (x < DBL_MIN) { /* subnormal: no leading one to find the exponent by */
        x *= power_of_two(MANTISSA_BITS + 2);
        *k = -(MANTISSA_BITS + 2);
    }
    uint64_t bits = bits_of(x);
    *k += (int)(bits >> MANTISSA_BITS) - EXPONENT_BIAS;
    double m = from_bits((bits & MANTISSA_MASK) | bits_of(1.0));
    if (m >= SQRT_2) {
        m *= 0.5;
        *k += 1;
    }
    return m;
}

/* term[0] + term[1] x + term[2] x^2 + ... */
static double horner(const double *term, size_t terms, double x)
{
    double sum = 0;
    while (terms > 0)
        sum = sum * x + term[--terms];
    return sum;
}

/* With s = f / (2 + f): log(1 + f) = 2 atanh s = 2 s + s R, R = 2 s^2 (1/3 + s^2/5 + s^4/7 + ...).
 * |s| <= 0.1716, so the first term left out is below 2^-63 of the sum. */
static double atanh_tail(double s)
{
    static const double term[] = { 2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                                   2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23, 2.0 / 25 };
    return s * s * horner(term, sizeof term / sizeof term[0], s * s);
}

double exact_log(double x)
{
    assert(x > 0);
    if (x > DBL_MAX)
        return x;
    int k;
    double f = split(x, &k) - 1; /* exact */
    double s = f / (2 + f);
    double half_square = 0.5 * f * f;
    /* 2 s = f - s f, and s f = half_square - s half_square: f, which is exact, is thus the leading
     * term and its rounding is not lost in s. */
    double small = s * (half_square + atanh_tail(s));
    double high = k * LN2_HIGH, low = k * LN2_LOW;
    return high - ((half_square - (small + low)) - f);
}

/* exp(r) = 1 + r + r^2 (1/2! + r/3! + ... + r^12/14!), |r| <= 0.35: the first term left out is
 * below 2^-60. */
static double exp_tail(double r)
{
    static const double term[] = {
        1.0 / 2,         1.0 / 6,          1.0 / 24,          1.0 / 120,     1.0 / 720,
        1.0 / 5040,      1.0 / 40320,      1.0 / 362880,      1.0 / 3628800, 1.0 / 39916800,
        1.0 / 479001600, 1.0 / 6227020800, 1.0 / 87178291200,
    };
    return horner(term, sizeof term / sizeof term[0], r);
}

double exact_exp(double x)
{
    if (x != x)
        return x;
    if (x > 709.8) /* log(DBL_MAX) = 709.78 */
        return INFINITY;
    if (x < -745.2) /* log of half the smallest subnormal = -745.13 */
        return 0;
    int k = (int)(x * LOG2_E + (x < 0 ? -0.5 : 0.5));
    double high = x - k * LN2_HIGH, low = k * LN2_LOW;
    double r = high - low;
    double m = 1 + (high + (r * r * exp_tail(r) - low));

    /* 2^k alone may be beyond the doubles where m * 2^k is not; of the two products only the last
     * can be inexact. */
    int half = k / 2;
    return m * power_of_two(half) * power_of_two(k - half);
}
