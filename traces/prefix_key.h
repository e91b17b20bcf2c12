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

/* The key of tokens that have no id: `request` is whose they are, and nobody else's are the same.
 */
static inline uint64_t prefix_key_alone(uint64_t before, uint64_t request)
{
    return keymap_mix(before ^ ~request) >> 1;
}

#endif
