/* traces/shuffle.c - see shuffle.h. */
#include "traces/shuffle.h"

#include <xxhash.h>

/* Four make a Feistel network of random functions random to who sees its output (Luby and Rackoff,
 * 1988), of long halves; short ones, of few requests, want more. */
enum { ROUNDS = 8 };

struct shuffle shuffle_of(uint64_t count, uint64_t seed)
{
    struct shuffle shuffle = { .count = count, .seed = seed, .half_bits = 1 };
    while (UINT64_C(1) << (2 * shuffle.half_bits) < count)
        shuffle.half_bits++;
    return shuffle;
}

static uint64_t permuted(const struct shuffle *shuffle, uint64_t value)
{
    uint64_t mask = (UINT64_C(1) << shuffle->half_bits) - 1;
    uint64_t left = value >> shuffle->half_bits, right = value & mask;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        const uint64_t parts[] = { round, right };
        uint64_t next = left ^ (XXH64(parts, sizeof parts, shuffle->seed) & mask);
        left = right;
        right = next;
    }
    return left << shuffle->half_bits | right;
}

uint64_t shuffle_at(const struct shuffle *shuffle, uint64_t place)
{
    /* Ends: the walk is along a cycle of the permutation, on which `place` itself is below. */
    do
        place = permuted(shuffle, place);
    while (place >= shuffle->count);
    return place;
}
