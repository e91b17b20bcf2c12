/* sim/replay/blocks.h - the blocks that a replay knows: an index from 64-bit keys to 32-bit handles
 * made for speed. A search reads one cache line (group.h) and, nearly always, no block that is not
 * the one. Private to sim/replay/. (base/keymap.h has less memory and reads keys for all.) */
#ifndef REPRISE_SIM_REPLAY_BLOCKS_H
#define REPRISE_SIM_REPLAY_BLOCKS_H

#include "sim/placement/policy.h"
#include "sim/replay/group.h"

struct block {
    uint64_t key;
    uint32_t hash, kept; /* kept: why it has an entry, as bits; 0: it was only just made, or goes */
};

/* One word, always written and read whole: parts written apart would have to reach the cache before the
 * whole could be read. */
#define BLOCK_IN(tier) (1U << (unsigned)(tier))                /* it is in that tier */
#define BLOCK_REMEMBERED(tier) (1U << (8U + (unsigned)(tier))) /* the policy remembers it there */
#define BLOCK_HELD (1U << 16)                                  /* by the request that is worked on */
#define BLOCK_IN_ANY 0xFFU

/* Invariant: the groups hold each handle once, in the group that its hash says or one behind it, with
 * `passed` counted in those between. What policies see of a block is in `seen`, by handle. */
struct blocks {
    struct group *group;
    uint32_t mask;
    struct block *block; /* [0] is never used */
    uint32_t capacity, high_water, free_block, live;
    struct policy_units seen;
    uint64_t expected;
    uint32_t note_bytes;
    unsigned tiers; /* bit t: seen has arrays of tier t */
};

/* expected: the blocks that all tiers hold; more may come, as ghosts. Arrays stop growing there for
 * a while. */
void blocks_init(struct blocks *blocks, unsigned tiers, uint64_t expected, uint32_t note_bytes,
                 bool depths, bool leaf_only);
void blocks_free(struct blocks *blocks);
/* One block more in each array, or twice the groups. Move them. */
void blocks_grow(struct blocks *blocks);
void blocks_grow_groups(struct blocks *blocks);
/* All memory of the index and of what policies see, in bytes. */
uint64_t blocks_bytes(const struct blocks *blocks);

/* Every bit of a key decides: ids that differ by one must not crowd one place. */
static inline uint32_t blocks_hash(uint64_t key)
{
    key = (key ^ (key >> 32)) * UINT64_C(0x9E3779B97F4A7C15);
    key = (key ^ (key >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)(key >> 32);
}

static inline void blocks_prefetch_group(const struct blocks *blocks, uint32_t hash)
{
    __builtin_prefetch(&blocks->group[hash & blocks->mask], 1);
}

/* A handle with that hash's tag: the block of the key nearly always, at times another or 0. */
static inline uint32_t blocks_guess(const struct blocks *blocks, uint32_t hash)
{
    const struct group *group = &blocks->group[hash & blocks->mask];
    uint32_t matches = group_matches(group, group_tag(hash));
    /* No jump: whether a block is there is what nobody can foresee. */
    uint32_t handle = group->handle[__builtin_ctz(matches | 1U << (GROUP_SLOTS - 1))];
    return matches != 0 ? handle : 0;
}

/* Asks for the group behind, if the search for a block that is not in this one goes on there. */
static inline void blocks_prefetch_behind(const struct blocks *blocks, uint32_t hash)
{
    const struct group *group = &blocks->group[hash & blocks->mask];
    if (group->passed > 0)
        __builtin_prefetch(&blocks->group[(hash + 1) & blocks->mask], 1);
}

/* The block of that key, or 0. */
static inline uint32_t blocks_find(const struct blocks *blocks, uint64_t key, uint32_t hash)
{
    for (uint32_t at = hash & blocks->mask;; at = (at + 1) & blocks->mask) {
        const struct group *group = &blocks->group[at];
        for (uint32_t left = group_matches(group, group_tag(hash)); left != 0; left &= left - 1) {
            uint32_t handle = group->handle[__builtin_ctz(left)];
            if (blocks->block[handle].key == key)
                return handle;
        }
        if (group->passed == 0)
            return 0;
    }
}

static inline void blocks_put(struct blocks *blocks, uint32_t hash, uint32_t handle)
{
    uint32_t at = hash & blocks->mask, empty;
    while ((empty = group_matches(&blocks->group[at], 0)) == 0) {
        blocks->group[at].passed++;
        at = (at + 1) & blocks->mask;
    }
    int slot = __builtin_ctz(empty);
    blocks->group[at].tag[slot] = group_tag(hash);
    blocks->group[at].handle[slot] = handle;
}

/* The block of a key that is not there yet. May move all arrays. */
static inline uint32_t blocks_add(struct blocks *blocks, uint64_t key, uint32_t hash)
{
    uint32_t handle = blocks->free_block;
    if (handle != 0) {
        blocks->free_block = blocks->block[handle].hash;
    } else {
        if (blocks->high_water >= blocks->capacity)
            blocks_grow(blocks);
        handle = blocks->high_water++;
    }
    blocks->block[handle] = (struct block){ .key = key, .hash = hash };
    if (blocks->note_bytes > 0)
        for (int tier = 0; tier < TIER_COUNT; tier++)
            if (blocks->seen.note[tier] != NULL)
                memset((char *)blocks->seen.note[tier] + (size_t)handle * blocks->note_bytes, 0,
                       blocks->note_bytes);
    if (blocks->seen.parent != NULL)
        blocks->seen.parent[handle] = 0;
    if (++blocks->live > ((uint64_t)blocks->mask + 1) * GROUP_FILL)
        blocks_grow_groups(blocks);
    blocks_put(blocks, hash, handle);
    return handle;
}

static inline void blocks_remove(struct blocks *blocks, uint32_t handle)
{
    struct block *block = &blocks->block[handle];
    assert(block->kept == 0);
    uint8_t tag = group_tag(block->hash);
    for (uint32_t at = block->hash & blocks->mask;; at = (at + 1) & blocks->mask) {
        struct group *group = &blocks->group[at];
        uint32_t left = group_matches(group, tag);
        while (left != 0 && group->handle[__builtin_ctz(left)] != handle)
            left &= left - 1;
        if (left != 0) {
            group->tag[__builtin_ctz(left)] = 0;
            break;
        }
        group->passed--;
    }
    block->hash = blocks->free_block;
    blocks->free_block = handle;
    blocks->live--;
}

#endif
