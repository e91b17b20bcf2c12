/* sim/replay/loops.c - see loops.h. */
#include "sim/replay/loops.h"

#include "sim/placement/policy_arc.h"
#include "sim/placement/policy_fifo.h"
#include "sim/placement/policy_lru.h"
#include "sim/placement/policy_s3_fifo.h"
#include "sim/placement/policy_sieve.h"
#include "sim/replay/moves.h"

/* How many references ahead of the present ones what their groups say is asked for, and then their
 * neighbours in the policy's order; so many are worked off before more is asked for. A miss of
 * memory is some 100 ns, a reference some 40. */
enum { BLOCK_AHEAD = 32, ORDER_AHEAD = 16, SLICE = 16 };

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

MOVES_INLINE void guess_until(struct replay *replay, enum tier tier, uint32_t end)
{
    const struct blocks *blocks = &replay->blocks;
    const struct order_link *link = blocks->seen.link[tier];
    const char *note = blocks->seen.note[tier];
    for (uint32_t at = replay->pending.guessed; at < end; at++) {
        uint32_t handle = blocks_guess(blocks, replay->pending.hash[at]);
        replay->pending.guess[at] = handle;
        if (handle == 0)
            blocks_prefetch_behind(blocks, replay->pending.hash[at]);
        __builtin_prefetch(&blocks->block[handle], 1);
        __builtin_prefetch(&link[handle], 1);
        if (note != NULL)
            __builtin_prefetch(note + (size_t)handle * blocks->note_bytes, 1);
    }
    replay->pending.guessed = end;
}

MOVES_INLINE void ask_order_until(struct replay *replay, const struct policy *policy,
                                  enum tier tier, uint32_t end)
{
    if (policy->prefetch == NULL)
        return;
    for (uint32_t at = replay->pending.ordered; at < end; at++)
        if (replay->pending.guess[at] != 0)
            policy->prefetch(&replay->env, replay->pending.guess[at], tier);
    replay->pending.ordered = end;
}

/* The guess is of some references ago; what went since is kept for nothing. */
MOVES_INLINE uint32_t intern(struct replay *replay, uint32_t at, uint32_t depth)
{
    struct blocks *blocks = &replay->blocks;
    uint64_t key = replay->pending.key[at];
    uint32_t handle = replay->pending.guess[at];
    const struct block *block = &blocks->block[handle];
    if (block->key != key || block->kept == 0) {
        handle = blocks_find(blocks, key, replay->pending.hash[at]);
        if (handle == 0)
            handle = blocks_add(blocks, key, replay->pending.hash[at]);
    }
    if (blocks->seen.depth != NULL)
        blocks->seen.depth[handle] = depth;
    return handle;
}

/* Whether it was there. */
MOVES_INLINE bool touch(struct replay *replay, const struct policy *policy, enum tier tier,
                        uint32_t handle)
{
    bool there = in_tier(replay, handle, (int)tier);
    if (there) {
        if (policy->use != NULL)
            policy->use(&replay->env, handle, tier);
        return true;
    }
    use_ghost(replay, policy, handle, tier);
    if (!enter(replay, policy, true, handle, tier))
        settle(replay, true, handle);
    return false;
}

/* Until the first miss nothing enters, so nothing leaves: the leading run can be counted while
 * touching. */
MOVES_INLINE void work(struct replay *replay, const struct policy *policy, struct request request)
{
    struct pending *pending = &replay->pending;
    enum tier tier = replay->fastest;
    uint32_t hits = 0, i = 0;
    while (i < request.blocks) {
        uint32_t until = least(request.blocks, i + SLICE), at = pending->begin + until;
        guess_until(replay, tier, least(pending->end, at + BLOCK_AHEAD));
        ask_order_until(replay, policy, tier, least(pending->end, at + ORDER_AHEAD));
        for (; i < until; i++) {
            uint32_t handle = intern(replay, pending->begin + i, i);
            replay->env.use.last = i + 1 == request.blocks;
            hits += touch(replay, policy, tier, handle) && hits == i;
        }
    }
    replay->result.hits[tier] += hits;
    count_run(replay, hits, request.tokens);
}

static void work_any(struct replay *replay, struct request request)
{
    work(replay, replay->policy, request);
}

/* <- a policy with a loop of its own: its name, as in POLICIES and in its header's
 * POLICY_CALLS_name. Each is some KB of code. */
#define LOOPS(X) X(lru) X(fifo) X(sieve) X(s3_fifo) X(arc)

#define LOOP_DEFINE(name)                                                                          \
    static void work_##name(struct replay *replay, struct request request)                         \
    {                                                                                              \
        static const struct policy within = POLICY_CALLS_##name;                                   \
        work(replay, &within, request);                                                            \
    }
LOOPS(LOOP_DEFINE)

void (*loop_of(const struct policy *policy))(struct replay *replay, struct request request)
{
#define LOOP_OF(name)                                                                              \
    if (policy == &policy_##name)                                                                  \
        return work_##name;
    LOOPS(LOOP_OF)
    return work_any;
}
