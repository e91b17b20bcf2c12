/* tests/traces/slow_lru.h - LRU as an array in order of use, the least recent first: too plain to
 * err as a list or a tree errs. */
#ifndef REPRISE_TESTS_TRACES_SLOW_LRU_H
#define REPRISE_TESTS_TRACES_SLOW_LRU_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { SLOW_MOST = 20000 };

struct slow_lru {
    uint64_t key[SLOW_MOST];
    uint32_t count, limit;
};

static inline uint32_t slow_place(const struct slow_lru *lru, uint64_t key)
{
    uint32_t i = 0;
    while (i < lru->count && lru->key[i] != key)
        i++;
    return i;
}

static inline void slow_touch(struct slow_lru *lru, uint64_t key)
{
    uint32_t at = slow_place(lru, key);
    if (at == lru->count && lru->count >= lru->limit)
        at = 0;
    if (at < lru->count)
        memmove(&lru->key[at], &lru->key[at + 1], (lru->count-- - at - 1) * sizeof *lru->key);
    lru->key[lru->count++] = key;
}

/* The leading run of cached blocks; then every block is touched. */
static inline uint64_t slow_request(struct slow_lru *lru, const uint64_t *keys, uint32_t count,
                                    bool deepest_first)
{
    uint32_t hits = 0;
    while (hits < count && slow_place(lru, keys[hits]) < lru->count)
        hits++;
    for (uint32_t i = 0; i < count; i++)
        slow_touch(lru, keys[deepest_first ? count - 1 - i : i]);
    return hits;
}

#endif
