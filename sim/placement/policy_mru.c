/* sim/placement/policy_mru.c - evicts the unit that a job used last. Here: the order of recency,
 * seen from its other end. Source: LMCache's policy of that name; good for cyclic scans longer than
 * the cache and for little else. */
#include "sim/placement/policy.h"

/* Invariant: a unit in tier t is in order[t] exactly once; back = most recent. */
struct mru {
    struct order order[TIER_COUNT];
};

static void mru_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct mru *mru = env->state;
    order_push_back(&mru->order[tier], env->units->link[tier], unit);
}

static void mru_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)why;
    struct mru *mru = env->state;
    order_remove(&mru->order[tier], env->units->link[tier], unit);
}

static void mru_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct mru *mru = env->state;
    order_move_to_back(&mru->order[tier], env->units->link[tier], unit);
}

static uint32_t mru_victim(struct policy_env *env, enum tier tier)
{
    const struct mru *mru = env->state;
    return policy_last(env, &mru->order[tier], tier);
}

const struct policy policy_mru = {
    .name = "mru",
    .summary = "give up the unit that a job used last",
    .state_bytes = sizeof(struct mru),
    .saves = true,
    .enter = mru_enter,
    .leave = mru_leave,
    .use = mru_use,
    .victim = mru_victim,
};
