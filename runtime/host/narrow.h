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

/* Infinity stays; NaN stays one. */
static inline uint16_t bf16_of_float(float value)
{
    uint32_t bits = float_bits(value);
    if ((bits & 0x7fffffffU) > 0x7f800000U)
        return (uint16_t)(bits >> 16 | 1U << 6);
    return (uint16_t)((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

static inline float float_of_bf16(uint16_t bf16)
{
    return float_of_bits((uint32_t)bf16 << 16);
}

/* Saturating: infinity and what is above 448 become 448. NaN stays one. */
static inline uint8_t fp8_of_float(float value)
{
    const uint32_t bits = float_bits(value), sign = bits >> 24 & 0x80U;
    const uint32_t magnitude = bits & 0x7fffffffU;
    if (magnitude > 0x7f800000U)
        return (uint8_t)(sign | 0x7fU);
    /* Below 2^-6, all are 2^-9 apart: so are floats from 2^14 to 2^15, which the sum rounds to. */
    if (magnitude < (127U - 6U) << 23)
        return (uint8_t)(sign |
                         (float_bits(float_of_bits(magnitude) + 0x1p14F) - float_bits(0x1p14F)));
    /* The fraction's other 20 bits are rounded away; a carry goes into the exponent as it should.
     */
    const uint32_t rounded = (magnitude + 0x7ffffU + (magnitude >> 20 & 1U)) >> 20;
    const uint32_t code = rounded - ((127U - 7U) << 3);
    return (uint8_t)(sign | (code < 0x7eU ? code : 0x7eU));
}

/* Without a branch and without subnormal floats, which are slow: a loop of these is vectors. */
static inline float float_of_fp8(uint8_t fp8)
{
    const uint32_t magnitude = fp8 & 0x7fU, sign = (fp8 & 0x80U) << 24;
    /* E = 0: as 2^-6 * (1 + F / 8), less 2^-6. */
    const float small = float_of_bits(magnitude << 20 | (127U - 6U) << 23) - 0x1p-6F;
    const float normal = float_of_bits((magnitude << 20) + ((127U - 7U) << 23));
    uint32_t bits = float_bits(magnitude < 8 ? small : normal);
    bits = magnitude == 0x7fU ? 0x7fc00000U : bits;
    return float_of_bits(bits | sign);
}

#endif
