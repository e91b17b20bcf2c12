/* sim/replay/moves.h - one block comes into a tier, and who goes for it. Inline, so that a loop which names
 * its policy (loops.c) has the policy's calls within it; `alone`, of a loop: there is one tier and no order
 * among blocks. Private to sim/replay/. */
#ifndef REPRISE_SIM_REPLAY_MOVES_H
#define REPRISE_SIM_REPLAY_MOVES_H

#include "sim/replay/state.h"

#define MOVES_INLINE static inline __attribute__((always_inline))

/* replay.c: of what is not alone. */
void replay_settle(struct replay *replay, uint32_t handle);
void replay_count_child(struct replay *replay, uint32_t handle, int tier, bool comes);
void replay_move_down(struct replay *replay, uint32_t victim, enum tier tier);

/* A block that no tier holds, no policy remembers and no block that is there follows, is forgotten. */
MOVES_INLINE void settle(struct replay *replay, bool alone, uint32_t handle)
{
    if (!alone)
        replay_settle(replay, handle);
    else if (replay->blocks.block[handle].kept == 0)
        blocks_remove(&replay->blocks, handle);
}

MOVES_INLINE void leave(struct replay *replay, const struct policy *policy, bool alone,
                        uint32_t handle, enum tier tier, enum leave why)
{
    policy->leave(&replay->env, handle, tier, why);
    replay->blocks.block[handle].kept &= ~BLOCK_IN(tier);
    replay->used[tier]--;
    if (!alone)
        replay_count_child(replay, handle, (int)tier, false);
}

/* The tier gives up `victim` now. */
static inline void scout_victims(struct replay *replay, enum tier tier, uint32_t victim)
{
    struct scout *scout = replay->victims[tier];
    int which = scout_meets(&scout[0], victim)   ? 0
                : scout_meets(&scout[1], victim) ? 1
                : scout[1].idle >= scout[0].idle ? 1
                                                 : 0;
    if (scout[which].idle > 0)
        scout_start(&scout[which], victim);
    scout_run(&scout[which], &replay->blocks, tier);
}

/* The tier's victim goes, down to the next tier if it is not there. false: none may go. */
MOVES_INLINE bool evict(struct replay *replay, const struct policy *policy, bool alone,
                        enum tier tier)
{
    uint32_t victim = policy->victim(&replay->env, tier);
    if (victim == UNIT_NONE)
        return false;
    replay->result.evicted[tier]++;
    scout_victims(replay, tier, victim);
    /* It is held by its tier until the next has it, so that its entry stays. */
    if (!alone)
        replay_move_down(replay, victim, tier);
    leave(replay, policy, alone, victim, tier, LEAVE_EVICTED);
    if (replay->told != NULL && (replay->blocks.block[victim].kept & BLOCK_IN_ANY) == 0)
        told_lost(replay->told, replay->blocks.block[victim].key, tier);
    settle(replay, alone, victim);
    return true;
}

/* false: there is no room, since all that is there must stay. */
MOVES_INLINE bool make_room(struct replay *replay, const struct policy *policy, bool alone,
                            enum tier tier)
{
    while (replay->used[tier] >= replay->config.blocks[tier])
        if (!evict(replay, policy, alone, tier))
            return false;
    return true;
}

MOVES_INLINE bool enter(struct replay *replay, const struct policy *policy, bool alone,
                        uint32_t handle, enum tier tier)
{
    /* Counted before room is made: the block that it follows must not go for it. */
    if (!alone)
        replay_count_child(replay, handle, (int)tier, true);
    if (policy->coming != NULL)
        policy->coming(&replay->env, handle, tier);
    /* Held: for room the policy may forget the very block that comes. */
    uint32_t held = replay->blocks.block[handle].kept & BLOCK_HELD;
    replay->blocks.block[handle].kept |= BLOCK_HELD;
    bool room = make_room(replay, policy, alone, tier);
    if (held == 0)
        replay->blocks.block[handle].kept &= ~BLOCK_HELD;
    if (!room) {
        if (!alone)
            replay_count_child(replay, handle, (int)tier, false);
        return false;
    }
    replay->used[tier]++;
    replay->env.arrivals++;
    replay->result.written[tier]++;
    replay->blocks.block[handle].kept |= BLOCK_IN(tier);
    policy->enter(&replay->env, handle, tier);
    return true;
}

/* A block that comes back to where the policy remembers it. */
MOVES_INLINE void use_ghost(struct replay *replay, const struct policy *policy, uint32_t handle,
                            enum tier tier)
{
    if (policy->uses_ghosts &&
        (replay->blocks.block[handle].kept & BLOCK_REMEMBERED(tier)) != 0) {
        assert(policy->use != NULL);
        policy->use(&replay->env, handle, tier);
    }
}

#endif
