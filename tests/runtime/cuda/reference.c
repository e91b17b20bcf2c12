/* tests/runtime/cuda/reference.c - see reference.h. */
#include "tests/runtime/cuda/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint16_t bf16_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t lower = bits & 0xffffu, upper = bits >> 16;
    if (lower > 0x8000u || (lower == 0x8000u && (upper & 1u)))
        upper++;
    return (uint16_t)upper;
}

/* By search rather than by bits: fp16's magnitudes grow with their bit pattern. */
static uint16_t fp16_bits(float value)
{
    uint16_t sign = signbit(value) ? 0x8000u : 0u, low = 0, high = 0x7c00u;
    float magnitude = fabsf(value);
    while (high - low > 1) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (element_value(ELEMENT_FP16, middle) <= magnitude)
            low = middle;
        else
            high = middle;
    }
    double below = element_value(ELEMENT_FP16, low);
    double above = high == 0x7c00u ? 65536.0 : (double)element_value(ELEMENT_FP16, high);
    double middle = (below + above) / 2;
    uint16_t nearest = magnitude > middle || (magnitude == middle && low % 2 == 1) ? high : low;
    return sign | nearest;
}

uint16_t element_bits(enum element element, float value)
{
    return element == ELEMENT_BF16 ? bf16_bits(value) : fp16_bits(value);
}

float element_value(enum element element, uint16_t bits)
{
    if (element == ELEMENT_BF16) {
        uint32_t wide = (uint32_t)bits << 16;
        float value;
        memcpy(&value, &wide, sizeof value);
        return value;
    }
    int exponent = bits >> 10 & 31;
    float fraction = (float)(bits & 1023);
    float magnitude = exponent == 31  ? (fraction > 0 ? NAN : INFINITY)
                      : exponent == 0 ? ldexpf(fraction, -24)
                                      : ldexpf(1024 + fraction, exponent - 25);
    return bits & 0x8000u ? -magnitude : magnitude;
}

void reference_rope(double *head, enum rotation rotation, uint32_t dims, double theta,
                    uint32_t position)
{
    if (rotation == ROTATION_NONE)
        return;
    for (uint32_t i = 0; i < dims / 2; i++) {
        double angle = position * pow(theta, -2.0 * i / dims);
        double *x = rotation == ROTATION_HALVES ? &head[i] : &head[2 * i];
        double *y = rotation == ROTATION_HALVES ? &head[i + dims / 2] : &head[2 * i + 1];
        double turned_x = *x * cos(angle) - *y * sin(angle);
        double turned_y = *x * sin(angle) + *y * cos(angle);
        *x = turned_x;
        *y = turned_y;
    }
}

void reference_attention(const double *query, const double *keys, const double *values,
                         uint32_t count, uint32_t stride, uint32_t head_dim, double *out)
{
    double *weight = calloc(count, sizeof *weight), highest = -INFINITY, sum = 0;
    for (uint32_t t = 0; t < count; t++) {
        for (uint32_t i = 0; i < head_dim; i++)
            weight[t] += query[i] * keys[(uint64_t)t * stride + i];
        weight[t] /= sqrt(head_dim);
        highest = fmax(highest, weight[t]);
    }
    for (uint32_t t = 0; t < count; t++)
        sum += weight[t] = exp(weight[t] - highest);
    for (uint32_t i = 0; i < head_dim; i++) {
        out[i] = 0;
        for (uint32_t t = 0; t < count; t++)
            out[i] += weight[t] / sum * values[(uint64_t)t * stride + i];
    }
    free(weight);
}

double relative_error(const float *found, const double *expected, uint64_t count)
{
    double difference = 0, size = 0;
    for (uint64_t i = 0; i < count; i++) {
        difference += (found[i] - expected[i]) * (found[i] - expected[i]);
        size += expected[i] * expected[i];
    }
    return sqrt(difference / size); /* a NaN stays one, and fails every comparison */
}
