/* traces/shuffle.h - a random order of 0..count-1 that is computed and not held: the place of each
 * is asked for by itself. A Feistel network over the least even number of bits that holds count,
 * walked until it falls below count (Black and Rogaway, Ciphers with Arbitrary Finite Domains,
 * CT-RSA 2002). Private to traces/. */
#ifndef REPRISE_TRACES_SHUFFLE_H
#define REPRISE_TRACES_SHUFFLE_H

#include <stdint.h>

struct shuffle {
    uint64_t count, seed;
    uint32_t half_bits;
};

/* count from 1 to 2^60. */
struct shuffle shuffle_of(uint64_t count, uint64_t seed);
/* What stands at a place below count: each of 0..count-1 at one. */
uint64_t shuffle_at(const struct shuffle *shuffle, uint64_t place);

#endif
