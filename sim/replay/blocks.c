/* sim/replay/blocks.c - see blocks.h: what changes the index. */
#define _DEFAULT_SOURCE /* madvise() */
#include "sim/replay/blocks.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MASK_MIN = 127 };
enum { LARGE_PAGE = 2 << 20, LINE = 64 };

/* Zeroed, from the beginning of a cache line. Random access over many pages misses the processor's
 * page table cache at each step: large pages where the system gives them, from the first touch on
 * (an array that realloc() moves by remapping comes out in small ones). */
static void *new_array(size_t count, size_t size)
{
    size_t bytes = count * size, step = bytes < (size_t)2 * LARGE_PAGE ? LINE : LARGE_PAGE;
    bytes = (bytes + step - 1) / step * step;
    void *array = aligned_alloc(step, bytes);
    if (array == NULL)
        memory_exhausted();
    if (step == LARGE_PAGE)
        (void)madvise(array, bytes, MADV_HUGEPAGE);
    memset(array, 0, bytes);
    return array;
}

void blocks_free(struct blocks *blocks)
{
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        free(blocks->seen.link[tier]);
        free(blocks->seen.note[tier]);
        free(blocks->seen.children[tier]);
    }
    free(blocks->seen.depth);
    free(blocks->seen.parent);
    free(blocks->group);
    free(blocks->block);
}

void blocks_grow_groups(struct blocks *blocks)
{
    struct group *old = blocks->group;
    uint64_t old_count = (uint64_t)blocks->mask + 1;
    blocks->mask = 2 * blocks->mask + 1;
    blocks->group = new_array((size_t)blocks->mask + 1, sizeof *blocks->group);
    for (uint64_t at = 0; at < old_count; at++)
        for (int slot = 0; slot < GROUP_SLOTS; slot++)
            if (old[at].tag[slot] != 0)
                blocks_put(blocks, blocks->block[old[at].handle[slot]].hash, old[at].handle[slot]);
    free(old);
}

/* By half, not to double: what doubling leaves unused would be most of a block's memory. Full tiers
 * need no more, and with as many ghosts (ARC has that many at most) twice that: it stops there. */
static uint32_t grown(uint64_t expected, uint32_t capacity)
{
    uint64_t more = (uint64_t)capacity + capacity / 2 + 64;
    for (uint64_t times = 1; times <= 2 && expected < UINT32_MAX; times++) {
        uint64_t stop = times * expected + expected / 64 + 64;
        if (capacity < stop && stop < more)
            more = stop;
    }
    return more < UINT32_MAX ? (uint32_t)more : UINT32_MAX;
}

static void *resized(void *array, uint32_t old, uint32_t new, size_t size_bytes)
{
    void *larger = new_array(new, size_bytes);
    if (old > 0)
        memcpy(larger, array, old * size_bytes);
    free(array);
    return larger;
}

void blocks_grow(struct blocks *blocks)
{
    struct policy_units *seen = &blocks->seen;
    uint32_t old = blocks->capacity, new = grown(blocks->expected, old);
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if ((blocks->tiers >> tier & 1) == 0)
            continue;
        seen->link[tier] = resized(seen->link[tier], old, new, sizeof *seen->link[tier]);
        if (blocks->note_bytes > 0)
            seen->note[tier] = resized(seen->note[tier], old, new, blocks->note_bytes);
        if (seen->parent != NULL)
            seen->children[tier] = resized(seen->children[tier], old, new, sizeof(uint32_t));
    }
    if (seen->depth != NULL)
        seen->depth = resized(seen->depth, old, new, sizeof *seen->depth);
    if (seen->parent != NULL)
        seen->parent = resized(seen->parent, old, new, sizeof *seen->parent);
    blocks->block = resized(blocks->block, old, new, sizeof *blocks->block);
    blocks->capacity = new;
}

void blocks_init(struct blocks *blocks, unsigned tiers, uint64_t expected, uint32_t note_bytes,
                 bool depths, bool leaf_only)
{
    memset(blocks, 0, sizeof *blocks);
    blocks->mask = MASK_MIN;
    blocks->group = new_array((size_t)MASK_MIN + 1, sizeof *blocks->group);
    blocks->high_water = 1;
    blocks->tiers = tiers;
    blocks->expected = expected;
    blocks->note_bytes = note_bytes;
    /* What is wanted is there from the start: NULL says that it is not. */
    blocks->seen.depth = depths ? memory_new(1, sizeof(uint32_t)) : NULL;
    blocks->seen.parent = leaf_only ? memory_new(1, sizeof(uint32_t)) : NULL;
    blocks_grow(blocks); /* so that handle 0 may be looked at: a guess is 0 at times */
}

uint64_t blocks_bytes(const struct blocks *blocks)
{
    uint64_t each = sizeof *blocks->block, each_tier = sizeof(struct order_link);
    each += (blocks->seen.depth != NULL) * sizeof(uint32_t);
    each += (blocks->seen.parent != NULL) * sizeof(uint32_t);
    each_tier += blocks->note_bytes + (blocks->seen.parent != NULL) * sizeof(uint32_t);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        each += (blocks->tiers >> tier & 1) * each_tier;
    return each * blocks->capacity + ((uint64_t)blocks->mask + 1) * sizeof *blocks->group;
}
