/* sim/placement/policy_scheduler_aware.c - evicts what the job queue will want last.
 * Here: the order among units, by the queue. Source: CachedAttention (ATC'24), scheduler-aware
 * eviction: first a unit that no job in the eviction window wants, else the one wanted furthest in
 * the future; what is in the window is never dropped from the last tier. The window is (C_DRAM +
 * C_SSD) / S_kv jobs long, or so many times as long. The paper leaves the order among units outside
 * the window open: here those that no queued job wants go first, least recently used first, then
 * the queue's tail. */
#include "sim/placement/policy.h"
#include "sim/placement/unit_heap.h"

/* A unit in tier t is in exactly one of: idle[t], if no queued job wants it, front = least recently
 * used; wanted[t], if one does and it is not pinned, the one wanted last on top; neither, if one
 * does and it is pinned (its place follows from the queue, so nothing is lost by taking it out). */
struct scheduler_aware {
    struct order idle[TIER_COUNT];
    struct heap wanted[TIER_COUNT];
};

/* Ties, which only blocks of one job can have, by handle. */
static struct heap_item wanted_last_first(uint32_t sequence, uint32_t unit)
{
    return (struct heap_item){ UINT32_MAX - sequence, UINT32_MAX - unit, unit };
}

static void take_out(struct scheduler_aware *aware, struct order_link *link, uint32_t unit,
                     enum tier tier)
{
    if (link[unit].next < UNIT_NOWHERE)
        order_remove(&aware->idle[tier], link, unit);
    else
        unit_heap_take(&aware->wanted[tier], link, unit);
}

static void put_in(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct scheduler_aware *aware = env->state;
    struct order_link *link = env->units->link[tier];
    uint32_t sequence = policy_next_use(env, unit);
    if (sequence == SEQUENCE_NONE)
        order_push_back(&aware->idle[tier], link, unit);
    else if (policy_stays(env, unit, tier))
        link[unit].next = UNIT_NOWHERE;
    else
        unit_heap_put(&aware->wanted[tier], link, wanted_last_first(sequence, unit));
}

static void scheduler_aware_leave(struct policy_env *env, uint32_t unit, enum tier tier,
                                  enum leave why)
{
    (void)why;
    take_out(env->state, env->units->link[tier], unit, tier);
}

static void scheduler_aware_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct scheduler_aware *aware = env->state;
    if (env->units->link[tier][unit].next < UNIT_NOWHERE)
        order_move_to_back(&aware->idle[tier], env->units->link[tier], unit);
}

/* Idle units keep their place through pins, as in LRU; wanted ones follow the queue. */
static void scheduler_aware_wanted(struct policy_env *env, uint32_t unit)
{
    if (env->units->unit == NULL) /* a replay: no queue */
        return;
    const struct unit *entry = &env->units->unit[unit];
    bool is_wanted = entry->first_waiter != 0;
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if (entry->tokens[tier] == 0 || unit_leaves(entry, (enum tier)tier) ||
            policy_is_apart(env, tier))
            continue;
        bool was_wanted = env->units->link[tier][unit].next >= UNIT_NOWHERE;
        if (!is_wanted && !was_wanted)
            continue;
        take_out(env->state, env->units->link[tier], unit, (enum tier)tier);
        put_in(env, unit, (enum tier)tier);
    }
}

static uint32_t scheduler_aware_victim(struct policy_env *env, enum tier tier)
{
    struct scheduler_aware *aware = env->state;
    uint32_t unit = policy_first(env, &aware->idle[tier], tier);
    return unit != UNIT_NONE ? unit : unit_heap_first(&aware->wanted[tier]);
}

static void scheduler_aware_done(struct policy_env *env)
{
    struct scheduler_aware *aware = env->state;
    for (int tier = 0; tier < TIER_COUNT; tier++)
        heap_free(&aware->wanted[tier]);
}

const struct policy policy_scheduler_aware = {
    .name = "scheduler-aware",
    .summary = "give up what the job queue wants last; fetch what it wants next",
    .state_bytes = sizeof(struct scheduler_aware),
    .saves = true,
    .fetches = true,
    .enter = put_in,
    .leave = scheduler_aware_leave,
    .use = scheduler_aware_use,
    .wanted = scheduler_aware_wanted,
    .victim = scheduler_aware_victim,
    .keeps = policy_window_keeps,
    .done = scheduler_aware_done,
};
