/* sim/placement/policy.h - what an eviction policy is, and the one list of them.
 *
 * A policy orders the units of each tier and names the next to evict. Bytes, books, transfers are
 * the driver's: the placement core (books.c, room.c), or the replay of a trace by hits alone
 * (sim/replay/). Both call the same functions. A policy sees each tier's units come, be used and
 * go, sees the queue if it cares, and answers victim().
 *
 * A policy that wants to know units again after they left (ghosts) says policy_remember() in
 * leave(): their handle, link and note then stay as they are until policy_forget(). */
#ifndef REPRISE_SIM_PLACEMENT_POLICY_H
#define REPRISE_SIM_PLACEMENT_POLICY_H

#include "sim/placement/policy_keys.h"
#include "sim/placement/unit.h"

#include <assert.h>
#include <stddef.h>

#define SEQUENCE_NONE UINT32_MAX

/* What a call of use() is about. Policies that count uses leave out a job's end, or each job would
 * count twice. Under SAVE_ONCE (keys.h) the tiers below HBM hear of a job's stores in the place of its
 * end, and under SAVE_EACH of neither. */
struct policy_use {
    bool ends;   /* the job's end, or a store of it; else its start. What it stored is there by then */
    bool fresh;  /* at a store: this is what it has just stored */
    bool found;  /* at the start: it is in the leading run that the job found (prefix_below: there) */
    bool served; /* and this is the fastest tier that has it */
    bool last;   /* the job's chain ends with it; in a replay at enter(), too: its request does */
};

/* What a policy may look at. state is its own memory, zeroed at the start; so are the links and
 * notes of units. The rest is read only. */
struct policy_env {
    void *state;
    struct policy_units *units;
    const struct slot *slots;     /* chain slots: who waits for a unit; NULL in a replay */
    uint32_t queue_head_sequence; /* of the job at the queue's head; sequences grow by one a job */
    uint64_t capacity_tokens[TIER_COUNT];
    uint32_t unit_tokens;                /* of a block; UINT32_MAX: units are sessions */
    uint64_t capacity_units[TIER_COUNT]; /* blocks that fit; 0: units differ in size */
    double mean_job_tokens; /* running mean of the context of jobs that ended; 0: none yet */
    /* Time to compute a token of a prefill again, at position p of its context: base + slope * p.
     */
    double recompute_base_ns, recompute_slope_ns;
    uint64_t may_go_epoch;  /* grows when a unit that a walk has passed over in it (policy_first()) may go */
    uint64_t arrivals;      /* grows when something comes in; what comes in at once has one number */
    const uint64_t *now_ns; /* NULL in a replay: there is no time */
    struct policy_keys keys;
    const uint8_t *tenant_priority; /* priority-lru: in place of the standard one; NULL: nobody's */
    unsigned apart; /* bit t: for wanted(), what is in tier t is none of this state's (quota.h) */
    struct policy_use use;
    uint64_t (*key_of)(const struct policy_env *env, uint32_t unit);
    void (*remembers)(struct policy_env *env, uint32_t unit, enum tier tier, bool does);
};

/* Why a copy left its tier. */
enum leave {
    LEAVE_EVICTED, /* it was the victim */
    LEAVE_REMOVED  /* expired, cut off, moved to a faster tier: says nothing about its worth */
};

struct policy {
    const char *name, *summary;
    size_t state_bytes, note_bytes;
    bool saves;   /* false: nothing is ever stored (recompute) */
    bool fetches; /* by default: the queue's KV on SSD is brought to DRAM ahead of its job */
    bool depths;  /* wants env->units->depth */
    bool prefix_below; /* tiers below HBM are asked for a context from its beginning, whatever HBM
                          has of it: what they hold behind a gap of theirs is not found */
    bool uses_ghosts; /* use() is told of units that it remembers in the tier, too, but at the end */
    /* A copy of the unit is now in the tier, at its end of the order; has left it. */
    void (*enter)(struct policy_env *env, uint32_t unit, enum tier tier);
    void (*leave)(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why);
    /* A job uses the copy in that tier, as env->use says: told at its start and its end, deepest
     * unit first. Optional. */
    void (*use)(struct policy_env *env, uint32_t unit, enum tier tier);
    /* The unit, not in the tier, is about to enter: room will be made for it next. Optional. */
    void (*coming)(struct policy_env *env, uint32_t unit, enum tier tier);
    /* The next waiter for the unit, or whether it may go (policy_stays), has changed. Optional. */
    void (*wanted)(struct policy_env *env, uint32_t unit);
    /* The unit to evict next in that tier, never one that stays; UNIT_NONE: none may go. May set
     * its own order straight (a clock's hand); gives the same answer until something changes. */
    uint32_t (*victim)(struct policy_env *env, enum tier tier);
    /* Whether victim() would name so many units of the tier, one after the other, if nothing else happened.
     * Optional: as many as may go. */
    bool (*yields)(const struct policy_env *env, enum tier tier, uint64_t units);
    /* Whether the unit's last copy must not be evicted. Optional: none is protected. */
    bool (*keeps)(const struct policy_env *env, uint32_t unit);
    /* Asks the processor to fetch what use() will read of the unit. Optional, for speed alone. */
    void (*prefetch)(const struct policy_env *env, uint32_t unit, enum tier tier);
    /* Frees what state points to. Optional. */
    void (*done)(struct policy_env *env);
};

/* <- a new policy: its name here, its file in sim/placement/CMakeLists.txt, a row in
 * docs/policies.md.
 */
#define POLICIES(X)                                                                                \
    X(scheduler_aware)                                                                             \
    X(lru) X(fifo) X(mru) X(lfu) X(two_q) X(arc) X(s3_fifo) X(sieve) X(gdsf) X(reuse_rate)          \
    X(vllm_arc) X(priority_lru) X(lease_lru) X(served_lru)                                         \
    X(vllm_arc_31) X(multi_lru) X(radix_lru) X(radix_lfu) X(radix_slru) X(radix_priority)                                                          \
    X(head_lru) X(head_lfu) X(head_fifo) X(head_mru)                                               \
    X(none)
#define POLICY_DECLARE(name) extern const struct policy policy_##name;
POLICIES(POLICY_DECLARE)

/* The policy of that name, or NULL. */
const struct policy *policy_find(const char *name);
/* The i-th of the list, or NULL behind its end. */
const struct policy *policy_at(int i);

/* Whether the unit must stay in the tier for now: it is in use, on its way, or (leaf_only) units
 * that follow it in its chain are there. */
static inline bool policy_stays(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    const struct policy_units *units = env->units;
    if (units->unit != NULL && unit_is_held(units, unit, tier))
        return true;
    return units->children[tier] != NULL && units->children[tier][unit] > 0;
}

static inline bool policy_is_apart(const struct policy_env *env, int tier)
{
    return (env->apart >> (unsigned)tier & 1U) != 0;
}

static inline uint32_t policy_walk(const struct policy_env *env, enum tier tier, uint32_t unit)
{
    uint32_t *passed = env->units->passed;
    for (; unit != UNIT_NONE && policy_stays(env, unit, tier);
         unit = env->units->link[tier][unit].next)
        if (passed != NULL)
            passed[unit] = (uint32_t)env->may_go_epoch;
    return unit;
}

/* The unit may go now: walks begin anew, if one of this epoch has passed over it. */
static inline void policy_may_go(struct policy_env *env, uint32_t unit)
{
    const uint32_t *passed = env->units->passed;
    env->may_go_epoch += passed == NULL || passed[unit] == (uint32_t)env->may_go_epoch;
}

/* The first unit of the list that may go, or UNIT_NONE. Those that stay keep their place: taken out
 * and put back, one would come out of a long job looking new. In HBM they are the blocks of all jobs
 * that run, many thousands, and most of them at the front: those that were passed over are not looked
 * at again until one that stayed may go. */
static inline uint32_t policy_first(const struct policy_env *env, struct order *order,
                                    enum tier tier)
{
    const struct order_link *link = env->units->link[tier];
    if (order->epoch != env->may_go_epoch)
        order->passed = 0;
    uint32_t unit =
        policy_walk(env, tier, order->passed != 0 ? link[order->passed].next : order->front);
    order->passed = unit != UNIT_NONE ? link[unit].prev : order->back;
    order->epoch = env->may_go_epoch;
    assert(unit == policy_walk(env, tier, order->front));
    return unit;
}

/* The same from the list's other end. */
static inline uint32_t policy_last(const struct policy_env *env, const struct order *order,
                                   enum tier tier)
{
    uint32_t unit = order->back;
    while (unit != UNIT_NONE && policy_stays(env, unit, tier))
        unit = env->units->link[tier][unit].prev;
    return unit;
}

/* How many units the tier holds when it is full; units of different size: as many as it holds now.
 */
static inline uint64_t policy_capacity(const struct policy_env *env, enum tier tier, uint64_t now)
{
    uint64_t units = env->capacity_units[tier] > 0 ? env->capacity_units[tier] : now;
    return units > 0 ? units : 1;
}

/* As many of those units as the share says: one at least where it is more than 0, of none too. */
static inline uint64_t policy_share(uint64_t units, double share)
{
    const double beyond_whole = 18446744073709551616.0;
    /* The product may fall short of the whole number that it stands for: 0.29 * 100. */
    double part = (double)units * share + 1e-6;
    if (share <= 0.0)
        return 0;
    return part < 1.0 ? 1 : part < beyond_whole ? (uint64_t)part : UINT64_MAX;
}

/* Time to compute the unit's KV again, for each of its tokens, in ns; 1 where no times are known.
 */
double policy_recompute_ns(const struct policy_env *env, uint32_t unit, enum tier tier);

static inline void policy_remember(struct policy_env *env, uint32_t unit, enum tier tier)
{
    env->remembers(env, unit, tier, true);
}

/* The unit's handle may name another unit from now on. */
static inline void policy_forget(struct policy_env *env, uint32_t unit, enum tier tier)
{
    env->remembers(env, unit, tier, false);
}

/* Sequence of the first queued job that wants the unit, or SEQUENCE_NONE. */
uint32_t policy_next_use(const struct policy_env *env, uint32_t unit);

/* So many times the jobs that fit into that many tokens of cache: the paper's C / S_kv, S_kv the
 * running mean. Without a mean yet, all. */
uint32_t policy_window_jobs(const struct policy_env *env, uint64_t tokens, double times);

/* policy.keeps, as the paper has it: what one of the queue's first (C_DRAM + C_SSD) / S_kv jobs wants. */
bool policy_window_keeps(const struct policy_env *env, uint32_t unit);

#endif
