/* sim/placement/policy_lease_lru.c - evicts what has the oldest lease, and nothing whose lease
 * still runs. What is stored has a lease of stored_lease, by default of no length; what a request
 * finds, one of lease_ns from then on. So it is LRU in which a read counts as so much later than a
 * write.
 * Source: Mooncake Store, mooncake-store/src/master_service.cpp at 3b5a594 (BatchEvict: by
 * lease_timeout; PutEnd grants 0, Get and Exist default_kv_lease_ttl, 10 s in include/types.h). The
 * tiers below HBM only. That it evicts many at a time is tiers.dram.reserve's. */
#include "sim/placement/hbm_queue.h"

enum kind { STORED, FOUND, KINDS };

struct lease {
    uint64_t ends_ns;
    enum kind kind;
};

/* Invariant: a unit in a tier below HBM is in list[t][its kind]; each list is in the order of
 * ends_ns, since all of a kind have leases equally long; front = the first to end. */
struct lease_lru {
    struct order hbm;
    struct order list[TIER_COUNT][KINDS];
    uint64_t calls; /* time of a replay, where no lease has a length */
};

static struct lease *lease_of(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    return (struct lease *)env->units->note[tier] + unit;
}

static void grant(struct policy_env *env, uint32_t unit, enum tier tier, enum kind kind)
{
    struct lease_lru *lru = env->state;
    uint64_t now = env->now_ns != NULL ? *env->now_ns : ++lru->calls;
    uint64_t length = kind == FOUND ? env->keys.lease_ns : env->keys.lease_lru_stored_lease;
    if (env->now_ns == NULL)
        length = 0;
    *lease_of(env, unit, tier) = (struct lease){ .ends_ns = now + length, .kind = kind };
    order_push_back(&lru->list[tier][kind], env->units->link[tier], unit);
}

static void end_lease(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct lease_lru *lru = env->state;
    order_remove(&lru->list[tier][lease_of(env, unit, tier)->kind], env->units->link[tier], unit);
}

static void lease_lru_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct lease_lru *lru = env->state;
    if (tier == TIER_HBM)
        hbm_queue_enter(env, &lru->hbm, unit);
    else
        grant(env, unit, tier, STORED);
}

static void lease_lru_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)why;
    struct lease_lru *lru = env->state;
    if (tier == TIER_HBM)
        hbm_queue_leave(env, &lru->hbm, unit);
    else
        end_lease(env, unit, tier);
}

static void lease_lru_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct lease_lru *lru = env->state;
    if (tier == TIER_HBM) {
        hbm_queue_use(env, &lru->hbm, unit);
    } else if (!env->use.ends) {
        end_lease(env, unit, tier);
        grant(env, unit, tier, FOUND);
    }
}

static uint32_t lease_lru_victim(struct policy_env *env, enum tier tier)
{
    struct lease_lru *lru = env->state;
    if (tier == TIER_HBM)
        return hbm_queue_victim(env, &lru->hbm);
    uint32_t first = UNIT_NONE;
    for (int kind = STORED; kind < KINDS; kind++) {
        uint32_t unit = policy_first(env, &lru->list[tier][kind], tier);
        if (unit != UNIT_NONE && (first == UNIT_NONE || lease_of(env, unit, tier)->ends_ns <
                                                            lease_of(env, first, tier)->ends_ns))
            first = unit;
    }
    bool runs = first != UNIT_NONE && env->now_ns != NULL &&
                lease_of(env, first, tier)->ends_ns > *env->now_ns;
    return runs ? UNIT_NONE : first;
}

const struct policy policy_lease_lru = {
    .name = "lease-lru",
    .summary = "give up by the end of leases: a read counts later than a write (Mooncake Store)",
    .state_bytes = sizeof(struct lease_lru),
    .note_bytes = sizeof(struct lease),
    .saves = true,
    .enter = lease_lru_enter,
    .leave = lease_lru_leave,
    .use = lease_lru_use,
    .victim = lease_lru_victim,
};
