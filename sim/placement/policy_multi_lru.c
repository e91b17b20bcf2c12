/* sim/placement/policy_multi_lru.c - four LRU queues, by how often a block was seen when it last
 * came to rest: the lowest that is not empty gives up its oldest. A tier sees what it stores and
 * what it serves itself, all tiers below HBM count in one sketch, and HBM is left to the queue of
 * free blocks. Source: NVIDIA Dynamo
 * lib/kvbm-logical/src/pools/inactive/backends/multi_lru_backend.rs and src/tinylfu.rs (capacity
 * Medium, 2^21) at 9c7dd4d: counts up to 15 that begin at 1, levels from 3, 8 and 15 on. */
#include "sim/placement/hbm_queue.h"
#include "sim/placement/sketch.h"

enum { LEVELS = 4, SKETCH_CAPACITY = 1 << 21, SKETCH_COUNTERS = SKETCH_CAPACITY / 4 * 16 };

/* Invariant: a unit in a tier below HBM is in queue[t][its note]; front = the oldest. */
struct multi_lru {
    struct order hbm;
    struct order queue[TIER_COUNT][LEVELS];
    struct sketch seen;
};

static uint8_t *level_of(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    return (uint8_t *)env->units->note[tier] + unit;
}

/* It comes to rest: at the new end of the queue for its count. */
static void rest(struct policy_env *env, uint32_t unit, enum tier tier)
{
    const uint32_t least[LEVELS] = { 0, env->keys.multi_lru_second_uses,
                                     env->keys.multi_lru_third_uses,
                                     env->keys.multi_lru_fourth_uses };
    struct multi_lru *multi = env->state;
    if (multi->seen.columns == 0)
        multi->seen = sketch_new(SKETCH_COUNTERS, true, 15, UINT64_C(10) * SKETCH_CAPACITY);
    uint8_t count = sketch_add(&multi->seen, env->key_of(env, unit)), level = LEVELS - 1;
    while (count < least[level])
        level--;
    *level_of(env, unit, tier) = level;
    order_push_back(&multi->queue[tier][level], env->units->link[tier], unit);
}

static void take(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct multi_lru *multi = env->state;
    order_remove(&multi->queue[tier][*level_of(env, unit, tier)], env->units->link[tier], unit);
}

static void multi_lru_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct multi_lru *multi = env->state;
    if (tier == TIER_HBM)
        hbm_queue_enter(env, &multi->hbm, unit);
    else
        rest(env, unit, tier);
}

static void multi_lru_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)why;
    struct multi_lru *multi = env->state;
    if (tier == TIER_HBM)
        hbm_queue_leave(env, &multi->hbm, unit);
    else
        take(env, unit, tier);
}

static void multi_lru_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct multi_lru *multi = env->state;
    if (tier == TIER_HBM) {
        hbm_queue_use(env, &multi->hbm, unit);
    } else if (env->use.served && !env->use.ends) {
        take(env, unit, tier);
        rest(env, unit, tier);
    }
}

static uint32_t multi_lru_victim(struct policy_env *env, enum tier tier)
{
    struct multi_lru *multi = env->state;
    if (tier == TIER_HBM)
        return hbm_queue_victim(env, &multi->hbm);
    uint32_t unit = UNIT_NONE;
    for (int level = 0; unit == UNIT_NONE && level < LEVELS; level++)
        unit = policy_first(env, &multi->queue[tier][level], tier);
    return unit;
}

static void multi_lru_done(struct policy_env *env)
{
    struct multi_lru *multi = env->state;
    sketch_free(&multi->seen);
}

const struct policy policy_multi_lru = {
    .name = "multi-lru",
    .summary = "LRU behind how often a block was seen, in four steps (NVIDIA KVBM v2)",
    .state_bytes = sizeof(struct multi_lru),
    .note_bytes = sizeof(uint8_t),
    .saves = true,
    .enter = multi_lru_enter,
    .leave = multi_lru_leave,
    .use = multi_lru_use,
    .victim = multi_lru_victim,
    .done = multi_lru_done,
};
