/* runtime/cuda/divisor.h - division by a number that the compiler does not know but a kernel
 * divides by at every row: one multiplication and one shift in place of some twenty instructions.
 * For C and CUDA. Source: Granlund and Montgomery, "Division by Invariant Integers using
 * Multiplication" (PLDI 1994), theorem 4.2: with s = ceil(log2 d) and m = floor(2^(31+s) / d) + 1,
 * n / d = (n * m) >> (31 + s) for every n < 2^31. */
#ifndef REPRISE_RUNTIME_CUDA_DIVISOR_H
#define REPRISE_RUNTIME_CUDA_DIVISOR_H

#include <stdint.h>

struct divisor {
    uint32_t value, multiplier, shift; /* multiplier 0: value is 1 */
};

/* value: in [1, 2^31). */
static inline struct divisor divisor_of(uint32_t value)
{
    uint32_t log = 0;
    while ((UINT64_C(1) << log) < value)
        log++;
    struct divisor by = { value, 0, 0 };
    if (value > 1) {
        by.multiplier = (uint32_t)((UINT64_C(1) << (31 + log)) / value + 1);
        by.shift = log - 1;
    }
    return by;
}

#endif
