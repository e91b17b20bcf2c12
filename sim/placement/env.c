/* sim/placement/env.c - what policies may ask of the books. */
#include "sim/placement/core.h"

uint32_t policy_next_use(const struct policy_env *env, uint32_t unit)
{
    if (env->units->unit == NULL)
        return SEQUENCE_NONE;
    uint32_t waiter = env->units->unit[unit].first_waiter;
    return waiter != 0 ? env->slots[waiter].sequence : SEQUENCE_NONE;
}

uint32_t policy_window_jobs(const struct policy_env *env, uint64_t tokens, double times)
{
    if (env->mean_job_tokens <= 0.0)
        return times > 0.0 ? UINT32_MAX : 0;
    double jobs = times * (double)tokens / env->mean_job_tokens;
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
