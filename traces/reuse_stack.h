/* traces/reuse_stack.h - LRU's stack: how many different blocks were touched since a block was
 * touched last, itself included. A block is in an LRU cache of C blocks exactly if that depth is at
 * most C (Mattson et al., IBM Systems Journal 9(2), 1970), so one pass serves every C. Private to
 * traces/.
 *
 * Time is a row of slots, a touch takes the next one, and a bit tells the slots that are the last
 * touch of some block: a block's depth is the count of bits from its slot on. Bits lie in groups of
 * a cache line, a Fenwick tree sums the groups. When the slots are used up all blocks are moved
 * together at their beginning: 8 slots a block keep that to a seventh of a block's work a touch. */
#ifndef REPRISE_TRACES_REUSE_STACK_H
#define REPRISE_TRACES_REUSE_STACK_H

#include "base/keymap.h"

#include <stdbool.h>
#include <stdint.h>

struct reuse_block {
    uint64_t key;  /* first: the keymap reads it here; of a free one: the next free one */
    uint32_t slot; /* of its last touch; REUSE_NO_SLOT: the handle is free */
    uint32_t note; /* the caller's; 0 in a new block */
};
#define REUSE_NO_SLOT UINT32_MAX

/* More blocks than this in one stack are not counted. */
#define REUSE_DEPTH_MOST (UINT32_C(1) << 28)

/* Invariant: bit s is set exactly if some block's slot is s; s < next_slot. tree[] is the Fenwick
 * tree of the groups' counts of bits, from 1. */
struct reuse_stack {
    struct reuse_block *block; /* [0] is no block */
    uint32_t capacity, high_water, free, live;
    uint32_t depth_most;
    struct keymap map;
    uint64_t *bits;
    uint32_t *tree;
    uint32_t groups, next_slot;
};

/* Blocks deeper than depth_most (1 to REUSE_DEPTH_MOST) may be forgotten, so that the stack never
 * holds more than twice as many and a request's; 24 to 33 bytes each. */
void reuse_stack_init(struct reuse_stack *stack, uint32_t depth_most);
void reuse_stack_free(struct reuse_stack *stack);

/* Makes room for `touches` touches: the only call that moves or forgets blocks. */
void reuse_stack_reserve(struct reuse_stack *stack, uint32_t touches);

/* The handle of a block that is in the stack, no deeper than depth_most; 0: it is not. Sets its
 * depth, from 1. */
uint32_t reuse_stack_find(const struct reuse_stack *stack, uint64_t key, uint32_t *depth);

/* Touches the block, which is put into the stack if it is not there. Takes one of the reserved
 * touches. Returns its handle. */
uint32_t reuse_stack_touch(struct reuse_stack *stack, uint64_t key);

/* The same of all blocks of a request, before any of it is touched: faster than one by one. */
struct reuse_place {
    uint32_t handle; /* 0: it is not in the stack */
    uint32_t depth;  /* from 1, also beyond depth_most; 0: it is not in the stack */
};
void reuse_stack_find_all(const struct reuse_stack *stack, const uint64_t *keys, uint32_t count,
                          struct reuse_place *place);
static inline bool reuse_stack_reaches(const struct reuse_stack *stack, struct reuse_place place)
{
    return place.handle != 0 && place.depth <= stack->depth_most;
}
/* Touches them, in their order or the last one first; nothing was touched since they were found. A key may
 * stand among them twice. */
void reuse_stack_touch_all(struct reuse_stack *stack, const uint64_t *keys, uint32_t count,
                           const struct reuse_place *place, bool last_first);

void reuse_stack_remove(struct reuse_stack *stack, uint32_t handle);

/* All memory of it. */
uint64_t reuse_stack_bytes(const struct reuse_stack *stack);

#endif
