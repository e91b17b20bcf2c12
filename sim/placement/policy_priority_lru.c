/* sim/placement/policy_priority_lru.c - evicts the lowest priority first, and of one priority
 * what no job has used for longest. Blocks that begin in the first retain_tokens of a context have
 * retain_priority, all others their tenant's, or standard_priority where it has none.
 * Source: TensorRT-LLM cpp/tensorrt_llm/batch_manager/evictionPolicy.cpp at 05a9191
 * (LRUEvictionPolicy: one queue for each priority from 0 to 100) and, for which blocks a token
 * range covers, KvCacheRetentionConfig as cpp/tests/unit_tests/batch_manager/evictionPolicyTest.cpp
 * at 2a9abd9 has it. Priorities that expire are not here. */
#include "sim/placement/policy.h"

enum { PRIORITIES = 101 };

/* Invariant: a unit in tier t is in queue[t][its note] exactly once; front = least recent. */
struct priority_lru {
    struct order queue[TIER_COUNT][PRIORITIES];
};

static uint8_t *priority_of(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    return (uint8_t *)env->units->note[tier] + unit;
}

static struct order *queue_of(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct priority_lru *lru = env->state;
    return &lru->queue[tier][*priority_of(env, unit, tier)];
}

static uint8_t standard_priority(const struct policy_env *env, uint32_t unit)
{
    return env->tenant_priority != NULL ? env->tenant_priority[env->units->unit[unit].tenant]
                                        : (uint8_t)env->keys.priority_lru_standard_priority;
}

static void priority_lru_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    uint64_t begins = (uint64_t)env->units->depth[unit] * env->unit_tokens;
    const struct policy_keys *keys = &env->keys;
    *priority_of(env, unit, tier) =
        (uint8_t)(begins < keys->retain_tokens ? keys->retain_priority
                                               : standard_priority(env, unit));
    order_push_back(queue_of(env, unit, tier), env->units->link[tier], unit);
}

static void priority_lru_leave(struct policy_env *env, uint32_t unit, enum tier tier,
                               enum leave why)
{
    (void)why;
    order_remove(queue_of(env, unit, tier), env->units->link[tier], unit);
}

static void priority_lru_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    order_move_to_back(queue_of(env, unit, tier), env->units->link[tier], unit);
}

static uint32_t priority_lru_victim(struct policy_env *env, enum tier tier)
{
    struct priority_lru *lru = env->state;
    uint32_t unit = UNIT_NONE;
    for (int priority = 0; unit == UNIT_NONE && priority < PRIORITIES; priority++)
        unit = policy_first(env, &lru->queue[tier][priority], tier);
    return unit;
}

const struct policy policy_priority_lru = {
    .name = "priority-lru",
    .summary = "give up the lowest priority first, of it the least recently used (TensorRT-LLM)",
    .state_bytes = sizeof(struct priority_lru),
    .note_bytes = sizeof(uint8_t),
    .saves = true,
    .depths = true,
    .enter = priority_lru_enter,
    .leave = priority_lru_leave,
    .use = priority_lru_use,
    .victim = priority_lru_victim,
};
