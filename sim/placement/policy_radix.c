/* sim/placement/policy_radix.c - SGLang's orders among the nodes of its tree: by the last use,
 * behind the number of insertions (lfu), whether there were two (slru: the protected ones last) or
 * a tenant's priority. A node has one time and one count in all tiers: one that HBM gives up comes
 * into DRAM as old as it is. Source: SGLang python/sglang/srt/mem_cache/evict_policy.py
 * (LRUStrategy, LFUStrategy, PriorityStrategy, SLRUStrategy, whose protected_threshold is
 * protected_uses) as of 2026-08-20. Without a tree (placement.save) units are ordered alike, and a
 * use is an insertion. */
#include "sim/placement/ranked.h"

/* Of a node that was inserted so often. */
typedef double rank_of(const struct policy_env *env, uint32_t unit, uint32_t count);

static uint32_t insertions(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    return env->units->unit != NULL ? env->units->unit[unit].uses
                                    : ranked_note(env, unit, tier)->uses;
}

static double rank_lru(const struct policy_env *env, uint32_t unit, uint32_t count)
{
    (void)env, (void)unit, (void)count;
    return 0.0;
}

static double rank_lfu(const struct policy_env *env, uint32_t unit, uint32_t count)
{
    (void)env, (void)unit;
    return (double)count;
}

static double rank_slru(const struct policy_env *env, uint32_t unit, uint32_t count)
{
    (void)unit;
    return count >= env->keys.radix_slru_protected_uses ? 1.0 : 0.0;
}

/* That of the tenant whose turn computed it; there, the highest of the requests that inserted it.
 */
static double rank_priority(const struct policy_env *env, uint32_t unit, uint32_t count)
{
    (void)count;
    return env->units->unit != NULL && env->tenant_priority != NULL
               ? env->tenant_priority[env->units->unit[unit].tenant]
               : 0.0;
}

/* When it was used last, where another tier has it. */
static uint64_t last_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct ranked *ranked = env->state;
    for (int other = 0; other < TIER_COUNT && env->units->unit != NULL; other++)
        if (other != (int)tier && env->units->unit[unit].tokens[other] > 0)
            return ranked_note(env, unit, (enum tier)other)->order;
    return ++ranked->clock;
}

static void enter(struct policy_env *env, uint32_t unit, enum tier tier, rank_of *rank)
{
    struct ranked_note *note = ranked_note(env, unit, tier);
    note->uses = 1;
    note->order = last_use(env, unit, tier);
    note->rank = rank(env, unit, insertions(env, unit, tier));
    ranked_enter(env, unit, tier);
}

static void use(struct policy_env *env, uint32_t unit, enum tier tier, rank_of *rank)
{
    struct ranked *ranked = env->state;
    struct ranked_note *note = ranked_note(env, unit, tier);
    note->uses += !env->use.ends;
    note->order = ++ranked->clock;
    note->rank = rank(env, unit, insertions(env, unit, tier));
    ranked_moved(env, unit, tier);
}

static void radix_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)why;
    ranked_leave(env, unit, tier);
}

#define RADIX_ORDER(name_, text_, summary_)                                                        \
    static void radix_##name_##_enter(struct policy_env *env, uint32_t unit, enum tier tier)       \
    {                                                                                              \
        enter(env, unit, tier, rank_##name_);                                                      \
    }                                                                                              \
    static void radix_##name_##_use(struct policy_env *env, uint32_t unit, enum tier tier)         \
    {                                                                                              \
        use(env, unit, tier, rank_##name_);                                                        \
    }                                                                                              \
    const struct policy policy_radix_##name_ = {                                                   \
        .name = text_,                                                                             \
        .summary = summary_,                                                                       \
        .state_bytes = sizeof(struct ranked),                                                      \
        .note_bytes = sizeof(struct ranked_note),                                                  \
        .saves = true,                                                                             \
        .enter = radix_##name_##_enter,                                                            \
        .leave = radix_leave,                                                                      \
        .use = radix_##name_##_use,                                                                \
        .wanted = ranked_wanted,                                                                   \
        .victim = ranked_victim,                                                                   \
        .done = ranked_done,                                                                       \
    };

RADIX_ORDER(lru, "radix-lru", "LRU among the nodes of a radix tree (SGLang)")
RADIX_ORDER(lfu, "radix-lfu", "give up the node that was inserted least often (SGLang)")
RADIX_ORDER(slru, "radix-slru", "give up nodes that were inserted once before others (SGLang)")
RADIX_ORDER(priority, "radix-priority", "give up nodes of the lowest priority first (SGLang)")
