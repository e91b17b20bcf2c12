/* sim/placement/policy_none.c - stores nothing: every turn recomputes its whole history (the
 * paper's RE baseline). */
#include "sim/placement/policy.h"

static void none_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    (void)env, (void)unit, (void)tier;
}

static void none_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)env, (void)unit, (void)tier, (void)why;
}

static uint32_t none_victim(struct policy_env *env, enum tier tier)
{
    (void)env, (void)tier;
    return UNIT_NONE;
}

const struct policy policy_none = {
    .name = "none",
    .summary = "store nothing and recompute every history",
    .saves = false,
    .enter = none_enter,
    .leave = none_leave,
    .victim = none_victim,
};
