/* sim/placement/arc_lists.h - the four lists of ARC (FAST'03), as both policies of that name keep
 * them: units used once (T1) and more often (T2), and the ghosts of each (B1, B2). Private to
 * sim/placement/. */
#ifndef REPRISE_SIM_PLACEMENT_ARC_LISTS_H
#define REPRISE_SIM_PLACEMENT_ARC_LISTS_H

#include "sim/placement/policy.h"

enum where { NEW, T1, T2, B1, B2, WHERE_COUNT };

/* Invariant: a unit in tier t is in list[t][T1] or [T2], one that is remembered in [B1] or [B2];
 * its note, one byte, says which; front = least recent. target: T1's,
 * once it `began`. */
struct arc_lists {
    struct order list[TIER_COUNT][WHERE_COUNT];
    uint64_t count[TIER_COUNT][WHERE_COUNT];
    double target[TIER_COUNT];
    bool began[TIER_COUNT];
};

static inline uint8_t *arc_note(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    return (uint8_t *)env->units->note[tier] + unit;
}

static inline enum where arc_where(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    return (enum where) * arc_note(env, unit, tier);
}

/* To the recent end of the list `to`, from wherever it is; NEW: to none. */
static inline void arc_move(const struct policy_env *env, struct arc_lists *lists, uint32_t unit,
                            enum tier tier, enum where to)
{
    uint8_t *at = arc_note(env, unit, tier);
    if (*at != NEW) {
        order_remove(&lists->list[tier][*at], env->units->link[tier], unit);
        lists->count[tier][*at]--;
    }
    if (to != NEW) {
        order_push_back(&lists->list[tier][to], env->units->link[tier], unit);
        lists->count[tier][to]++;
    }
    *at = (uint8_t)to;
}

static inline void arc_forget_oldest(struct policy_env *env, struct arc_lists *lists,
                                     enum tier tier, enum where ghosts)
{
    uint32_t oldest = lists->list[tier][ghosts].front;
    arc_move(env, lists, oldest, tier, NEW);
    policy_forget(env, oldest, tier);
}

/* What the tier's capacity is to the policy: policy_capacity(). */
static inline uint64_t arc_capacity(const struct policy_env *env, const struct arc_lists *lists,
                                    enum tier tier)
{
    return policy_capacity(env, tier, lists->count[tier][T1] + lists->count[tier][T2]);
}

/* T1's target, which begins as that share of the tier: when it is asked for first, which is when
 * the tier is full, since units that differ in size only then tell what it holds. */
static inline double *arc_target(const struct policy_env *env, struct arc_lists *lists,
                                 enum tier tier, double first_share)
{
    if (!lists->began[tier])
        lists->target[tier] = first_share * (double)arc_capacity(env, lists, tier);
    lists->began[tier] = true;
    return &lists->target[tier];
}

#endif
