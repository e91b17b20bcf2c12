/* sim/placement/policies.c - the table of policies and what they may ask of the books. */
#include "sim/placement/core.h"

#include <string.h>

#define POLICY_ADDRESS(name) &policy_##name,
static const struct policy *const all_policies[] = { POLICIES(POLICY_ADDRESS) NULL };

const struct policy *policy_find(const char *name)
{
    for (int i = 0; all_policies[i] != NULL; i++)
        if (strcmp(all_policies[i]->name, name) == 0)
            return all_policies[i];
    return NULL;
}

const struct policy *policy_at(int i)
{
    return i >= 0 && (size_t)i < sizeof all_policies / sizeof *all_policies ? all_policies[i] : NULL;
}

uint32_t policy_next_use(const struct policy_env *env, uint32_t unit)
{
    if (env->units->unit == NULL)
        return SEQUENCE_NONE;
    uint32_t waiter = env->units->unit[unit].first_waiter;
    return waiter != 0 ? env->slots[waiter].sequence : SEQUENCE_NONE;
}

uint32_t policy_window_jobs(const struct policy_env *env, uint64_t tokens)
{
    if (env->mean_job_tokens <= 0.0)
        return UINT32_MAX;
    double jobs = (double)tokens / env->mean_job_tokens;
    return jobs < (double)UINT32_MAX ? (uint32_t)jobs : UINT32_MAX;
}

double policy_recompute_ns(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    if (env->recompute_base_ns <= 0.0 && env->recompute_slope_ns <= 0.0)
        return 1.0;
    double middle = env->units->unit != NULL && env->unit_tokens == UINT32_MAX
                        ? env->units->unit[unit].tokens[tier] / 2.0
                        : (env->units->depth[unit] + 0.5) * env->unit_tokens;
    return env->recompute_base_ns + env->recompute_slope_ns * middle;
}
