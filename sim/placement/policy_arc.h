/* sim/placement/policy_arc.h - two LRU lists, of units used once (T1) and more often (T2), whose
 * shares follow from which list's ghosts (B1, B2) are asked for again. Source: Megiddo and Modha,
 * "ARC: a self-tuning, low overhead replacement cache" (FAST'03), figure 4; names as there.
 *
 * Calls are inline, since a replay has them within its loop (sim/replay/loops.c). */
#ifndef REPRISE_SIM_PLACEMENT_POLICY_ARC_H
#define REPRISE_SIM_PLACEMENT_POLICY_ARC_H

#include "sim/placement/arc_lists.h"

/* Invariant: |T1| + |B1| <= c, and all four lists together <= 2c. */
struct arc {
    struct arc_lists lists;   /* target: p */
    bool from_b2[TIER_COUNT]; /* what is coming is a ghost of T2 */
    bool drop_t1[TIER_COUNT]; /* T1 is the whole tier: its next leaves no ghost */
};

static inline double *arc_target_of(struct policy_env *env, enum tier tier)
{
    struct arc *arc = env->state;
    return arc_target(env, &arc->lists, tier, env->keys.arc_first_target);
}

static inline void arc_adapt(struct policy_env *env, enum tier tier, enum where ghost, double capacity)
{
    const struct arc *arc = env->state;
    double b1 = (double)arc->lists.count[tier][B1], b2 = (double)arc->lists.count[tier][B2];
    double *target = arc_target_of(env, tier), step = env->keys.arc_step;
    if (ghost == B1)
        *target += step * (b1 >= b2 ? 1.0 : b2 / b1);
    else
        *target -= step * (b2 >= b1 ? 1.0 : b1 / b2);
    *target = *target < 0.0 ? 0.0 : *target > capacity ? capacity : *target;
}

/* Case IV: makes room among the ghosts for one more unit. */
static inline void arc_trim_ghosts(struct policy_env *env, enum tier tier, uint64_t capacity)
{
    struct arc *arc = env->state;
    const uint64_t *count = arc->lists.count[tier];
    if (count[T1] + count[B1] >= capacity) {
        arc->drop_t1[tier] = count[T1] >= capacity;
        while (count[B1] > 0 && count[T1] + count[B1] >= capacity)
            arc_forget_oldest(env, &arc->lists, tier, B1);
        return;
    }
    while (count[B2] > 0 && count[T1] + count[T2] + count[B1] + count[B2] >= 2 * capacity)
        arc_forget_oldest(env, &arc->lists, tier, B2);
}

static inline void arc_coming(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct arc *arc = env->state;
    enum where at = arc_where(env, unit, tier);
    uint64_t capacity = arc_capacity(env, &arc->lists, tier);
    arc->from_b2[tier] = at == B2;
    arc->drop_t1[tier] = false;
    if (at == B1 || at == B2)
        arc_adapt(env, tier, at, (double)capacity);
    else if (at == NEW)
        arc_trim_ghosts(env, tier, capacity);
}

static inline void arc_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct arc *arc = env->state;
    bool known = arc_where(env, unit, tier) != NEW;
    arc_move(env, &arc->lists, unit, tier, known ? T2 : T1);
    if (known)
        policy_forget(env, unit, tier);
}

static inline void arc_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    struct arc *arc = env->state;
    enum where at = arc_where(env, unit, tier);
    bool remember = why == LEAVE_EVICTED && !(at == T1 && arc->drop_t1[tier]);
    arc->drop_t1[tier] = false;
    arc_move(env, &arc->lists, unit, tier, !remember ? NEW : at == T1 ? B1 : B2);
    if (remember)
        policy_remember(env, unit, tier);
}

static inline void arc_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct arc *arc = env->state;
    if (env->use.ends)
        return;
    arc_move(env, &arc->lists, unit, tier, T2);
}

/* REPLACE, or T1's oldest where T1 is all there is. */
static inline uint32_t arc_victim(struct policy_env *env, enum tier tier)
{
    struct arc *arc = env->state;
    double t1 = (double)arc->lists.count[tier][T1], target = *arc_target_of(env, tier);
    bool of_t1 = arc->drop_t1[tier] ||
                 (t1 >= 1.0 && (t1 > target || (arc->from_b2[tier] && !(t1 < target))));
    uint32_t unit = policy_first(env, &arc->lists.list[tier][of_t1 ? T1 : T2], tier);
    return unit != UNIT_NONE ? unit
                             : policy_first(env, &arc->lists.list[tier][of_t1 ? T2 : T1], tier);
}

static inline void arc_prefetch(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    order_prefetch_neighbours(env->units->link[tier], unit);
}

#define POLICY_CALLS_arc                                                                           \
    {                                                                                              \
        .name = "arc",                                                                             \
        .summary = "give up by recency or by frequency, as what was given up and asked again teaches",\
        .state_bytes = sizeof(struct arc),                                                         \
        .note_bytes = sizeof(uint8_t),                                                             \
        .saves = true,                                                                             \
        .enter = arc_enter,                                                                        \
        .leave = arc_leave,                                                                        \
        .use = arc_use,                                                                            \
        .coming = arc_coming,                                                                      \
        .victim = arc_victim,                                                                      \
        .prefetch = arc_prefetch,                                                                  \
    }

#endif
