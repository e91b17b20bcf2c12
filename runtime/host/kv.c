/* runtime/host/kv.c - what KV is stored as in pages: rows of floats to it and back. Loops that a
 * compiler makes vectors of; a cached token's K and V go through them at every use. */
#include "runtime/host/host.h"
#include "runtime/host/narrow.h"

void kv_narrow(enum kv_format format, const float *from, uint32_t count, void *to)
{
    uint16_t *bf16 = to;
    uint8_t *fp8 = to;
    switch (format) {
    case KV_AS_ELEMENTS:
        memmove(to, from, count * sizeof *from);
        break;
    case KV_BF16:
        for (uint32_t i = 0; i < count; i++)
            bf16[i] = bf16_of_float(from[i]);
        break;
    case KV_FP8_E4M3:
        for (uint32_t i = 0; i < count; i++)
            fp8[i] = fp8_of_float(from[i]);
        break;
    }
}

void kv_widen(enum kv_format format, const void *from, uint32_t count, float *to)
{
    const uint16_t *bf16 = from;
    const uint8_t *fp8 = from;
    switch (format) {
    case KV_AS_ELEMENTS:
        memmove(to, from, count * sizeof *to);
        break;
    case KV_BF16:
        for (uint32_t i = 0; i < count; i++)
            to[i] = float_of_bf16(bf16[i]);
        break;
    case KV_FP8_E4M3:
        for (uint32_t i = 0; i < count; i++)
            to[i] = float_of_fp8(fp8[i]);
        break;
    }
}
