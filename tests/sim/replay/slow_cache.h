/* tests/sim/replay/slow_cache.h - each eviction policy once more, as plainly as its paper puts it:
 * arrays that are searched and shifted, one key at a time, too slow to use and too plain to err as
 * lists and heaps err. Shares no code with sim/. */
#ifndef REPRISE_TESTS_SIM_REPLAY_SLOW_CACHE_H
#define REPRISE_TESTS_SIM_REPLAY_SLOW_CACHE_H

#include <stdbool.h>
#include <stdint.h>

enum { SLOW_MOST = 4096 };

struct slow_entry {
    uint64_t key;
    uint64_t uses, touched, depth;
    double rank;
};

struct slow_list {
    struct slow_entry at[SLOW_MOST]; /* 0: the oldest */
    uint32_t count;
};

/* What the papers leave to be chosen; shares in per cent, of the cache or as said. */
struct slow_constants {
    uint32_t in, out;                                       /* 2Q: Kin, Kout */
    uint32_t small, s3_ghosts /* of main */, promote, most; /* S3-FIFO; the last two are uses */
    uint32_t arc_step, arc_first;                           /* ARC: of 1, of T1's first target */
    uint32_t vllm_step, vllm_first, vllm_ghosts;
    uint32_t slru; /* radix-slru: uses from which on it protects */
};

/* As they have them. */
extern const struct slow_constants slow_standard;

struct slow_cache {
    const char *policy;
    struct slow_constants constants;
    uint32_t capacity;
    struct slow_list a, b, ghost_a, ghost_b; /* what they are is each policy's */
    uint64_t clock;
    uint64_t hand; /* SIEVE: key that it stands at; 0: none */
    bool began;    /* ARC: the target has its first value */
    double target, floor, base_ns, slope_ns;
};

bool slow_holds(const struct slow_cache *cache, uint64_t key);
void slow_touch(struct slow_cache *cache, uint64_t key, uint64_t depth);

#endif
