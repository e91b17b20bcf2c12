/* runtime/host/narrow.h - values narrower than floats: KV's in pages of the host's memory. Private
 * to runtime/host/.
 *
 * fp8 is OCP E4M3 (OFP8 1.0): S EEEE FFF. E > 0: 2^(E - 7) * (1 + F / 8); E = 0: 2^-6 * F / 8;
 * E = 15 and F = 7: NaN. So the largest is 448, and neighbours are 2^-9 apart near 0. A bf16 is the
 * upper half of a float. Rounding: to nearest, ties to even. */
#ifndef REPRISE_RUNTIME_HOST_NARROW_H
#define REPRISE_RUNTIME_HOST_NARROW_H

#include <stdint.h>
#include <string.h>

static inline uint32_t float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Conversions are without branches, so that a loop of them becomes vectors: both outcomes are
 * computed, and this takes one. */
static inline uint32_t either(int first, uint32_t if_first, uint32_t otherwise)
{
    const uint32_t mask = 0U - (uint32_t)first;
    return (if_first & mask) | (otherwise & ~mask);
}

/* Infinity stays; NaN stays one. */
static inline uint16_t bf16_of_float(float value)
{
    const uint32_t bits = float_bits(value);
    const int32_t magnitude = (int32_t)(bits & 0x7fffffffU);
    return (uint16_t)either(magnitude > 0x7f800000, bits >> 16 | 1U << 6,
                            (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

static inline float float_of_bf16(uint16_t bf16)
{
    return float_of_bits((uint32_t)bf16 << 16);
}

/* Saturating: infinity and what is above 448 become 448. NaN stays one. */
static inline uint8_t fp8_of_float(float value)
{
    const uint32_t bits = float_bits(value), sign = bits >> 24 & 0x80U;
    const int32_t magnitude = (int32_t)(bits & 0x7fffffffU);
    /* Below 2^-6, all are 2^-9 apart: so are floats from 2^14 to 2^15, which the sum rounds to. */
    const uint32_t small =
        float_bits(float_of_bits((uint32_t)magnitude) + 0x1p14F) - float_bits(0x1p14F);
    /* Above, the fraction's other 20 bits are rounded away; a carry goes into the exponent, as it
     * should. */
    const uint32_t rounded = ((bits & 0x7fffffffU) + 0x7ffffU + (bits >> 20 & 1U)) >> 20;
    const int32_t normal = (int32_t)rounded - ((127 - 7) << 3);
    uint32_t code = either(normal < 0x7e, (uint32_t)normal, 0x7eU);
    code = either(magnitude < (127 - 6) << 23, small, code);
    code = either(magnitude > 0x7f800000, 0x7fU, code);
    return (uint8_t)(sign | code);
}

/* No subnormal floats on the way either, which are slow. */
static inline float float_of_fp8(uint8_t fp8)
{
    const uint32_t magnitude = fp8 & 0x7fU, sign = (fp8 & 0x80U) << 24;
    /* E = 0: as 2^-6 * (1 + F / 8), less 2^-6. */
    const float small = float_of_bits(magnitude << 20 | (127U - 6U) << 23) - 0x1p-6F;
    uint32_t bits = (magnitude << 20) + ((127U - 7U) << 23);
    bits = either((int32_t)magnitude < 8, float_bits(small), bits);
    bits = either(magnitude == 0x7fU, 0x7fc00000U, bits);
    return float_of_bits(bits | sign);
}

#endif
