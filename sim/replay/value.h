/* sim/replay/value.h - what a hit is worth: the time to compute the leading blocks of a context,
 * from two numbers, a token's time at the beginning and what each token before it adds. Private to
 * sim/replay/. */
#ifndef REPRISE_SIM_REPLAY_VALUE_H
#define REPRISE_SIM_REPLAY_VALUE_H

#include <stdint.h>

struct value {
    uint32_t block_tokens;
    double base_ns, slope_ns; /* a token at position p takes base + slope * p */
};

/* Time to compute the leading `blocks` blocks, in ns. */
static inline double value_of(const struct value *value, uint64_t blocks)
{
    double tokens = (double)blocks * value->block_tokens;
    return tokens * (value->base_ns + value->slope_ns * tokens / 2.0);
}

#endif
