/* sim/placement/ranked.h - units of a tier by rank, lowest first: a heap of handles, for policies
 * that evict by a number. Units that stay are left out of it, and put back when they may go. */
#ifndef REPRISE_SIM_PLACEMENT_RANKED_H
#define REPRISE_SIM_PLACEMENT_RANKED_H

#include "sim/placement/policy.h"
#include "sim/placement/unit_heap.h"

/* What such a policy keeps of each unit. Lower rank goes first; of equal ranks, lower order. */
struct ranked_note {
    double rank;
    uint64_t order;
    uint32_t uses;
    uint32_t in_tier; /* 1 from enter to leave */
};

struct ranked {
    struct heap heap[TIER_COUNT];
    uint64_t clock;
    double floor; /* GDSF: the rank of what was evicted last */
};

static inline struct ranked_note *ranked_note(const struct policy_env *env, uint32_t unit,
                                              enum tier tier)
{
    return (struct ranked_note *)env->units->note[tier] + unit;
}

/* The unit is in the tier from now on, with the rank and order in its note. */
void ranked_enter(struct policy_env *env, uint32_t unit, enum tier tier);
/* Its rank or order has changed, or whether it may go. */
void ranked_moved(struct policy_env *env, uint32_t unit, enum tier tier);
void ranked_leave(struct policy_env *env, uint32_t unit, enum tier tier);
/* policy.wanted, policy.victim, policy.done. */
void ranked_wanted(struct policy_env *env, uint32_t unit);
uint32_t ranked_victim(struct policy_env *env, enum tier tier);
void ranked_done(struct policy_env *env);

#endif
