/* sim/placement/ranked.c - see ranked.h. */
#include "sim/placement/ranked.h"

void ranked_moved(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct ranked *ranked = env->state;
    struct order_link *link = env->units->link[tier];
    unit_heap_take(&ranked->heap[tier], link, unit);
    if (policy_stays(env, unit, tier))
        return;
    const struct ranked_note *note = ranked_note(env, unit, tier);
    unit_heap_put(&ranked->heap[tier], link,
                  (struct heap_item){ heap_key_of(note->rank), note->order, unit });
}

void ranked_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    ranked_note(env, unit, tier)->in_tier = 1;
    env->units->link[tier][unit].next = UNIT_NOWHERE;
    ranked_moved(env, unit, tier);
}

void ranked_leave(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct ranked *ranked = env->state;
    unit_heap_take(&ranked->heap[tier], env->units->link[tier], unit);
    ranked_note(env, unit, tier)->in_tier = 0;
}

void ranked_wanted(struct policy_env *env, uint32_t unit)
{
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if (policy_is_apart(env, tier) || env->units->note[tier] == NULL ||
            !ranked_note(env, unit, (enum tier)tier)->in_tier)
            continue;
        bool is_in = env->units->link[tier][unit].next == UNIT_IN_HEAP;
        if (is_in == policy_stays(env, unit, (enum tier)tier))
            ranked_moved(env, unit, (enum tier)tier);
    }
}

uint32_t ranked_victim(struct policy_env *env, enum tier tier)
{
    const struct ranked *ranked = env->state;
    return unit_heap_first(&ranked->heap[tier]);
}

void ranked_done(struct policy_env *env)
{
    struct ranked *ranked = env->state;
    for (int tier = 0; tier < TIER_COUNT; tier++)
        heap_free(&ranked->heap[tier]);
}
