/* sim/placement/policy_head_lfu.c - LMCache's LFU: see head.h. Below HBM only. Its ties, "FIFO",
 * are by when a chunk came to its present count, which is when it was found last. */
#include "sim/placement/head.h"
#include "sim/placement/ranked.h"

struct head_lfu {
    struct ranked ranked; /* first: ranked.c reads env->state as one */
    struct order hbm;
    struct head_run run;
};

/* Between the places of two units that come in, room for a chain's worth of others. */
#define STEP (UINT64_C(1) << 24)

static void head_lfu_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct head_lfu *lfu = env->state;
    if (tier == TIER_HBM) {
        hbm_queue_enter(env, &lfu->hbm, unit);
        return;
    }
    uint32_t behind = head_run_behind(env, &lfu->run, unit, tier);
    uint64_t order = behind != UNIT_NONE ? ranked_note(env, behind, tier)->order - 1
                                         : (lfu->ranked.clock += STEP);
    *ranked_note(env, unit, tier) = (struct ranked_note){ .rank = 1.0, .order = order, .uses = 1 };
    ranked_enter(env, unit, tier);
}

static void head_lfu_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)why;
    struct head_lfu *lfu = env->state;
    if (tier == TIER_HBM) {
        hbm_queue_leave(env, &lfu->hbm, unit);
        return;
    }
    head_run_leave(&lfu->run, unit, tier);
    ranked_leave(env, unit, tier);
}

static void head_lfu_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct head_lfu *lfu = env->state;
    if (tier == TIER_HBM) {
        hbm_queue_use(env, &lfu->hbm, unit);
        return;
    }
    if (!head_counts(env))
        return;
    lfu->run.last[tier] = UNIT_NONE;
    struct ranked_note *note = ranked_note(env, unit, tier);
    note->rank = ++note->uses;
    note->order = lfu->ranked.clock += STEP;
    ranked_moved(env, unit, tier);
}

static uint32_t head_lfu_victim(struct policy_env *env, enum tier tier)
{
    struct head_lfu *lfu = env->state;
    return tier == TIER_HBM ? hbm_queue_victim(env, &lfu->hbm) : ranked_victim(env, tier);
}

const struct policy policy_head_lfu = {
    .name = "head-lfu",
    .summary = "LFU in which a new context's first block is its oldest (LMCache)",
    .state_bytes = sizeof(struct head_lfu),
    .note_bytes = sizeof(struct ranked_note),
    .saves = true,
    .depths = true,
    .prefix_below = true,
    .enter = head_lfu_enter,
    .leave = head_lfu_leave,
    .use = head_lfu_use,
    .wanted = ranked_wanted,
    .victim = head_lfu_victim,
    .done = ranked_done,
};
