/* traces/prefix_key.h - makes prefix keys of ids that each stand for their own tokens alone: a key
 * is chained to the one before it. Ids that are prefix keys already stay so. Private to traces/. */
#ifndef REPRISE_TRACES_PREFIX_KEY_H
#define REPRISE_TRACES_PREFIX_KEY_H

#include "base/keymap.h"

/* The key, of 63 bits, of the id's tokens behind those that `before` stands for; 0: behind none. */
static inline uint64_t prefix_key(uint64_t before, uint64_t id)
{
    return keymap_mix(before ^ keymap_mix(id + 1)) >> 1;
}

/* prefix_key() of one id behind the other, from behind none on, in two thirds of its time: of the steps that wait for the
 * key before, those fall out that one mix ends and the next begins with, as they undo each other. Zeroed: behind none. */
struct prefix_chain {
    uint64_t most; /* keymap_mix_most(), of which the key before was made */
};

static inline uint64_t prefix_chain_next(struct prefix_chain *chain, uint64_t id)
{
    uint64_t key = (chain->most >> 1 ^ keymap_mix_most(id + 1)) * KEYMAP_FACTOR_1;
    chain->most = (key ^ (key >> 33)) * KEYMAP_FACTOR_2;
    return (chain->most ^ (chain->most >> 33)) >> 1;
}

/* The key of tokens that have no id: `request` is whose they are, and nobody else's are the same.
 */
static inline uint64_t prefix_key_alone(uint64_t before, uint64_t request)
{
    return keymap_mix(before ^ ~request) >> 1;
}

#endif
