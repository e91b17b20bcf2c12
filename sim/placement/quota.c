/* sim/placement/quota.c - see quota.h. */
#include "base/memory.h"
#include "sim/placement/core.h"

#include <assert.h>
#include <stdlib.h>

void quota_new(struct placement *core)
{
    core->quotas = memory_new(1, sizeof *core->quotas);
    core->quotas->state[0] = core->env.state;
    for (int tier = 0; tier < TIER_COUNT; tier++)
        core->quotas->share_tokens[tier][0] = core->env.capacity_tokens[tier];
}

void quota_free(struct placement *core)
{
    if (core->quotas == NULL)
        return;
    for (int order = 1; order < QUOTA_ORDERS; order++) {
        core->env.state = core->quotas->state[order];
        if (core->env.state != NULL && core->policy->done != NULL)
            core->policy->done(&core->env);
        free(core->env.state);
    }
    core->env.state = core->quotas->state[0];
}

void quota_set(struct placement *core, uint32_t tenant, const struct placement_terms *terms)
{
    struct quotas *quotas = core->quotas;
    uint32_t order = tenant + 1;
    if (quotas == NULL || quotas->state[order] != NULL)
        return;
    quotas->state[order] = memory_new(1, core->policy->state_bytes);
    for (int tier = TIER_DRAM; tier < TIER_COUNT; tier++) {
        uint64_t tokens = (uint64_t)((double)core->env.capacity_tokens[tier] * terms->quota[tier]);
        uint64_t *left = &quotas->share_tokens[tier][0];
        if (terms->quota[tier] >= 1.0)
            continue;
        quotas->order[tier][tenant] = (uint8_t)order;
        quotas->share_tokens[tier][order] = tokens;
        *left = *left > tokens ? *left - tokens : 0;
    }
}

struct policy_env *quota_env(struct placement *core, uint32_t order, enum tier tier)
{
    const struct quotas *quotas = core->quotas;
    core->env.state = quotas->state[order];
    if (core->config.unit_tokens != UINT32_MAX)
        core->env.capacity_units[tier] =
            quotas->share_tokens[tier][order] / core->config.unit_tokens;
    return &core->env;
}

void quota_wanted(struct placement *core, uint32_t unit)
{
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        struct policy_env *env = env_of(core, unit, (enum tier)tier);
        env->apart = ~(1U << (unsigned)tier);
        core->policy->wanted(env, unit);
        env->apart = 0;
    }
}

bool quota_has(const struct placement *core, enum tier tier, uint32_t order, uint64_t tokens,
               bool leaving)
{
    const struct quotas *quotas = core->quotas;
    uint64_t share = quotas->share_tokens[tier][order];
    uint64_t used = quotas->used_tokens[tier][order];
    if (leaving)
        used -= quotas->leaving_tokens[tier][order];
    return order == 0 || (used <= share && share - used >= tokens);
}

/* How many times its share the order would have, with `more` tokens; 0: it has nothing. */
static double fullness(const struct quotas *quotas, enum tier tier, uint32_t order, uint64_t more)
{
    uint64_t held = quotas->used_tokens[tier][order] - quotas->leaving_tokens[tier][order];
    if (held == 0)
        return 0.0;
    return (double)(held + more) / ((double)quotas->share_tokens[tier][order] + 1.0);
}

/* Of the order that would be the fullest once the asking one has its tokens, or of the next one if
 * all of it must stay. */
static uint32_t fullest_victim(struct placement *core, enum tier tier, uint32_t asking,
                               uint64_t tokens)
{
    bool asked[QUOTA_ORDERS] = { false };
    while (true) {
        uint32_t fullest = QUOTA_ORDERS;
        double most = 0.0;
        for (uint32_t order = 0; order < QUOTA_ORDERS; order++) {
            double full = fullness(core->quotas, tier, order, order == asking ? tokens : 0);
            if (asked[order] || full <= most)
                continue;
            fullest = order;
            most = full;
        }
        if (fullest == QUOTA_ORDERS)
            return UNIT_NONE;
        asked[fullest] = true;
        uint32_t unit = core->policy->victim(quota_env(core, fullest, tier), tier);
        if (unit != UNIT_NONE)
            return unit;
    }
}

uint32_t quota_victim(struct placement *core, enum tier tier, uint32_t order, uint64_t tokens)
{
    if (core->quotas == NULL)
        return core->policy->victim(&core->env, tier);
    if (!quota_has(core, tier, order, tokens, true))
        return core->policy->victim(quota_env(core, order, tier), tier);
    return fullest_victim(core, tier, order, tokens);
}
