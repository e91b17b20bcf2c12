/* traces/reuse_stack.c - see reuse_stack.h. */
#include "traces/reuse_stack.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 64, GROUP_WORDS = 8, GROUP_BITS = WORD_BITS * GROUP_WORDS };
enum { GROUPS_LEAST = 16, SLOTS_A_BLOCK = 8 };
enum { TOGETHER = 64 }; /* blocks that are looked for at once */

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

/* Of pairs, fours, bytes, all. What the compiler has for it calls a function where the processor
 * may have no instruction. */
static inline uint32_t count_bits(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* Of the slot's group, those set before it. */
static uint32_t rank_in_group(const struct reuse_stack *stack, uint32_t slot)
{
    uint32_t whole = slot % GROUP_BITS / WORD_BITS, rest = slot % WORD_BITS, rank = 0;
    const uint64_t *word = stack->bits + (size_t)(slot / GROUP_BITS) * GROUP_WORDS;
    for (uint32_t i = 0; i < whole; i++)
        rank += count_bits(word[i]);
    return rank + count_bits(word[whole] & ((UINT64_C(1) << rest) - 1));
}

/* Bits set in slots before this one. */
static uint32_t rank_of(const struct reuse_stack *stack, uint32_t slot)
{
    uint32_t rank = rank_in_group(stack, slot);
    for (uint32_t at = slot / GROUP_BITS; at > 0; at &= at - 1)
        rank += stack->tree[at];
    return rank;
}

/* A change of one group's count that the tree has not heard of: a request's blocks mostly lie
 * beside each other, and the tree is told of many at once. Zeroed: none. */
struct held {
    uint32_t group, change; /* modulo 2^32 */
};

static void tell_tree(struct reuse_stack *stack, struct held *held)
{
    if (held->change != 0)
        for (uint32_t at = held->group + 1; at <= stack->groups; at += at & (0 - at))
            stack->tree[at] += held->change;
    held->change = 0;
}

static void hold(struct reuse_stack *stack, struct held *held, uint32_t slot, uint32_t change)
{
    if (slot / GROUP_BITS != held->group)
        tell_tree(stack, held);
    held->group = slot / GROUP_BITS;
    held->change += change;
}

static void set_bit(struct reuse_stack *stack, struct held *held, uint32_t slot)
{
    stack->bits[slot / WORD_BITS] |= UINT64_C(1) << slot % WORD_BITS;
    hold(stack, held, slot, 1);
}

static void clear_bit(struct reuse_stack *stack, struct held *held, uint32_t slot)
{
    stack->bits[slot / WORD_BITS] &= ~(UINT64_C(1) << slot % WORD_BITS);
    hold(stack, held, slot, UINT32_MAX);
}

/* ---- room ---- */

static struct keymap_keys keys_of(const struct reuse_stack *stack)
{
    return (struct keymap_keys){ stack->block, sizeof *stack->block };
}

/* The map is the caller's to change. */
static void free_block(struct reuse_stack *stack, uint32_t handle)
{
    stack->block[handle] = (struct reuse_block){ .key = stack->free, .slot = REUSE_NO_SLOT };
    stack->free = handle;
}

/* Slots are written at random: each is fetched some blocks ahead. */
static void map_blocks(struct reuse_stack *stack)
{
    enum { AHEAD = 16 };
    keymap_clear(&stack->map);
    for (uint32_t handle = 1; handle < stack->high_water; handle++) {
        if (handle + AHEAD < stack->high_water)
            keymap_prefetch(&stack->map, stack->block[handle + AHEAD].key);
        if (stack->block[handle].slot != REUSE_NO_SLOT)
            keymap_add(&stack->map, keys_of(stack), handle);
    }
}

/* Makes of the tree a table of the bits before each group, until fill_slots(). */
static void count_before_groups(struct reuse_stack *stack)
{
    uint32_t before = 0;
    for (uint32_t group = 0; group < stack->groups; group++) {
        stack->tree[group] = before;
        for (int i = 0; i < GROUP_WORDS; i++)
            before += count_bits(stack->bits[(size_t)group * GROUP_WORDS + (size_t)i]);
    }
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
    count_before_groups(stack);
    for (uint32_t handle = 1; handle < stack->high_water; handle++) {
        struct reuse_block *block = &stack->block[handle];
        if (block->slot == REUSE_NO_SLOT)
            continue;
        uint32_t rank = stack->tree[block->slot / GROUP_BITS] + rank_in_group(stack, block->slot);
        if (rank < forgotten)
            free_block(stack, handle);
        else
            block->slot = rank - forgotten;
    }
    if (forgotten > 0)
        map_blocks(stack);
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

/* ---- finding ---- */

uint32_t reuse_stack_find(const struct reuse_stack *stack, uint64_t key, uint32_t *depth)
{
    struct reuse_place place;
    reuse_stack_find_all(stack, &key, 1, &place);
    if (place.handle == 0)
        return 0;
    *depth = place.depth;
    return *depth <= stack->depth_most ? place.handle : 0;
}

/* Fills in the handles: a pass for each thing that memory must be asked for, so that many are under
 * way. */
static void find_handles(const struct reuse_stack *stack, const uint64_t *keys, uint32_t count,
                         struct reuse_place *place)
{
    uint32_t hash[TOGETHER];
    uint32_t at[TOGETHER];
    for (uint32_t i = 0; i < count; i++) {
        hash[i] = keymap_hash(keys[i]);
        keymap_prefetch_home(&stack->map, hash[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        at[i] = keymap_likely(&stack->map, hash[i]);
        __builtin_prefetch(&stack->block[keymap_handle(&stack->map, at[i])]);
    }
    for (uint32_t i = 0; i < count; i++) {
        at[i] = keymap_slot_from(&stack->map, keys_of(stack), keys[i], hash[i], at[i]);
        place[i].handle = keymap_handle(&stack->map, at[i]);
        __builtin_prefetch(&stack->bits[stack->block[place[i].handle].slot / WORD_BITS]);
    }
}

/* Fills in the depths. A block that was touched right behind or before the one before it is one
 * nearer or deeper. */
static void find_depths(const struct reuse_stack *stack, uint32_t count, struct reuse_place *place)
{
    uint32_t last_slot = REUSE_NO_SLOT, rank = 0;
    for (uint32_t i = 0; i < count; i++) {
        place[i].depth = 0;
        if (place[i].handle == 0)
            continue;
        uint32_t slot = stack->block[place[i].handle].slot;
        bool has_last = last_slot != REUSE_NO_SLOT;
        rank = has_last && slot == last_slot + 1   ? rank + 1
               : has_last && slot + 1 == last_slot ? rank - 1
                                                   : rank_of(stack, slot);
        last_slot = slot;
        place[i].depth = stack->live - rank;
    }
}

void reuse_stack_find_all(const struct reuse_stack *stack, const uint64_t *keys, uint32_t count,
                          struct reuse_place *place)
{
    for (uint32_t done = 0; done < count; done += TOGETHER) {
        uint32_t some = count - done < TOGETHER ? count - done : TOGETHER;
        find_handles(stack, keys + done, some, place + done);
        find_depths(stack, some, place + done);
    }
}

/* ---- touching ---- */

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
    keymap_add(&stack->map, keys_of(stack), handle);
    stack->live++;
    return handle;
}

/* What the tree must still be told: of the slots that are left, and of those that are taken. */
struct moves {
    struct held left, taken;
};

/* handle 0: not known, or not there. */
static uint32_t touch(struct reuse_stack *stack, uint64_t key, uint32_t handle, struct moves *moves)
{
    assert(stack->next_slot < (uint64_t)stack->groups * GROUP_BITS);
    if (handle == 0)
        handle = keymap_find(&stack->map, keys_of(stack), key);
    if (handle != 0)
        clear_bit(stack, &moves->left, stack->block[handle].slot);
    else
        handle = add_block(stack, key);
    stack->block[handle].slot = stack->next_slot;
    set_bit(stack, &moves->taken, stack->next_slot++);
    return handle;
}

static void end_moves(struct reuse_stack *stack, struct moves *moves)
{
    tell_tree(stack, &moves->left);
    tell_tree(stack, &moves->taken);
}

uint32_t reuse_stack_touch(struct reuse_stack *stack, uint64_t key)
{
    struct moves moves = { 0 };
    uint32_t handle = touch(stack, key, 0, &moves);
    end_moves(stack, &moves);
    return handle;
}

void reuse_stack_touch_all(struct reuse_stack *stack, const uint64_t *keys, uint32_t count,
                           const struct reuse_place *place, bool last_first)
{
    struct moves moves = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = last_first ? count - 1 - i : i;
        touch(stack, keys[at], place[at].handle, &moves);
    }
    end_moves(stack, &moves);
}

void reuse_stack_remove(struct reuse_stack *stack, uint32_t handle)
{
    struct held held = { 0 };
    clear_bit(stack, &held, stack->block[handle].slot);
    tell_tree(stack, &held);
    keymap_remove(&stack->map, keys_of(stack), stack->block[handle].key);
    free_block(stack, handle);
    stack->live--;
}

uint64_t reuse_stack_bytes(const struct reuse_stack *stack)
{
    return stack->capacity * sizeof *stack->block + keymap_bytes(&stack->map) +
           (uint64_t)stack->groups * (GROUP_WORDS * sizeof *stack->bits + sizeof *stack->tree);
}
