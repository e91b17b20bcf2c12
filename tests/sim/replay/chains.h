/* tests/sim/replay/chains.h - requests drawn from a tree of prefixes, some asked much more often
 * than others. */
#ifndef REPRISE_TESTS_SIM_REPLAY_CHAINS_H
#define REPRISE_TESTS_SIM_REPLAY_CHAINS_H

#include "base/random.h"

enum { CHAIN_MOST = 12 };

static inline uint32_t draw_chain(struct random *random, uint64_t keys[CHAIN_MOST])
{
    uint32_t count = 1 + (uint32_t)random_below(random, CHAIN_MOST);
    uint64_t path = 1;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t branch = random_below(random, 4) < 3 ? 0 : random_below(random, 3);
        path = path * 3 + branch;
        keys[i] = path;
    }
    return count;
}

#endif
