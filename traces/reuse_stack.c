/* traces/reuse_stack.c - see reuse_stack.h. */
#include "traces/reuse_stack.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 64, GROUP_WORDS = 8, GROUP_BITS = WORD_BITS * GROUP_WORDS };
enum { GROUPS_LEAST = 16, SLOTS_A_BLOCK = 8 };

static struct keymap_keys stack_keys(const struct reuse_stack *stack)
{
    return (struct keymap_keys){ .records = stack->block, .stride = sizeof *stack->block };
}

static void new_slots(struct reuse_stack *stack, uint32_t groups)
{
    free(stack->bits);
    free(stack->tree);
    stack->groups = groups;
    stack->bits = memory_new((size_t)groups * GROUP_WORDS, sizeof *stack->bits);
    stack->tree = memory_new((size_t)groups + 1, sizeof *stack->tree);
}

void reuse_stack_init(struct reuse_stack *stack, uint32_t depth_most)
{
    assert(depth_most >= 1 && depth_most <= REUSE_DEPTH_MOST);
    *stack = (struct reuse_stack){ .high_water = 1, .depth_most = depth_most };
    memory_grow(&stack->block, &stack->capacity, 1, sizeof *stack->block);
    keymap_init(&stack->map, 1024);
    new_slots(stack, GROUPS_LEAST);
}

void reuse_stack_free(struct reuse_stack *stack)
{
    free(stack->block);
    keymap_free(&stack->map);
    free(stack->bits);
    free(stack->tree);
}

/* ---- counting bits ---- */

static uint32_t count_bits(uint64_t word)
{
    return (uint32_t)__builtin_popcountll(word);
}

/* Bits set in slots before this one. */
static uint32_t rank_of(const struct reuse_stack *stack, uint32_t slot)
{
    uint32_t group = slot / GROUP_BITS, rank = 0;
    const uint64_t *word = stack->bits + (size_t)group * GROUP_WORDS;
    for (uint32_t at = group; at > 0; at &= at - 1)
        rank += stack->tree[at];
    uint32_t whole = slot % GROUP_BITS / WORD_BITS, rest = slot % WORD_BITS;
    for (uint32_t i = 0; i < whole; i++)
        rank += count_bits(word[i]);
    return rank + count_bits(word[whole] & ((UINT64_C(1) << rest) - 1));
}

/* change: 1 or -1, modulo 2^32. */
static void add_to_group(struct reuse_stack *stack, uint32_t slot, uint32_t change)
{
    for (uint32_t at = slot / GROUP_BITS + 1; at <= stack->groups; at += at & (0 - at))
        stack->tree[at] += change;
}

static void set_bit(struct reuse_stack *stack, uint32_t slot)
{
    stack->bits[slot / WORD_BITS] |= UINT64_C(1) << slot % WORD_BITS;
    add_to_group(stack, slot, 1);
}

static void clear_bit(struct reuse_stack *stack, uint32_t slot)
{
    stack->bits[slot / WORD_BITS] &= ~(UINT64_C(1) << slot % WORD_BITS);
    add_to_group(stack, slot, UINT32_MAX);
}

/* ---- room ---- */

static void free_block(struct reuse_stack *stack, uint32_t handle)
{
    struct reuse_block *block = &stack->block[handle];
    keymap_remove(&stack->map, stack_keys(stack), block->key);
    *block = (struct reuse_block){ .key = stack->free, .slot = REUSE_NO_SLOT };
    stack->free = handle;
}

/* The first `live` slots are taken, none behind them. */
static void fill_slots(struct reuse_stack *stack, uint32_t live)
{
    memset(stack->bits, 0, (size_t)stack->groups * GROUP_WORDS * sizeof *stack->bits);
    memset(stack->tree, 0, ((size_t)stack->groups + 1) * sizeof *stack->tree);
    memset(stack->bits, 0xFF, live / WORD_BITS * sizeof *stack->bits);
    stack->bits[live / WORD_BITS] |= (UINT64_C(1) << live % WORD_BITS) - 1;
    for (uint32_t group = 1; group <= stack->groups; group++) {
        uint32_t first = (group - 1) * GROUP_BITS, above = group + (group & (0 - group));
        uint32_t taken = live > first ? live - first : 0;
        stack->tree[group] += taken < GROUP_BITS ? taken : GROUP_BITS;
        if (above <= stack->groups)
            stack->tree[above] += stack->tree[group];
    }
    stack->live = stack->next_slot = live;
}

/* Moves all blocks to the first slots, in their order, and forgets those that are too deep. */
static void move_together(struct reuse_stack *stack, uint32_t touches)
{
    uint32_t forgotten = stack->live > stack->depth_most ? stack->live - stack->depth_most : 0;
    uint32_t live = stack->live - forgotten, groups = stack->groups;
    for (uint32_t handle = 1; handle < stack->high_water; handle++) {
        struct reuse_block *block = &stack->block[handle];
        if (block->slot == REUSE_NO_SLOT)
            continue;
        uint32_t rank = rank_of(stack, block->slot);
        if (rank < forgotten)
            free_block(stack, handle);
        else
            block->slot = rank - forgotten;
    }
    while ((uint64_t)groups * GROUP_BITS < SLOTS_A_BLOCK * ((uint64_t)live + touches))
        groups *= 2;
    if (groups > stack->groups)
        new_slots(stack, groups);
    fill_slots(stack, live);
}

void reuse_stack_reserve(struct reuse_stack *stack, uint32_t touches)
{
    bool full = (uint64_t)stack->next_slot + touches > (uint64_t)stack->groups * GROUP_BITS;
    bool deep = (uint64_t)stack->live > 2 * (uint64_t)stack->depth_most;
    if (full || deep)
        move_together(stack, touches);
}

/* ---- blocks ---- */

uint32_t reuse_stack_find(const struct reuse_stack *stack, uint64_t key, uint32_t *depth)
{
    uint32_t handle = keymap_find(&stack->map, stack_keys(stack), key);
    if (handle == 0)
        return 0;
    *depth = stack->live - rank_of(stack, stack->block[handle].slot);
    return *depth <= stack->depth_most ? handle : 0;
}

static uint32_t add_block(struct reuse_stack *stack, uint64_t key)
{
    uint32_t handle = stack->free;
    if (handle != 0) {
        stack->free = (uint32_t)stack->block[handle].key;
    } else {
        handle = stack->high_water++;
        memory_grow(&stack->block, &stack->capacity, (uint64_t)handle + 1, sizeof *stack->block);
    }
    stack->block[handle] = (struct reuse_block){ .key = key };
    keymap_add(&stack->map, stack_keys(stack), handle);
    stack->live++;
    return handle;
}

uint32_t reuse_stack_touch(struct reuse_stack *stack, uint64_t key)
{
    assert(stack->next_slot < (uint64_t)stack->groups * GROUP_BITS);
    uint32_t handle = keymap_find(&stack->map, stack_keys(stack), key);
    if (handle != 0)
        clear_bit(stack, stack->block[handle].slot);
    else
        handle = add_block(stack, key);
    stack->block[handle].slot = stack->next_slot;
    set_bit(stack, stack->next_slot++);
    return handle;
}

void reuse_stack_remove(struct reuse_stack *stack, uint32_t handle)
{
    clear_bit(stack, stack->block[handle].slot);
    free_block(stack, handle);
    stack->live--;
}

uint64_t reuse_stack_bytes(const struct reuse_stack *stack)
{
    return stack->capacity * sizeof *stack->block +
           ((uint64_t)stack->map.mask + 1) * sizeof *stack->map.slot +
           (uint64_t)stack->groups * (GROUP_WORDS * sizeof *stack->bits + sizeof *stack->tree);
}
