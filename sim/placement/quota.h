/* sim/placement/quota.h - tenants' quotas: how much of DRAM and SSD each may hold. Private to
 * sim/placement/.
 *
 * A tenant with a quota in a tier has an order of its own there, a state of the policy; all others
 * share order 0. What would take a tenant over its quota makes room among its own. A tier that is
 * full though nobody is over its quota gives up of the order that has most of its share, that of
 * order 0 being what the quotas leave. HBM has no quotas and one order.
 * Source: LMCache's IsolatedLRU (lmcache/v1/distributed/eviction_policy/isolated_lru.py at
 * 0a353d6): an LRU for each cache_salt, whose own keys go when it is over its quota. What differs
 * is in docs/policies.md, "Tenants". */
#ifndef REPRISE_SIM_PLACEMENT_QUOTA_H
#define REPRISE_SIM_PLACEMENT_QUOTA_H

#include "sim/placement/placement.h"

enum { QUOTA_ORDERS = PLACEMENT_TENANTS_MOST + 1 };

/* used: copies and what is booked for copies; leaving: of them, evicted and still there. Invariant:
 * used <= share for every order but 0. */
struct quotas {
    void *state[QUOTA_ORDERS];
    uint8_t order[TIER_COUNT][PLACEMENT_TENANTS_MOST]; /* of each tenant */
    uint64_t share_tokens[TIER_COUNT][QUOTA_ORDERS];
    uint64_t used_tokens[TIER_COUNT][QUOTA_ORDERS], leaving_tokens[TIER_COUNT][QUOTA_ORDERS];
};

/* core->quotas, with all tenants in order 0. */
void quota_new(struct placement *core);
/* All states but that of order 0, which is core->env's again. */
void quota_free(struct placement *core);
/* Gives the tenant its quotas, before anything is its. */
void quota_set(struct placement *core, uint32_t tenant, const struct placement_terms *terms);

/* What the policy sees when it is asked about an order: core->env. */
struct policy_env *quota_env(struct placement *core, uint32_t order, enum tier tier);
/* policy.wanted() for each of the unit's orders. */
void quota_wanted(struct placement *core, uint32_t unit);
/* Whether that much more fits into the order's quota, now or (leaving) when what leaves has left.
 */
bool quota_has(const struct placement *core, enum tier tier, uint32_t order, uint64_t tokens,
               bool leaving);
/* Who makes room for `tokens` of that order. */
uint32_t quota_victim(struct placement *core, enum tier tier, uint32_t order, uint64_t tokens);

#endif
