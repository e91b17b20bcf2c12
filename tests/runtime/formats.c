/* tests/runtime/formats.c - see formats.h. */
#include "tests/runtime/formats.h"

#include <math.h>

double fp8_value(uint8_t code)
{
    int exponent = code >> 3 & 15, fraction = code & 7;
    double magnitude = exponent == 15 && fraction == 7 ? NAN
                       : exponent == 0                 ? ldexp(fraction / 8.0, -6)
                                                       : ldexp(1 + fraction / 8.0, exponent - 7);
    return code & 0x80 ? -magnitude : magnitude;
}

uint8_t fp8_nearest(double x)
{
    uint8_t best = 0, sign = signbit(x) ? 0x80 : 0;
    for (uint8_t code = 1; code < 0x7f; code++) {
        double closer = fabs(fp8_value(best) - fabs(x)) - fabs(fp8_value(code) - fabs(x));
        if (closer > 0 || (closer == 0 && code % 2 == 0) || isinf(x))
            best = code;
    }
    return sign | best;
}

double bf16_nearest(double x)
{
    int exponent;
    double fraction = frexp(x, &exponent); /* in [0.5, 1) */
    return ldexp(nearbyint(ldexp(fraction, 8)), exponent - 8);
}
