/* sim/placement/policy_sieve.h - a queue in order of arrival and a hand that goes from the oldest
 * to the newest: it takes the mark off units used since it last came by, and evicts the first
 * without. Survivors keep their place, so that the hand sifts new units quickly. Source: Zhang et
 * al., "SIEVE is simpler than LRU" (NSDI'24), algorithm 1.
 *
 * Calls are inline, since a replay has them within its loop (sim/replay/loops.c). */
#ifndef REPRISE_SIM_PLACEMENT_POLICY_SIEVE_H
#define REPRISE_SIM_PLACEMENT_POLICY_SIEVE_H

#include "sim/placement/policy.h"

/* Invariant: a unit in tier t is in order[t] exactly once; front = oldest. hand[t] is the unit the
 * hand stands at, or UNIT_NONE: it begins anew at the front. Note: 1 if used since the hand came
 * by. */
struct sieve {
    struct order order[TIER_COUNT];
    uint32_t hand[TIER_COUNT];
    uint64_t count[TIER_COUNT];
};

static inline uint8_t *sieve_mark(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    return (uint8_t *)env->units->note[tier] + unit;
}

static inline void sieve_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct sieve *sieve = env->state;
    order_push_back(&sieve->order[tier], env->units->link[tier], unit);
    *sieve_mark(env, unit, tier) = 0;
    sieve->count[tier]++;
}

static inline void sieve_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)why;
    struct sieve *sieve = env->state;
    if (sieve->hand[tier] == unit)
        sieve->hand[tier] = env->units->link[tier][unit].next;
    order_remove(&sieve->order[tier], env->units->link[tier], unit);
    sieve->count[tier]--;
}

static inline void sieve_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    if (env->use.ends)
        return;
    *sieve_mark(env, unit, tier) = 1;
}

static inline uint32_t sieve_victim(struct policy_env *env, enum tier tier)
{
    struct sieve *sieve = env->state;
    /* Twice around: the first may only take marks off. */
    for (uint64_t step = 0; step <= 2 * sieve->count[tier]; step++) {
        uint32_t unit =
            sieve->hand[tier] != UNIT_NONE ? sieve->hand[tier] : sieve->order[tier].front;
        if (unit == UNIT_NONE)
            return UNIT_NONE;
        bool stays = policy_stays(env, unit, tier);
        sieve->hand[tier] = unit;
        if (!stays && *sieve_mark(env, unit, tier) == 0)
            return unit;
        if (!stays)
            *sieve_mark(env, unit, tier) = 0;
        sieve->hand[tier] = env->units->link[tier][unit].next;
    }
    return UNIT_NONE;
}

#define POLICY_CALLS_sieve                                                                         \
    {                                                                                              \
        .name = "sieve",                                                                           \
        .summary = "give up what was not used since a hand last came by, which goes from old to new",\
        .state_bytes = sizeof(struct sieve),                                                       \
        .note_bytes = sizeof(uint8_t),                                                             \
        .saves = true,                                                                             \
        .enter = sieve_enter,                                                                      \
        .leave = sieve_leave,                                                                      \
        .use = sieve_use,                                                                          \
        .victim = sieve_victim,                                                                    \
    }

#endif
