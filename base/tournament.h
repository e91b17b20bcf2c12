/* base/tournament.h - the first of many numbers, each of which changes often: a tree of matches. Whoever has the
 * lowest key wins, of equal keys the lowest index; a key that changes plays the log2(n) matches above
 * it again. Where all keep a key this is smaller and quicker than a placed heap (heap.h). */
#ifndef REPRISE_BASE_TOURNAMENT_H
#define REPRISE_BASE_TOURNAMENT_H

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>

/* Invariant: winner[1] is the first of all; winner[i] is the winner of 2 i and 2 i + 1, or from
 * `leaves` on the index i - leaves itself, which beyond `count` has the key UINT64_MAX. */
struct tournament {
    uint64_t *key;
    uint32_t *winner;
    uint32_t count, leaves; /* leaves: a power of two */
};

/* count >= 1 indices from 0 on, all with this key. */
static inline void tournament_init(struct tournament *tournament, uint32_t count, uint64_t key)
{
    uint32_t leaves = 1;
    while (leaves < count)
        leaves *= 2;
    *tournament = (struct tournament){ .key = (uint64_t *)memory_new(leaves, sizeof(uint64_t)),
                                       .winner = (uint32_t *)memory_new(leaves, sizeof(uint32_t)),
                                       .count = count,
                                       .leaves = leaves };
    for (uint32_t i = 0; i < leaves; i++)
        tournament->key[i] = i < count ? key : UINT64_MAX;
    /* All are equal: the lowest index below each match. */
    for (uint32_t i = 1, width = leaves; i < leaves; i *= 2, width /= 2)
        for (uint32_t at = 0; at < i; at++)
            tournament->winner[i + at] = at * width;
}

static inline void tournament_free(struct tournament *tournament)
{
    free(tournament->key);
    free(tournament->winner);
}

/* Private. */
static inline uint32_t tournament_winner(const struct tournament *tournament, uint32_t at)
{
    return at < tournament->leaves ? tournament->winner[at] : at - tournament->leaves;
}

static inline void tournament_set(struct tournament *tournament, uint32_t index, uint64_t key)
{
    if (tournament->key[index] == key)
        return;
    tournament->key[index] = key;
    for (uint32_t at = (tournament->leaves + index) / 2; at > 0; at /= 2) {
        uint32_t a = tournament_winner(tournament, 2 * at),
                 b = tournament_winner(tournament, 2 * at + 1);
        uint32_t first = tournament->key[b] < tournament->key[a] ? b : a;
        if (tournament->winner[at] == first && first != index)
            return; /* it lost before and loses again: nothing above has changed */
        tournament->winner[at] = first;
    }
}

static inline uint32_t tournament_first(const struct tournament *tournament)
{
    return tournament->leaves > 1 ? tournament->winner[1] : 0;
}

static inline uint64_t tournament_first_key(const struct tournament *tournament)
{
    return tournament->key[tournament_first(tournament)];
}

#endif
