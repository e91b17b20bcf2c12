/* sim/replay/farthest.h - a set of positions in [0, count) that gives its largest: a bit for each,
 * and a bit for each word that is not empty, up to one word. Any change or question costs one word
 * a level, and 64^4 positions make four levels. Private to sim/replay/. */
#ifndef REPRISE_SIM_REPLAY_FARTHEST_H
#define REPRISE_SIM_REPLAY_FARTHEST_H

#include <stdbool.h>
#include <stdint.h>

enum { FARTHEST_LEVELS = 6 };

/* Invariant: bit i of level[l + 1] is set exactly where word i of level[l] is not 0; the last of
 * `levels` is one word. */
struct farthest {
    uint64_t *level[FARTHEST_LEVELS];
    int levels;
};

void farthest_init(struct farthest *set, uint64_t count);
void farthest_free(struct farthest *set);

static inline bool farthest_has(const struct farthest *set, uint64_t at)
{
    return (set->level[0][at / 64] >> at % 64 & 1) != 0;
}

static inline void farthest_add(struct farthest *set, uint64_t at)
{
    for (int l = 0; l < set->levels; l++, at /= 64) {
        uint64_t before = set->level[l][at / 64];
        set->level[l][at / 64] = before | UINT64_C(1) << at % 64;
        if (before != 0)
            return;
    }
}

static inline void farthest_remove(struct farthest *set, uint64_t at)
{
    for (int l = 0; l < set->levels; l++, at /= 64) {
        set->level[l][at / 64] &= ~(UINT64_C(1) << at % 64);
        if (set->level[l][at / 64] != 0)
            return;
    }
}

/* The largest. The set must not be empty. */
static inline uint64_t farthest_last(const struct farthest *set)
{
    uint64_t word = 0;
    for (int l = set->levels - 1; l >= 0; l--)
        word = word * 64 + 63 - (uint64_t)__builtin_clzll(set->level[l][word]);
    return word;
}

#endif
