/* sim/placement/policy_head.c - LMCache's LRU, FIFO and MRU: see head.h. Below HBM only. */
#include "sim/placement/head.h"

/* Invariant: a unit in a tier below HBM is in order[t] exactly once; front = the oldest. */
struct head {
    struct order hbm;
    struct order order[TIER_COUNT];
    struct head_run run;
};

static void head_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct head *head = env->state;
    if (tier == TIER_HBM) {
        hbm_queue_enter(env, &head->hbm, unit);
        return;
    }
    uint32_t behind = head_run_behind(env, &head->run, unit, tier);
    if (behind != UNIT_NONE)
        order_insert_before(&head->order[tier], env->units->link[tier], unit, behind);
    else
        order_push_back(&head->order[tier], env->units->link[tier], unit);
}

static void head_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)why;
    struct head *head = env->state;
    if (tier == TIER_HBM) {
        hbm_queue_leave(env, &head->hbm, unit);
        return;
    }
    head_run_leave(&head->run, unit, tier);
    order_remove(&head->order[tier], env->units->link[tier], unit);
}

static void head_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct head *head = env->state;
    if (tier == TIER_HBM) {
        hbm_queue_use(env, &head->hbm, unit);
        return;
    }
    if (!head_counts(env))
        return;
    head->run.last[tier] = UNIT_NONE;
    order_move_to_back(&head->order[tier], env->units->link[tier], unit);
}

static void head_use_hbm(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct head *head = env->state;
    if (tier == TIER_HBM)
        hbm_queue_use(env, &head->hbm, unit);
}

static uint32_t head_oldest(struct policy_env *env, enum tier tier)
{
    struct head *head = env->state;
    return tier == TIER_HBM ? hbm_queue_victim(env, &head->hbm)
                            : policy_first(env, &head->order[tier], tier);
}

static uint32_t head_newest(struct policy_env *env, enum tier tier)
{
    struct head *head = env->state;
    return tier == TIER_HBM ? hbm_queue_victim(env, &head->hbm)
                            : policy_last(env, &head->order[tier], tier);
}

const struct policy policy_head_lru = {
    .name = "head-lru",
    .summary = "LRU in which a new context's first block is its oldest (LMCache)",
    .state_bytes = sizeof(struct head),
    .saves = true,
    .depths = true,
    .prefix_below = true,
    .enter = head_enter,
    .leave = head_leave,
    .use = head_use,
    .victim = head_oldest,
};

const struct policy policy_head_fifo = {
    .name = "head-fifo",
    .summary = "FIFO in which a new context's first block is its oldest (LMCache)",
    .state_bytes = sizeof(struct head),
    .saves = true,
    .depths = true,
    .prefix_below = true,
    .enter = head_enter,
    .leave = head_leave,
    .use = head_use_hbm,
    .victim = head_oldest,
};

const struct policy policy_head_mru = {
    .name = "head-mru",
    .summary = "give up what was stored or found last, of a context the last block first (LMCache)",
    .state_bytes = sizeof(struct head),
    .saves = true,
    .depths = true,
    .prefix_below = true,
    .enter = head_enter,
    .leave = head_leave,
    .use = head_use,
    .victim = head_newest,
};
