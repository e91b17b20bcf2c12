/* sim/placement/policy_lru.h - evicts the unit that no job has used for longest.
 * Here: recency's order and nothing else. A use is a job's start or end. Source: the LRU baseline
 * of CachedAttention (ATC'24); with block units and leaf-first touching it is the order of vLLM's
 * and SGLang's caches.
 *
 * Calls are inline, since a replay has them within its loop (sim/replay/loops.c). */
#ifndef REPRISE_SIM_PLACEMENT_POLICY_LRU_H
#define REPRISE_SIM_PLACEMENT_POLICY_LRU_H

#include "sim/placement/policy.h"

/* Invariant: a unit in tier t is in order[t] exactly once, pinned or not; front = least recent. */
struct lru {
    struct order order[TIER_COUNT];
};

static inline void lru_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct lru *lru = env->state;
    order_push_back(&lru->order[tier], env->units->link[tier], unit);
}

static inline void lru_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)why;
    struct lru *lru = env->state;
    order_remove(&lru->order[tier], env->units->link[tier], unit);
}

static inline void lru_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct lru *lru = env->state;
    order_move_to_back(&lru->order[tier], env->units->link[tier], unit);
}

static inline uint32_t lru_victim(struct policy_env *env, enum tier tier)
{
    struct lru *lru = env->state;
    return policy_first(env, &lru->order[tier], tier);
}

static inline void lru_prefetch(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    order_prefetch_neighbours(env->units->link[tier], unit);
}

#define POLICY_CALLS_lru                                                                           \
    {                                                                                              \
        .name = "lru",                                                                             \
        .summary = "give up the unit that no job has used for longest",                            \
        .state_bytes = sizeof(struct lru),                                                         \
        .saves = true,                                                                             \
        .enter = lru_enter,                                                                        \
        .leave = lru_leave,                                                                        \
        .use = lru_use,                                                                            \
        .victim = lru_victim,                                                                      \
        .prefetch = lru_prefetch,                                                                  \
    }

#endif
