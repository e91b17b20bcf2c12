/* traces/reuse_sample.h - SHARDS: reuse distances from a sample of blocks (Waldspurger, Park,
 * Garthwaite, Ahmad, FAST'15). A block is sampled if a hash of its key is below a threshold, so
 * that all references to it are seen or none; a distance among sampled blocks over the sampled
 * share is an estimate of the true one. Fixed rate, or fixed size: when more than blocks_most are
 * sampled, those of the largest hash are given up and the threshold goes down to theirs. Private to
 * traces/.
 *
 * Leading runs. A hit needs every block before it cached as well: request's block i hits in C
 * blocks if max(d_0 .. d_i) <= C, and a sample has few of d_0 .. d_i. Sampling whole requests or
 * chains instead would not do: all requests that share a system prompt are one tree. But keys stand
 * for prefixes, so that who touches a block touches all before it: a block before i was last
 * touched in the request that touched i last, at most i places further down, or later. So d_i <=
 * max(d_0 .. d_i)
 * <= d_i + i: the sampled curve lies no more than a request's length, along the axis of capacities,
 * from what the whole would give. It is meant for capacities above that; those below are counted
 * exactly by a stack of the most recent blocks (reuse.c), whose size does not depend on the trace,
 * and which knows of each sampled block whether it is a hit there.
 * Blocks touched deepest first have d_0 <= d_1 <= ..., and nothing is lost. Measured errors:
 * docs/workload.md. */
#ifndef REPRISE_TRACES_REUSE_SAMPLE_H
#define REPRISE_TRACES_REUSE_SAMPLE_H

#include "base/heap.h"
#include "traces/reuse_counts.h"
#include "traces/reuse_stack.h"

/* What the sample says. `above`: of those blocks only whose leading run needs more than
 * counted_most blocks of cache, which is known where runs up to that are counted exactly. The
 * blocks that are used most, by whose absence or presence samples err most, are then none of the
 * estimate's. */
struct reuse_estimate {
    struct reuse_counts all, above;
    uint64_t counted_most;
};

struct reuse_sample {
    struct reuse_stack stack;
    uint64_t salt, threshold;   /* sampled: hash <= threshold */
    uint32_t blocks_most;       /* 0: fixed rate */
    struct heap by_hash;        /* with blocks_most: all blocks of the stack, largest hash first */
    uint32_t *chosen; /* of the request in hand: the places of sampled blocks */
    uint32_t chosen_capacity;
    uint64_t references; /* sampled ones */
};

/* rate 0: fixed size. */
void reuse_sample_init(struct reuse_sample *sample, double rate, uint32_t blocks_most,
                       uint64_t seed);
void reuse_sample_free(struct reuse_sample *sample);
/* The sampled share of blocks: of all there were, no longer only of those to come. */
double reuse_sample_rate(const struct reuse_sample *sample);
/* counted: how many leading blocks of it need no estimate. */
void reuse_sample_request(struct reuse_sample *sample, const uint64_t *keys, uint32_t count,
                          bool deepest_first, uint32_t counted, struct reuse_estimate *estimate);

#endif
