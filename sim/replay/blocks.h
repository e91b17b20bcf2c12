/* sim/replay/blocks.h - the blocks that a replay knows: an index from 64-bit keys to 32-bit handles
 * made for speed. A slot carries 32 bits of its key's hash, so that a search seldom looks at a
 * block that is not the one, and a removal at none. Private to sim/replay/. (base/keymap.h costs a
 * quarter of the memory and reads keys for both.) */
#ifndef REPRISE_SIM_REPLAY_BLOCKS_H
#define REPRISE_SIM_REPLAY_BLOCKS_H

#include "sim/placement/policy.h"

struct block_slot {
    uint32_t hash, handle; /* handle 0: empty */
};

struct block {
    uint64_t key;
    uint32_t hash;
    uint8_t tiers, remembered; /* bit t: it is in tier t; the policy remembers it there */
    uint16_t unused;
};

/* Invariant: slot[] holds each handle once, and none is empty between it and where its hash begins.
 * At most half of the slots are taken. What policies see of a block is in `seen`, by handle. */
struct blocks {
    struct block_slot *slot;
    uint32_t mask;
    struct block *block; /* [0] is never used */
    uint32_t capacity, high_water, free_block, live;
    struct policy_units seen;
    uint32_t note_bytes;
    unsigned tiers; /* bit t: seen has arrays of tier t */
};

void blocks_init(struct blocks *blocks, unsigned tiers, uint32_t note_bytes, bool depths,
                 bool leaf_only);
void blocks_free(struct blocks *blocks);
/* The block of a key that is not there yet. May move all arrays. */
uint32_t blocks_add(struct blocks *blocks, uint64_t key, uint32_t hash);
void blocks_remove(struct blocks *blocks, uint32_t handle);
/* All memory of the index and of what policies see, in bytes. */
uint64_t blocks_bytes(const struct blocks *blocks);

/* Every bit of a key decides: ids that differ by one must not crowd one place. */
static inline uint32_t blocks_hash(uint64_t key)
{
    key = (key ^ (key >> 32)) * UINT64_C(0x9E3779B97F4A7C15);
    key = (key ^ (key >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)(key >> 32);
}

static inline void blocks_prefetch_slot(const struct blocks *blocks, uint32_t hash)
{
    __builtin_prefetch(&blocks->slot[hash & blocks->mask]);
}

/* The handle in the first slot of that hash: the block of the key nearly always, at times another
 * or 0. For prefetching. */
static inline uint32_t blocks_guess(const struct blocks *blocks, uint32_t hash)
{
    uint32_t at = hash & blocks->mask;
    while (blocks->slot[at].handle != 0 && blocks->slot[at].hash != hash)
        at = (at + 1) & blocks->mask;
    return blocks->slot[at].handle;
}

/* The block of that key, or 0. */
static inline uint32_t blocks_find(const struct blocks *blocks, uint64_t key, uint32_t hash)
{
    uint32_t at = hash & blocks->mask;
    for (; blocks->slot[at].handle != 0; at = (at + 1) & blocks->mask) {
        uint32_t handle = blocks->slot[at].handle;
        if (blocks->slot[at].hash == hash && blocks->block[handle].key == key)
            return handle;
    }
    return 0;
}

#endif
