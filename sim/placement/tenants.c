/* sim/placement/tenants.c - whose units are. A unit is the tenant's whose job was first to compute
 * it, or to read it from the pool, and stays so while anything is known of it; a session is one
 * tenant's. */
#include "sim/placement/core.h"

#include <assert.h>

void placement_set_tenant(struct placement *core, uint32_t tenant,
                          const struct placement_terms *terms)
{
    assert(tenant < PLACEMENT_TENANTS_MOST);
    core->tenant = (uint8_t)tenant;
    if (terms != NULL)
        quota_set(core, tenant, terms);
    if (terms != NULL && terms->priority != PLACEMENT_NO_PRIORITY) {
        core->priority[tenant] = (uint8_t)terms->priority;
        core->env.tenant_priority = core->priority;
    }
    if (tenant >= core->tenants)
        core->tenants = tenant + 1;
}

void tenants_own(struct placement *core, uint32_t unit, uint8_t tenant)
{
    struct unit *entry = &core->units.unit[unit];
    bool is_new = entry->tokens[TIER_HBM] == 0 && books_stored_tokens(entry) == 0 &&
                  entry->transfer == 0 && entry->remembered == 0 && entry->pins <= 1;
    if (is_new)
        entry->tenant = tenant & 0xfU;
}

void tenants_own_chain(struct placement *core, const struct job *job, uint32_t from)
{
    for (uint32_t i = from; core->tenants > 1 && i < job->chain_count; i++)
        tenants_own(core, chain_unit(core, job, i), job->tenant);
}
