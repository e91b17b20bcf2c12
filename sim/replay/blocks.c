/* sim/replay/blocks.c - see blocks.h: what changes the index. */
#define _DEFAULT_SOURCE /* madvise() */
#include "sim/replay/blocks.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MASK_MIN = 1023 };

void blocks_init(struct blocks *blocks, unsigned tiers, uint32_t note_bytes, bool depths,
                 bool leaf_only)
{
    memset(blocks, 0, sizeof *blocks);
    blocks->mask = MASK_MIN;
    blocks->slot = memory_new((size_t)MASK_MIN + 1, sizeof *blocks->slot);
    blocks->high_water = 1;
    blocks->tiers = tiers;
    blocks->note_bytes = note_bytes;
    /* What is wanted is there from the start: NULL says that it is not. */
    blocks->seen.depth = depths ? memory_new(1, sizeof(uint32_t)) : NULL;
    blocks->seen.parent = leaf_only ? memory_new(1, sizeof(uint32_t)) : NULL;
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
    free(blocks->slot);
    free(blocks->block);
}

enum { LARGE_PAGE = 2 << 20 };

/* Zeroed. Random access over many pages misses the processor's page table cache at each step: large
 * pages where the system gives them, from the first touch on (an array that realloc() moves by
 * remapping comes out in small ones). */
static void *new_array(size_t count, size_t size)
{
    size_t bytes = count * size;
    if (bytes < (size_t)2 * LARGE_PAGE)
        return memory_new(count, size);
    bytes = (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    void *array = aligned_alloc(LARGE_PAGE, bytes);
    if (array == NULL)
        memory_exhausted();
    (void)madvise(array, bytes, MADV_HUGEPAGE);
    memset(array, 0, bytes);
    return array;
}

static void put(struct blocks *blocks, uint32_t hash, uint32_t handle)
{
    uint32_t at = hash & blocks->mask;
    while (blocks->slot[at].handle != 0)
        at = (at + 1) & blocks->mask;
    blocks->slot[at] = (struct block_slot){ .hash = hash, .handle = handle };
}

static void grow_slots(struct blocks *blocks)
{
    struct block_slot *old = blocks->slot;
    uint64_t old_count = (uint64_t)blocks->mask + 1;
    blocks->mask = 2 * blocks->mask + 1;
    blocks->slot = new_array((size_t)blocks->mask + 1, sizeof *blocks->slot);
    for (uint64_t at = 0; at < old_count; at++)
        if (old[at].handle != 0)
            put(blocks, old[at].hash, old[at].handle);
    free(old);
}

/* By half, not to double: what doubling leaves unused would be most of a block's memory. */
static uint32_t grown(uint32_t capacity)
{
    uint64_t more = (uint64_t)capacity + capacity / 2 + 64;
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

static void grow_blocks(struct blocks *blocks)
{
    struct policy_units *seen = &blocks->seen;
    uint32_t old = blocks->capacity, new = grown(old);
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

static void clear_notes(struct blocks *blocks, uint32_t handle)
{
    for (int tier = 0; tier < TIER_COUNT; tier++)
        if (blocks->seen.note[tier] != NULL)
            memset((char *)blocks->seen.note[tier] + (size_t)handle * blocks->note_bytes, 0,
                   blocks->note_bytes);
}

uint32_t blocks_add(struct blocks *blocks, uint64_t key, uint32_t hash)
{
    uint32_t handle = blocks->free_block;
    if (handle != 0) {
        blocks->free_block = blocks->block[handle].hash;
    } else {
        if (blocks->high_water >= blocks->capacity)
            grow_blocks(blocks);
        handle = blocks->high_water++;
    }
    blocks->block[handle] = (struct block){ .key = key, .hash = hash };
    if (blocks->note_bytes > 0)
        clear_notes(blocks, handle);
    if (blocks->seen.parent != NULL)
        blocks->seen.parent[handle] = 0;
    if (++blocks->live > blocks->mask / 2)
        grow_slots(blocks);
    put(blocks, hash, handle);
    return handle;
}

/* Fills the hole with the next handle whose search would have passed it, until an empty slot ends
 * the run. */
static void close_hole(struct blocks *blocks, uint32_t hole)
{
    struct block_slot *slot = blocks->slot;
    uint32_t mask = blocks->mask;
    for (uint32_t at = (hole + 1) & mask; slot[at].handle != 0; at = (at + 1) & mask) {
        if (((at - slot[at].hash) & mask) >= ((at - hole) & mask)) {
            slot[hole] = slot[at];
            hole = at;
        }
    }
    slot[hole].handle = 0;
}

void blocks_remove(struct blocks *blocks, uint32_t handle)
{
    struct block *block = &blocks->block[handle];
    assert(block->tiers == 0 && block->remembered == 0);
    uint32_t at = block->hash & blocks->mask;
    while (blocks->slot[at].handle != handle)
        at = (at + 1) & blocks->mask;
    close_hole(blocks, at);
    block->hash = blocks->free_block;
    blocks->free_block = handle;
    blocks->live--;
}

uint64_t blocks_bytes(const struct blocks *blocks)
{
    uint64_t each = sizeof *blocks->block, each_tier = sizeof(struct order_link);
    each += (blocks->seen.depth != NULL) * sizeof(uint32_t);
    each += (blocks->seen.parent != NULL) * sizeof(uint32_t);
    each_tier += blocks->note_bytes + (blocks->seen.parent != NULL) * sizeof(uint32_t);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        each += (blocks->tiers >> tier & 1) * each_tier;
    return each * blocks->capacity + ((uint64_t)blocks->mask + 1) * sizeof *blocks->slot;
}
