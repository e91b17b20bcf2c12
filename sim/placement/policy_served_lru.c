/* sim/placement/policy_served_lru.c - LRU in which a tier below HBM sees only what it serves: a
 * request asks it for blocks behind those that the faster tiers found, and what they found leaves
 * no trace there. A block's place follows from when it was stored or loaded last.
 * Source: NVIDIA Dynamo KVBM, lib/llm/src/block_manager/pool/managed/inactive.rs at 582fd44 (order
 * by priority, always 0, then by the tick of its return), block.rs at 075d2ac (BasicMetadata). */
#include "sim/placement/policy.h"

/* Invariant: a unit in tier t is in order[t] exactly once; front = least recent. */
struct served {
    struct order order[TIER_COUNT];
};

static void served_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct served *served = env->state;
    order_push_back(&served->order[tier], env->units->link[tier], unit);
}

static void served_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)why;
    struct served *served = env->state;
    order_remove(&served->order[tier], env->units->link[tier], unit);
}

static void served_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct served *served = env->state;
    if (tier == TIER_HBM || (env->use.served && !env->use.ends))
        order_move_to_back(&served->order[tier], env->units->link[tier], unit);
}

static uint32_t served_victim(struct policy_env *env, enum tier tier)
{
    struct served *served = env->state;
    return policy_first(env, &served->order[tier], tier);
}

const struct policy policy_served_lru = {
    .name = "served-lru",
    .summary = "LRU by what each tier itself served (NVIDIA KVBM)",
    .state_bytes = sizeof(struct served),
    .saves = true,
    .enter = served_enter,
    .leave = served_leave,
    .use = served_use,
    .victim = served_victim,
};
