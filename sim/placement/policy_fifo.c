/* sim/placement/policy_fifo.c - gives up the unit that came into the tier first.
 * Here: FIFO's order and nothing else. Source: the FIFO baseline of CachedAttention (ATC'24). */
#include "sim/placement/policy.h"

/* Invariant: a unit in tier t is in order[t] exactly once, pinned or not; front = oldest. */
struct fifo {
    struct order order[TIER_COUNT];
};

static void fifo_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct fifo *fifo = env->state;
    order_push_back(&fifo->order[tier], env->units->link[tier], unit);
}

static void fifo_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)why;
    struct fifo *fifo = env->state;
    order_remove(&fifo->order[tier], env->units->link[tier], unit);
}

static uint32_t fifo_victim(struct policy_env *env, enum tier tier)
{
    const struct fifo *fifo = env->state;
    uint32_t unit = fifo->order[tier].front;
    /* Pinned units keep their place: taken out and put back, one would come out of a long job looking
     * new. Pins are few (one batch and the copies in flight), so the walk is short. */
    while (unit != UNIT_NONE && policy_stays(env, unit, tier))
        unit = env->units->link[tier][unit].next;
    return unit;
}

const struct policy policy_fifo = {
    .name = "fifo",
    .summary = "give up the unit that came into the tier first",
    .state_bytes = sizeof(struct fifo),
    .saves = true,
    .enter = fifo_enter,
    .leave = fifo_leave,
    .victim = fifo_victim,
};
