/* sim/placement/head.h - what LMCache's orders share. A request's new chunks come in from its head
 * to its tail, so that the head, without which the rest is of no use, is the oldest; chunks that a
 * request finds are touched from tail to head. (The core tells of what came in deepest first.)
 * Source: LMCache lmcache/v1/storage_backend/local_cpu_backend.py at 000620e
 * (batched_submit_put_task, touch_cache) and cache_policy/{lru,fifo,mru}.py at 1a585d0, 365dbb8,
 * 127637a, lfu.py at 216b8e4. */
#ifndef REPRISE_SIM_PLACEMENT_HEAD_H
#define REPRISE_SIM_PLACEMENT_HEAD_H

#include "sim/placement/hbm_queue.h"

/* The unit that came into each tier last, with which arrival; UNIT_NONE: it has gone, or something
 * was used there since. */
struct head_run {
    uint32_t last[TIER_COUNT];
    uint64_t arrival[TIER_COUNT];
};

/* The unit in front of which `unit` belongs, which comes in now: that of the same arrival which is
 * deeper in its chain. UNIT_NONE: it is the newest. */
static inline uint32_t head_run_behind(const struct policy_env *env, struct head_run *run,
                                       uint32_t unit, enum tier tier)
{
    uint32_t last = run->last[tier];
    const uint32_t *depth = env->units->depth;
    bool together = last != UNIT_NONE && run->arrival[tier] == env->arrivals;
    run->last[tier] = unit;
    run->arrival[tier] = env->arrivals;
    return together && depth[unit] < depth[last] ? last : UNIT_NONE;
}

static inline void head_run_leave(struct head_run *run, uint32_t unit, enum tier tier)
{
    if (run->last[tier] == unit)
        run->last[tier] = UNIT_NONE;
}

/* Only what a request finds is touched, and that at its start. */
static inline bool head_counts(const struct policy_env *env)
{
    return env->use.found && !env->use.ends;
}

#endif
