/* sim/placement/policy_fifo.h - evicts the unit that came into the tier first.
 * Here: FIFO's order and nothing else. Source: the FIFO baseline of CachedAttention (ATC'24).
 *
 * Calls are inline, since a replay has them within its loop (sim/replay/loops.c). */
#ifndef REPRISE_SIM_PLACEMENT_POLICY_FIFO_H
#define REPRISE_SIM_PLACEMENT_POLICY_FIFO_H

#include "sim/placement/policy.h"

/* Invariant: a unit in tier t is in order[t] exactly once, pinned or not; front = oldest. */
struct fifo {
    struct order order[TIER_COUNT];
};

static inline void fifo_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct fifo *fifo = env->state;
    order_push_back(&fifo->order[tier], env->units->link[tier], unit);
}

static inline void fifo_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)why;
    struct fifo *fifo = env->state;
    order_remove(&fifo->order[tier], env->units->link[tier], unit);
}

static inline uint32_t fifo_victim(struct policy_env *env, enum tier tier)
{
    struct fifo *fifo = env->state;
    return policy_first(env, &fifo->order[tier], tier);
}

#define POLICY_CALLS_fifo                                                                          \
    {                                                                                              \
        .name = "fifo",                                                                            \
        .summary = "give up the unit that came into the tier first",                               \
        .state_bytes = sizeof(struct fifo),                                                        \
        .saves = true,                                                                             \
        .enter = fifo_enter,                                                                       \
        .leave = fifo_leave,                                                                       \
        .victim = fifo_victim,                                                                     \
    }

#endif
